import { Body, type BodyContent, type BodyInit, extractBody } from './body.ts';
import { Headers, type HeadersInit } from './headers.ts';
import type { URL } from './url.ts';

export interface ResponseInit {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersInit;
}

const WITHOUT_BODY = new Set([204, 205, 304]);

/** `Response` of the Fetch standard. `statusText` stays inside the guest: wasi:http carries no reason phrase. */
export class Response extends Body {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  /** Where a fetched response came from, after redirects; empty for one made here. */
  readonly url: string = '';
  readonly redirected: boolean = false;

  constructor(body?: BodyInit | null, init: ResponseInit = {}) {
    const { content, contentType } = extractBody(body);
    super(content);
    this.status = init.status ?? 200;
    this.statusText = init.statusText ?? '';
    this.headers = new Headers(init.headers);
    if (!Number.isInteger(this.status) || this.status < 200 || this.status > 599) {
      throw new RangeError(`${init.status} is not a status from 200 to 599`);
    }
    if (content !== null && WITHOUT_BODY.has(this.status))
      throw new TypeError(`a ${this.status} response cannot have a body`);
    if (contentType && !this.headers.has('content-type')) this.headers.set('content-type', contentType);
  }

  get ok(): boolean {
    return this.status < 300;
  }

  clone(): Response {
    const { status, statusText, headers } = this;
    return Body.put(new Response(null, { status, statusText, headers }), Body.share(this));
  }

  static json(value: unknown, init: ResponseInit = {}): Response {
    const headers = new Headers(init.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError('the value has no JSON form');
    return new Response(text, { ...init, headers });
  }

  static redirect(url: string | URL, status = 302): Response {
    if (![301, 302, 303, 307, 308].includes(status))
      throw new RangeError(`${status} is not a redirect status`);
    return new Response(null, { status, headers: { location: String(url) } });
  }

  /** A response that came from the wire. */
  static make(
    content: BodyContent,
    from: {
      readonly status: number;
      readonly headers: Headers;
      readonly url: string;
      readonly redirected: boolean;
    },
  ): Response {
    const { status, headers, url, redirected } = from;
    const response = new Response(null, { status, headers });
    return Body.put(Object.assign(response, { url, redirected }), content);
  }
}
