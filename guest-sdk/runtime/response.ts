import { Body, type BodyContent, type BodyInit, contentTypeOf, extractBody } from './body.ts';
import { Headers, type HeadersInit } from './headers.ts';
import type { URL } from './url.ts';

export interface ResponseInit {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersInit;
}

/** Where a fetched response came from, after redirects. */
interface Origin {
  readonly url: string;
  readonly redirected: boolean;
}

const NO_INIT: ResponseInit = {};
const HERE: Origin = { url: '', redirected: false };

function isStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 599;
}

function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** `Response` of the Fetch standard. `statusText` stays inside the guest: wasi:http carries no reason phrase. */
export class Response extends Body {
  readonly status: number;
  readonly statusText: string;
  #headers: Headers | undefined;
  /** The `content-type` of a response that nobody gave headers, or asked for any. */
  #contentType: string | undefined;
  #origin: Origin = HERE;

  constructor(body?: BodyInit | null, init: ResponseInit = NO_INIT) {
    const content = extractBody(body);
    super(content);
    const status = init.status ?? 200;
    this.status = status;
    this.statusText = init.statusText ?? '';
    if (status !== 200) {
      if (!isStatus(status)) throw new RangeError(`${status} is not a status from 200 to 599`);
      if (content !== null && hasNoBody(status))
        throw new TypeError(`a ${status} response cannot have a body`);
    }
    this.#contentType = contentTypeOf(body);
    if (init.headers !== undefined) this.#headers = this.#complete(new Headers(init.headers));
  }

  #complete(headers: Headers): Headers {
    const contentType = this.#contentType;
    if (contentType !== undefined && !headers.has('content-type')) headers.set('content-type', contentType);
    return headers;
  }

  get headers(): Headers {
    this.#headers ??= this.#complete(new Headers());
    return this.#headers;
  }

  get url(): string {
    return this.#origin.url;
  }

  get redirected(): boolean {
    return this.#origin.redirected;
  }

  get ok(): boolean {
    return this.status < 300;
  }

  clone(): Response {
    const { status, statusText, headers } = this;
    return Body.put(new Response(null, { status, statusText, headers }), Body.share(this));
  }

  static json(value: unknown, init: ResponseInit = NO_INIT): Response {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError('the value has no JSON form');
    const response = new Response(null, init.headers === undefined ? init : { ...init, headers: [] });
    if (hasNoBody(response.status)) throw new TypeError(`a ${response.status} response cannot have a body`);
    response.#contentType = 'application/json';
    if (init.headers !== undefined) response.#headers = response.#complete(new Headers(init.headers));
    return Body.put(response, text);
  }

  static redirect(url: string | URL, status = 302): Response {
    if (![301, 302, 303, 307, 308].includes(status))
      throw new RangeError(`${status} is not a redirect status`);
    return new Response(null, { status, headers: { location: String(url) } });
  }

  /** A response that came from the wire. */
  static received(
    content: BodyContent,
    from: {
      readonly status: number;
      readonly headers: Headers;
      readonly url: string;
      readonly redirected: boolean;
    },
  ): Response {
    const response = new Response(null, from);
    response.#origin = from;
    return Body.put(response, content);
  }

  /** The only header there is, a content type; undefined where there may be others. */
  static soleContentType(response: Response): string | undefined {
    return response.#headers === undefined ? response.#contentType : undefined;
  }
}
