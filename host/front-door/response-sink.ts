/**
 * The response of a guest on its way to the caller.
 *
 * The head is held back until the invocation is over, the body outgrows the buffer, or `HOLD_MS` have passed
 * since the response began. A short answer then goes out in one piece, with its length and with the fuel it
 * took in the head; a guest that traps after a few bytes still gets a proper error answer. A longer one
 * streams, and the fuel follows as an HTTP trailer.
 *
 * 1. Held or queued bytes never exceed STREAM_BUFFER_BYTES plus one write.
 * 2. The head is written once; after that, failure can only break the connection off.
 */
import type { ServerResponse } from 'node:http';
import type { Delayed, DelayQueue } from '../instance/delay-queue.ts';
import { STREAM_BUFFER_BYTES } from '../limits/limits.ts';
import type { HeaderList } from '../wasi/context.ts';
import type { ByteSink } from '../wasi/io/bytes.ts';
import { latin1 } from '../wasi/io/latin1.ts';
import type { Fields } from './cors.ts';

/** Long enough for nearly every answer to be complete, short enough not to be felt before a stream starts. */
export const HOLD_MS = 20;

/** A body up to this length goes to the socket in one string with the head: one write, and none of it copied twice. */
const ONE_WRITE_BYTES = 16 * 1024;

/** What follows a streamed body. */
const STREAMED = 'mayfly-fuel, server-timing';

export interface ResponseHead {
  readonly status: number;
  readonly headers: HeaderList;
  /** What the host adds to them. */
  readonly added: Fields;
  /** What the guest declared. More is an error at once, less at the end: nothing is smuggled past a proxy. */
  readonly contentLength: number | undefined;
}

export interface ResponseSinkOptions {
  readonly outgoing: ServerResponse;
  readonly head: ResponseHead;
  /** HEAD, 204 and 304 carry no body; what the guest writes is counted and dropped. */
  readonly bodyless: boolean;
  readonly maxBytes: number;
  readonly onTooLarge: () => Error;
  readonly onTooLong: () => Error;
  readonly invocationId: string;
  readonly hold: DelayQueue;
}

export class ResponseSink implements ByteSink {
  readonly #options: ResponseSinkOptions;
  /** Until the head goes out. */
  readonly #streaming: Delayed;
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  #bytes = 0;
  #sentBytes = 0;
  #ended = false;
  #aborted = false;
  #trailers: HeaderList = [];
  /** Made for the first who waits. */
  #wake: Set<() => void> | undefined;

  constructor(options: ResponseSinkOptions) {
    this.#options = options;
    this.#streaming = options.hold.add(() => this.#startStreaming());
  }

  /** Body bytes that were handed to the connection: none of an answer that an error took the place of. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Whether an error answer can no longer be sent. */
  get headSent(): boolean {
    return this.#options.outgoing.headersSent;
  }

  /** Whether the guest ended the body, and it has the length it declared. */
  get isComplete(): boolean {
    const { contentLength } = this.#options.head;
    return (
      this.#ended && (this.#options.bodyless || contentLength === undefined || contentLength === this.#bytes)
    );
  }

