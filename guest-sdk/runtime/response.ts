import { Body, type BodyContent, type BodyInit, contentTypeOf, extractBody } from './body.ts';
import { Headers, type HeadersInit } from './headers.ts';
import type { URL } from './url.ts';

export interface ResponseInit {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersInit;
}

/** Everything but headers and body. `url` says where a fetched response came from, after redirects. */
interface Head {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly redirected: boolean;
}

export const JSON_TYPE = 'application/json';
/** Shared by all that were given nothing else: an object of their own would cost each some 4,000 units of fuel. */
const USUAL: Head = { status: 200, statusText: '', url: '', redirected: false };

function headOf(init: ResponseInit): Head {
  const { status = 200, statusText = '' } = init;
  if (status === 200 && statusText === '') return USUAL;
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new RangeError(`${status} is not a status from 200 to 599`);
  return { status, statusText: String(statusText), url: '', redirected: false };
}

function refuseBody(status: number): void {
  if (status === 204 || status === 205 || status === 304)
    throw new TypeError(`a ${status} response cannot have a body`);
}

/** `Response` of the Fetch standard. `statusText` stays inside the guest: wasi:http carries no reason phrase. */
export class Response extends Body {
  #head = USUAL;
  /** Just the content type of a response that nobody gave headers, or asked for any. */
  #headers: Headers | string | undefined;

  constructor(body?: BodyInit | null, init?: ResponseInit) {
    const content = extractBody(body);
    super(content);
    this.#headers = contentTypeOf(body);
    if (init === undefined) return;
    this.#head = headOf(init);
    if (content !== null) refuseBody(this.#head.status);
    if (init.headers !== undefined) this.#headers = completed(new Headers(init.headers), this.#headers);
  }

  get status(): number {
    return this.#head.status;
  }

  get statusText(): string {
    return this.#head.statusText;
  }

  get url(): string {
    return this.#head.url;
  }

  get redirected(): boolean {
    return this.#head.redirected;
  }

  get headers(): Headers {
    const headers = this.#headers;
    if (headers instanceof Headers) return headers;
    const made = completed(new Headers(), headers);
    this.#headers = made;
    return made;
  }

  get ok(): boolean {
    return this.status < 300;
  }

  clone(): Response {
    const copy = new Response(null, { headers: this.headers });
    copy.#head = this.#head;
    return Body.put(copy, Body.share(this));
  }

  static json(value: unknown, init?: ResponseInit): Response {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError('the value has no JSON form');
    const response = new Response(null, init);
    refuseBody(response.status);
    response.#headers =
      response.#headers instanceof Headers ? completed(response.#headers, JSON_TYPE) : JSON_TYPE;
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
    from: Omit<Head, 'statusText'> & { readonly headers: Headers },
  ): Response {
    const { status, headers, url, redirected } = from;
    const response = new Response(null, { status });
    response.#headers = headers;
    response.#head = { status, statusText: '', url, redirected };
    return Body.put(response, content);
  }

  /** The only header there is, a content type; undefined where there may be others, or there is none. */
  static soleContentType(response: Response): string | undefined {
    return typeof response.#headers === 'string' ? response.#headers : undefined;
  }
}

function completed(headers: Headers, contentType: Headers | string | undefined): Headers {
  if (typeof contentType === 'string' && !headers.has('content-type'))
    headers.set('content-type', contentType);
  return headers;
}
