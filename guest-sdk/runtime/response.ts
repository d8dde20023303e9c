import { Body, type BodyContent, type BodyInit, contentTypeOf, extractBody, TEXT_TYPE } from './body.ts';
import { Headers, type HeadersInit } from './headers.ts';
import type { ReadableStream } from './readable-stream.ts';
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

/** What a response consists of. */
interface Message {
  readonly body: Body;
  readonly head: Head;
  /** Just the content type, where nobody gave headers or asked for any. */
  headers: Headers | string | undefined;
}

/**
 * `Response` of the Fetch standard. `statusText` stays inside the guest: wasi:http carries no reason phrase.
 *
 * Most are made of text and sent as they are: these have a text and its content type, and no more is made of them before
 * somebody asks (for QuickJS an object takes 4,000 units of fuel, a derived one 8,000).
 */
export class Response {
  /** Null once it was sent; not looked at where there is a message. */
  #text: string | null | undefined;
  #message: Message | string;

  constructor(body?: BodyInit | null, init?: ResponseInit) {
    if (typeof body === 'string' && init === undefined) {
      this.#text = body.toWellFormed();
      this.#message = TEXT_TYPE;
      return;
    }
    const content = extractBody(body);
    const head = init === undefined ? USUAL : headOf(init);
    if (content !== null) refuseBody(head.status);
    const contentType = contentTypeOf(body);
    const headers =
      init?.headers === undefined ? contentType : completed(new Headers(init.headers), contentType);
    this.#message = { body: new Body(content), head, headers };
  }

  static #open(response: Response): Message {
    const message = response.#message;
    if (typeof message !== 'string') return message;
    const text = response.#text;
    const body = typeof text === 'string' ? new Body(text) : Body.spent();
    const opened = { body, head: USUAL, headers: message };
    response.#message = opened;
    return opened;
  }

  get status(): number {
    return Response.#open(this).head.status;
  }

  get statusText(): string {
    return Response.#open(this).head.statusText;
  }

  get url(): string {
    return Response.#open(this).head.url;
  }

  get redirected(): boolean {
    return Response.#open(this).head.redirected;
  }

  get headers(): Headers {
    const message = Response.#open(this);
    if (!(message.headers instanceof Headers)) message.headers = completed(new Headers(), message.headers);
    return message.headers;
  }

  get ok(): boolean {
    return this.status < 300;
  }

  get body(): ReadableStream | null {
    return Response.#open(this).body.body;
  }

  get bodyUsed(): boolean {
    return Response.#open(this).body.bodyUsed;
  }

  bytes(): Promise<Uint8Array> {
    return Response.#open(this).body.bytes();
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return Response.#open(this).body.arrayBuffer();
  }

  text(): Promise<string> {
    return Response.#open(this).body.text();
  }

  json(): Promise<unknown> {
    return Response.#open(this).body.json();
  }

  clone(): Response {
    const { body, head } = Response.#open(this);
    return Response.#of({ body: new Body(body.share()), head, headers: new Headers(this.headers) });
  }

  static json(value: unknown, init?: ResponseInit): Response {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError('the value has no JSON form');
    if (init === undefined) {
      const response = new Response(text);
      response.#message = JSON_TYPE;
      return response;
    }
    const { head, headers } = Response.#open(new Response(null, init));
    refuseBody(head.status);
    return Response.#of({
      body: new Body(text),
      head,
      headers: headers instanceof Headers ? completed(headers, JSON_TYPE) : JSON_TYPE,
    });
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
    return Response.#of({
      body: new Body(content),
      head: { status, statusText: '', url, redirected },
      headers,
    });
  }

  static #of(message: Message): Response {
    const response = new Response(null);
    response.#message = message;
    return response;
  }

  /** Hands the text over of one that has nothing else but its content type, once; undefined for others. */
  static takeText(response: Response): string | undefined {
    if (typeof response.#message !== 'string') return undefined;
    const text = response.#text;
    if (typeof text !== 'string') return undefined;
    response.#text = null;
    return text;
  }

  /** The only header there is, a content type; undefined where there may be others, or there is none. */
  static soleContentType(response: Response): string | undefined {
    const message = response.#message;
    if (typeof message === 'string') return message;
    return typeof message.headers === 'string' ? message.headers : undefined;
  }

  /** For whoever sends it. */
  static bodyOf(response: Response): Body {
    return Response.#open(response).body;
  }
}

function completed(headers: Headers, contentType: Headers | string | undefined): Headers {
  if (typeof contentType === 'string' && !headers.has('content-type'))
    headers.set('content-type', contentType);
  return headers;
}