  checkWrite(): number {
    if (this.#isGone) throw new Error('the caller is gone');
    const queued = this.#held === undefined ? this.#options.outgoing.writableLength : this.#heldBytes;
    return Math.max(0, STREAM_BUFFER_BYTES - queued);
  }

  write(bytes: Uint8Array): void {
    if (this.#ended || this.#isGone || bytes.length === 0) return;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#options.maxBytes) throw this.#options.onTooLarge();
    if (this.#options.bodyless) return;
    if (this.#bytes > (this.#options.head.contentLength ?? Number.POSITIVE_INFINITY))
      throw this.#options.onTooLong();
    if (this.#held === undefined) {
      this.#send(bytes);
      return;
    }
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= STREAM_BUFFER_BYTES) this.#startStreaming();
  }

  isReady(): boolean {
    return this.#isGone || this.checkWrite() > 0;
  }

  ready(): Promise<void> {
    return this.#when(() => this.isReady());
  }

  flushed(): Promise<void> {
    return this.ready();
  }

  end(): void {
    this.#ended = true;
  }

  abort(_reason: Error): void {
    if (this.#ended) return;
    this.#aborted = true;
    this.#notify();
  }

  setTrailers(trailers: HeaderList): void {
    this.#trailers = trailers;
  }

  /** The invocation is over and the body complete: sends what is left, with `late` in the head or as trailers. */
  complete(late: readonly (readonly [string, string])[]): void {
    this.#options.hold.delete(this.#streaming);
    this.#ended = true;
    if (this.#isGone) return;
    const chunks = this.#held;
    if (chunks === undefined) this.#endStream(late);
    else this.#sendWhole(chunks, late);
    this.#notify();
  }

  #sendWhole(chunks: readonly Uint8Array[], late: readonly (readonly [string, string])[]): void {
    const { outgoing, bodyless } = this.#options;
    this.#held = undefined;
    const trailed = this.#trailers.length > 0 && this.#isChunked;
    const names = trailed ? [...new Set(this.#trailers.map(([name]) => name))].join(', ') : undefined;
    this.#writeHead(late, names, bodyless || trailed ? undefined : this.#heldBytes);
    if (trailed) this.#addTrailers();
    this.#sentBytes += this.#heldBytes;
    const [first] = chunks;
    if (first === undefined) {
      outgoing.end();
    } else if (chunks.length === 1 && first.length <= ONE_WRITE_BYTES) {
      // Copied once more: to ask a short array for its buffer moves it out of the heap, which takes longer.
      outgoing.end(latin1(first), 'latin1');
    } else {
      for (const chunk of chunks) outgoing.write(chunk);
      outgoing.end();
    }
  }

  #endStream(late: readonly (readonly [string, string])[]): void {
    const { outgoing } = this.#options;
    if (this.#isChunked) {
      outgoing.addTrailers([...late] as [string, string][]);
      if (this.#trailers.length > 0) this.#addTrailers();
    }
    outgoing.end();
  }

  #addTrailers(): void {
    this.#options.outgoing.addTrailers(
      this.#trailers.map(([name, value]) => [name, latin1(value)] as [string, string]),
    );
  }

  /** The invocation failed after the head was sent: the caller sees a broken connection, not a short body. */
  breakOff(): void {
    this.#options.hold.delete(this.#streaming);
    this.#aborted = true;
    this.#options.outgoing.destroy();
    this.#notify();
  }

  /** The invocation failed before the head was sent: the caller gets another answer through the same socket. */
  discard(): void {
    this.#options.hold.delete(this.#streaming);
    this.#aborted = true;
    this.#held = undefined;
    this.#notify();
  }

  /**
   * Whether a streamed body is sent in chunks, which alone can have trailers (RFC 9112, section 7.1.2): Node
   * throws on a `Trailer` field beside a `Content-Length`, without a body, and to a caller of HTTP/1.0.
   */
  get #isChunked(): boolean {
    const { bodyless, head, outgoing } = this.#options;
    return !bodyless && head.contentLength === undefined && outgoing.req.httpVersion !== '1.0';
  }

  get #isGone(): boolean {
    return this.#aborted || this.#options.outgoing.destroyed;
  }

  #startStreaming(): void {
    this.#options.hold.delete(this.#streaming);
    const chunks = this.#held;
    if (chunks === undefined || this.#isGone) return;
    const { outgoing } = this.#options;
    this.#held = undefined;
    outgoing.on('drain', () => this.#notify());
    outgoing.once('close', () => this.#notify());
    this.#writeHead([], this.#isChunked ? STREAMED : undefined, undefined);
    outgoing.flushHeaders();
    for (const chunk of chunks) this.#send(chunk);
    this.#notify();
  }

  /** As one list: Node then keeps no table of fields, and looks through them once. */
  #writeHead(
    late: readonly (readonly [string, string])[],
    trailerNames: string | undefined,
    knownLength: number | undefined,
  ): void {
    const { outgoing, head, invocationId } = this.#options;
    const { status, headers, added, contentLength } = head;
    // RFC 9110, section 8.6: never with a 204; with a 304 only the length that a 200 would have had.
    const declared = status === 204 ? undefined : contentLength;
    const length = declared ?? (status === 204 || status === 304 ? undefined : knownLength);
    const fields: string[] = [];
    for (const [name, value] of headers) fields.push(name, latin1(value));
    for (const [name, value] of added) fields.push(name, value);
    fields.push('mayfly-invocation-id', invocationId);
    for (const [name, value] of late) fields.push(name, value);
    if (trailerNames !== undefined) fields.push('trailer', trailerNames);
    if (length !== undefined) fields.push('content-length', String(length));
    outgoing.writeHead(status, fields);
  }

  #send(bytes: Uint8Array): void {
    this.#sentBytes += bytes.length;
    this.#options.outgoing.write(bytes, () => this.#notify());
  }

  #when(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#wake?.delete(check);
        resolve();
      };
      this.#wake ??= new Set();
      this.#wake.add(check);
    });
  }

  #notify(): void {
    if (this.#wake !== undefined) for (const check of [...this.#wake]) check();
  }
}
