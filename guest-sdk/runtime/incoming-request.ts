import { type Fields, Request as WireRequest } from 'wasi:http/types@0.3.0';
import { Headers } from './headers.ts';
import { RequestSource } from './request.ts';
import { UnreadBody } from './unread-body.ts';
import { normalisedHref } from './url.ts';
import { consumeBody } from './wire.ts';

/** The request that wasi:http hands over. Each question to the host costs, so none is put before a handler asks. */
export class IncomingRequest extends RequestSource {
  /** Set before anything is asked. */
  wire: WireRequest | undefined;
  #method: string | undefined;
  #url: string | undefined;
  #fields: Fields | undefined;
  #isConsumed = false;

  get #host(): WireRequest {
    return this.wire as WireRequest;
  }

  method(): string {
    if (this.#method === undefined) {
      const { tag, val } = this.#host.getMethod();
      this.#method = tag === 'get' ? 'GET' : tag === 'other' ? String(val) : tag.toUpperCase();
    }
    return this.#method;
  }

  url(): string {
    this.#url ??= this.#readUrl();
    return this.#url;
  }

  #readUrl(): string {
    const host = this.#host;
    const scheme = host.getScheme()?.tag === 'HTTPS' ? 'https' : 'http';
    return normalisedHref(
      `${scheme}://${host.getAuthority() ?? 'localhost'}${host.getPathWithQuery() ?? '/'}`,
    );
  }

  headers(): Headers {
    return Headers.received(() => this.#hostFields().copyAll());
  }

  #hostFields(): Fields {
    this.#fields ??= this.#host.getHeaders();
    return this.#fields;
  }

  /** In the Fetch standard a GET or HEAD request has no body; what a caller sends with one is not read. */
  content(): UnreadBody | null {
    const method = this.method();
    if (method === 'GET' || method === 'HEAD') return null;
    return new UnreadBody(() => this.#open());
  }

  #open(): ReturnType<typeof consumeBody> {
    // Reading the body gives the request away: what may be asked for later is asked for now.
    this.url();
    this.#hostFields();
    return this.#consume();
  }

  #consume(): ReturnType<typeof consumeBody> {
    this.#isConsumed = true;
    return consumeBody(WireRequest.consumeBody, this.#host);
  }

  /** Nobody will ask any more: who still sends a body need not. */
  close(): void {
    if (!this.#isConsumed) this.#consume().drop();
  }
}
