import { Request as WireRequest } from 'wasi:http/types@0.3.0';
import { Headers } from './headers.ts';
import { RequestSource } from './request.ts';
import { UnreadBody } from './unread-body.ts';
import { normalisedHref } from './url.ts';
import { consumeBody } from './wire.ts';

/** The request that wasi:http hands over. Each question to the host costs, so none is put before a handler asks. */
export class IncomingRequest extends RequestSource {
  readonly #wire: WireRequest;
  #method: string | undefined;
  #isConsumed = false;

  constructor(wire: WireRequest) {
    super();
    this.#wire = wire;
  }

  method(): string {
    if (this.#method === undefined) {
      const { tag, val } = this.#wire.getMethod();
      this.#method = tag === 'other' ? String(val) : tag.toUpperCase();
    }
    return this.#method;
  }

  url(): string {
    const wire = this.#wire;
    const scheme = wire.getScheme()?.tag === 'HTTPS' ? 'https' : 'http';
    return normalisedHref(
      `${scheme}://${wire.getAuthority() ?? 'localhost'}${wire.getPathWithQuery() ?? '/'}`,
    );
  }

  headers(): Headers {
    return Headers.received(() => this.#wire.getHeaders().copyAll());
  }

  #mayHaveBody(): boolean {
    const method = this.method();
    return method !== 'GET' && method !== 'HEAD';
  }

  #open(): ReturnType<typeof consumeBody> {
    this.#isConsumed = true;
    return consumeBody(WireRequest.consumeBody, this.#wire);
  }

  /** In the Fetch standard a GET or HEAD request has no body; what a caller sends with one is not read. */
  content(): UnreadBody | null {
    return this.#mayHaveBody() ? new UnreadBody(() => this.#open()) : null;
  }

  /** Whether a body may be left with the host. */
  get isUnread(): boolean {
    return !this.#isConsumed && this.#mayHaveBody();
  }

  /** Nobody will ask any more: a caller who still sends the body need not. */
  finish(): void {
    if (this.isUnread) this.#open().drop();
  }
}
