import { Body, type BodyContent, type BodyInit, contentTypeOf, extractBody } from './body.ts';
import { Headers, type HeadersInit } from './headers.ts';
import type { ReadableStream } from './readable-stream.ts';
import { URL } from './url.ts';

export type Redirect = 'follow' | 'error' | 'manual';

export interface RequestInit {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: BodyInit | null;
  readonly redirect?: Redirect;
}

/** Where a request's parts come from that were not given to its constructor; each is asked for at most once. */
export abstract class RequestSource {
  abstract method(): string;
  abstract url(): string;
  abstract headers(): Headers;
  abstract content(): BodyContent;
}

const NORMALISED = /^(?:delete|get|head|options|post|put)$/i;
const WITHOUT_BODY = /^(?:get|head)$/i;

function normalised(method: string): string {
  return NORMALISED.test(method) ? method.toUpperCase() : method;
}

/** `Request` of the Fetch standard: method, url, headers, body and redirect mode. */
export class Request {
  readonly #source: RequestSource | undefined;
  #body: Body;
  #method: string | undefined;
  #url: string | undefined;
  #headers: Headers | undefined;
  readonly #redirect: Redirect | undefined;

  constructor(input: string | URL | Request, init: RequestInit = {}) {
    if ((input as unknown) instanceof RequestSource) {
      const source = input as unknown as RequestSource;
      this.#body = new Body(() => source.content());
      this.#source = source;
      return;
    }
    const from = input instanceof Request ? input : undefined;
    const content = extractBody(init.body);
    const method = init.method ?? from?.method ?? 'GET';
    if (content !== null && WITHOUT_BODY.test(method))
      throw new TypeError(`a ${method} request cannot have a body`);
    this.#body = new Body(content !== null || from === undefined ? content : from.#body.take());
    this.#method = normalised(method);
    this.#url = from?.url ?? new URL(input as string | URL).href;
    this.#headers = new Headers(init.headers ?? from?.headers);
    this.#redirect = init.redirect ?? from?.redirect;
    const contentType = contentTypeOf(init.body);
    if (contentType && !this.#headers.has('content-type')) this.#headers.set('content-type', contentType);
  }

  get method(): string {
    this.#method ??= (this.#source as RequestSource).method();
    return this.#method;
  }

  get url(): string {
    this.#url ??= (this.#source as RequestSource).url();
    return this.#url;
  }

  get headers(): Headers {
    this.#headers ??= (this.#source as RequestSource).headers();
    return this.#headers;
  }

  get redirect(): Redirect {
    return this.#redirect ?? 'follow';
  }

  get body(): ReadableStream | null {
    return this.#body.body;
  }

  get bodyUsed(): boolean {
    return this.#body.bodyUsed;
  }

  bytes(): Promise<Uint8Array> {
    return this.#body.bytes();
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#body.arrayBuffer();
  }

  text(): Promise<string> {
    return this.#body.text();
  }

  json(): Promise<unknown> {
    return this.#body.json();
  }

  clone(): Request {
    const content = this.#body.share();
    const { method, headers, redirect } = this;
    const copy = new Request(this.url, { method, headers, redirect });
    // The constructor would refuse one for some methods.
    copy.#body = new Body(content);
    return copy;
  }

  /** For whoever sends it. */
  static bodyOf(request: Request): Body {
    return request.#body;
  }

  /** A request from the wire; its method may have a body that the constructor would refuse. */
  static received(source: RequestSource): Request {
    return new Request(source as never);
  }
}
