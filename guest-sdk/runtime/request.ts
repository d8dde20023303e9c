import { Body, type BodyContent, type BodyInit, extractBody } from './body.ts';
import { Headers, type HeadersInit } from './headers.ts';
import { URL } from './url.ts';

export type Redirect = 'follow' | 'error' | 'manual';

export interface RequestInit {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: BodyInit | null;
  readonly redirect?: Redirect;
}

const NORMALISED = /^(?:delete|get|head|options|post|put)$/i;

/** `Request` of the Fetch standard: method, url, headers, body and redirect mode. */
export class Request extends Body {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly redirect: Redirect;

  constructor(input: string | URL | Request, init: RequestInit = {}) {
    const from = input instanceof Request ? input : undefined;
    const given = extractBody(init.body);
    const method = init.method ?? from?.method ?? 'GET';
    const hasOwnBody = init.body !== undefined && init.body !== null;
    if (hasOwnBody && /^(?:get|head)$/i.test(method))
      throw new TypeError(`a ${method} request cannot have a body`);
    super(hasOwnBody || from === undefined ? given.content : Body.take(from));
    this.method = NORMALISED.test(method) ? method.toUpperCase() : method;
    this.url = from?.url ?? new URL(input as string | URL).href;
    this.headers = new Headers(init.headers ?? from?.headers);
    this.redirect = init.redirect ?? from?.redirect ?? 'follow';
    if (given.contentType && !this.headers.has('content-type'))
      this.headers.set('content-type', given.contentType);
  }

  clone(): Request {
    const { method, headers, redirect } = this;
    return Request.make(this.url, { method, headers, redirect }, Body.share(this));
  }

  /** A request whose content came from the wire; its method may have a body that the constructor would refuse. */
  static make(url: string, init: Omit<RequestInit, 'body'>, content: BodyContent): Request {
    return Body.put(new Request(url, init), content);
  }
}
