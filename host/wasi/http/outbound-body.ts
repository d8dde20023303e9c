import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import type { ByteSource } from '../io/bytes.ts';
import { Gate } from '../io/gate.ts';
import type { OutboundError } from './error-code.ts';

/** What a response body tells the connection it comes from. */
export interface BodyFlow {
  pause(): void;
  resume(): void;
  /** The guest does not want the rest. */
  abandon(): void;
}

/**
 * A response body between the socket and the guest. Fed by the parser, which cannot stop within the bytes it
 * has read already: so the buffer may exceed STREAM_BUFFER_BYTES by one read of the socket (64 KiB).
 */
export class ResponseBody implements ByteSource {
  readonly #flow: BodyFlow;
  readonly #gate = new Gate();
  #chunks: Uint8Array[] = [];
  #bufferedBytes = 0;
  #state: 'open' | 'ended' | 'closed' = 'open';
  #error: OutboundError | undefined;
  #isPaused = false;

  constructor(flow: BodyFlow) {
    this.#flow = flow;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  push(chunk: Uint8Array): void {
    if (this.#state !== 'open') return;
    // A view of what the socket read; nobody writes to that again. Without Buffer's own, sharing `slice`.
    this.#chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes >= STREAM_BUFFER_BYTES && !this.#isPaused) {
      this.#isPaused = true;
      this.#flow.pause();
    }
    this.#gate.open();
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#gate.open();
  }

  /** Bytes that came before the failure are still read first. */
  fail(error: OutboundError): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#error = error;
    this.#gate.open();
  }

  read(maxBytes: number): Uint8Array | 'end' {
    const first = this.#chunks[0];
    if (first === undefined) {
      const error = this.#error;
      this.#error = undefined;
      if (error !== undefined) throw error;
      return this.#state === 'open' ? new Uint8Array(0) : 'end';
    }
    const taken = first.length <= maxBytes ? first : first.subarray(0, maxBytes);
    if (taken === first) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(maxBytes);
    this.#bufferedBytes -= taken.length;
    if (this.#isPaused && this.#bufferedBytes < STREAM_BUFFER_BYTES / 2 && this.#state === 'open') {
      this.#isPaused = false;
      this.#flow.resume();
    }
    return taken;
  }

  isReady(): boolean {
    return this.#chunks.length > 0 || this.#state !== 'open';
  }

  ready(): Promise<void> {
    return this.isReady() ? Promise.resolve() : this.#gate.wait();
  }

  close(): void {
    if (this.#state === 'closed') return;
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    this.#chunks = [];
    this.#bufferedBytes = 0;
    this.#error = undefined;
    this.#gate.open();
    if (wasOpen) this.#flow.abandon();
  }
}
