import { requestFields, requestLine } from 'mayfly:http/messages@0.1.0';
import { Request as WireRequest } from 'wasi:http/types@0.3.0';
import { Headers } from './headers.ts';
import { RequestSource } from './request.ts';
import { UnreadBody } from './unread-body.ts';
import { normalisedHref } from './url.ts';
import { consumeBody } from './wire.ts';

/** The request that wasi:http hands over. Each question to the host costs, so none is put before a handler asks. */
export class IncomingRequest extends RequestSource {
  /** Set before anything is asked. */
  wire: WireRequest | undefined;
  /** `GET http://localhost/path` */
  #line: string | undefined;
  #url: string | undefined;
  #fields: string | undefined;
  #isConsumed = false;

  get #host(): WireRequest {
    return this.wire as WireRequest;
  }

  #readLine(): string {
    this.#line ??= requestLine(this.#host);
    return this.#line;
  }

  method(): string {
    const line = this.#readLine();
    return line.slice(0, line.indexOf(' '));
  }

  url(): string {
    if (this.#url === undefined) {
      const line = this.#readLine();
      this.#url = normalisedHref(line.slice(line.indexOf(' ') + 1));
    }
    return this.#url;
  }

  headers(): Headers {
    return Headers.received(() => Headers.parse(this.#readFields()));
  }

  #readFields(): string {
    this.#fields ??= requestFields(this.#host);
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
    this.#readLine();
    this.#readFields();
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
