import { Body, type BodyContent, type BodyInit, contentTypeOf, extractBody } from './body.ts';
import { Headers, type HeadersInit } from './headers.ts';
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
export class Request extends Body {
  readonly #source: RequestSource | undefined;
  #method: string | undefined;
  #url: string | undefined;
  #headers: Headers | undefined;
  readonly #redirect: Redirect | undefined;

  constructor(input: string | URL | Request, init: RequestInit = {}) {
    if ((input as unknown) instanceof RequestSource) {
      const source = input as unknown as RequestSource;
      super(() => source.content());
      this.#source = source;
      return;
    }
    const from = input instanceof Request ? input : undefined;
    const content = extractBody(init.body);
    const method = init.method ?? from?.method ?? 'GET';
    if (content !== null && WITHOUT_BODY.test(method))
      throw new TypeError(`a ${method} request cannot have a body`);
    super(content !== null || from === undefined ? content : Body.take(from));
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

  clone(): Request {
    const { method, headers, redirect } = this;
    return Body.put(new Request(this.url, { method, headers, redirect }), Body.share(this));
  }

  /** A request from the wire; its method may have a body that the constructor would refuse. */
  static received(source: RequestSource): Request {
    return new Request(source as never);
  }
}
