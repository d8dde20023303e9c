import type { IncomingMessage } from 'node:http';
import type { ByteSource } from '../wasi/io/bytes.ts';

export interface RequestSourceOptions {
  /** Bound on the body; going over calls `onTooLarge` once and ends the source with its error. */
  readonly maxBytes: number;
  readonly onTooLarge: () => Error;
}

/**
 * The body of an HTTP request as a guest reads it: pulled chunk by chunk out of Node's paused stream, so that
 * an unread body fills the socket's buffers and then stops the sender.
 */
export class RequestSource implements ByteSource {
  readonly #incoming: IncomingMessage;
  readonly #options: RequestSourceOptions;
  #rest: Uint8Array | undefined;
  #error: Error | undefined;
  #ended = false;
  #closed = false;
  #bytes = 0;
  #wake: (() => void)[] = [];

  constructor(incoming: IncomingMessage, options: RequestSourceOptions) {
    this.#incoming = incoming;
    this.#options = options;
    // RFC 9112, section 6.3: then there is no body. Node says so only later, at a moment that depends on the thread's
    // load; a guest that asks meanwhile would wait, and use other fuel than the next time.
    const { 'content-length': length, 'transfer-encoding': coding } = incoming.headers;
    this.#ended = coding === undefined && (length === undefined || length === '0');
    // Nothing more is to be heard then: four listeners and what a stream does for them took 10 % of a small request.
    if (!this.#ended) this.#listen(incoming);
  }

  #listen(incoming: IncomingMessage): void {
    const notify = (): void => this.#notify();
    incoming.on('readable', notify);
    incoming.once('end', () => {
      this.#ended = true;
      notify();
    });
    incoming.once('error', (error) => {
      this.#error ??= error;
      notify();
    });
    incoming.once('close', () => {
      if (!incoming.complete) this.#error ??= new Error('the caller hung up');
      notify();
    });
  }

  /** Bytes of the body taken so far. */
  get bytes(): number {
    return this.#bytes;
  }

  read(maxBytes: number): Uint8Array | 'end' {
    if (this.#closed) return 'end';
    this.#pull();
    const chunk = this.#rest;
    if (chunk === undefined) {
      if (this.#error !== undefined) throw this.#error;
      return this.#ended ? 'end' : EMPTY;
    }
    if (chunk.length <= maxBytes) {
      this.#rest = undefined;
      return chunk;
    }
    this.#rest = chunk.subarray(maxBytes);
    return chunk.subarray(0, maxBytes);
  }

  isReady(): boolean {
    if (this.#closed) return true;
    this.#pull();
    return this.#rest !== undefined || this.#ended || this.#error !== undefined;
  }

  ready(): Promise<void> {
    if (this.isReady()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake.push(resolve);
    });
  }

  /** What is left of the body is thrown away by the server once the response is complete. */
  close(): void {
    this.#closed = true;
    this.#rest = undefined;
    this.#notify();
  }

  #pull(): void {
    if (this.#rest !== undefined || this.#error !== undefined || this.#ended) return;
    const chunk = this.#incoming.read() as Buffer | null;
    if (chunk === null || chunk.length === 0) return;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#options.maxBytes) this.#error = this.#options.onTooLarge();
    else this.#rest = chunk;
  }

  #notify(): void {
    if (this.#wake.length === 0 || !this.isReady()) return;
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}

const EMPTY = new Uint8Array(0);
