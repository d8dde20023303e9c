/**
 * A bounded pipe in memory: what goes into `sink` comes out of `source`, in order. Whoever creates the pipe
 * owns it and gives each end to one party.
 *
 * 1. `#bufferedBytes` is the sum of the queued chunks' lengths, and stays at most the capacity as long as the writer
 *    keeps to `checkWrite`.
 * 2. The reader gets every byte written before `end` or `abort`, then `'end'` or, once, the reason.
 * 3. Once the reader has closed, the pipe holds nothing and `checkWrite` throws.
 * 4. Small writes that wait together are copied into shared blocks, so that a full pipe of single bytes costs 64 KiB
 *    and not 64 Ki objects of 200 bytes each.
 *
 * `flushed` waits only while the pipe is full: bytes in memory cannot be pushed any further, and to wait for the
 * reader would hang guests that write a small request body before they send the request.
 */
import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import type { ByteSink, ByteSource } from './bytes.ts';
import { StreamClosedError } from './error.ts';
import { Gate } from './gate.ts';

const resolved = Promise.resolve();
const NOTHING = new Uint8Array(0);

/** Blocks for small writes, and what counts as small. */
const BLOCK_BYTES = 4096;
const SMALL_BYTES = 512;

/** How the writer has left, if it has. */
type WriterState =
  | { readonly kind: 'writing' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'aborted'; readonly reason: Error };

export class BytePipe {
  readonly sink: ByteSink;
  readonly source: ByteSource;
  readonly #capacityBytes: number;
  readonly #readable = new Gate();
  readonly #writable = new Gate();
  #chunks: Uint8Array[] = [];
  /** Block that the last chunk is a part of, up to `used`. */
  #block: { readonly bytes: Uint8Array; used: number } | undefined;
  /** Chunks before this index were read; shifting an array of thousands of chunks costs a copy each time. */
  #head = 0;
  #bufferedBytes = 0;
  #writer: WriterState = { kind: 'writing' };
  #readerGone = false;

  constructor(capacityBytes: number = STREAM_BUFFER_BYTES) {
    this.#capacityBytes = capacityBytes;
    this.sink = this.#createSink();
    this.source = this.#createSource();
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  #createSink(): ByteSink {
    const isReady = (): boolean => this.#isWriterDone() || this.#bufferedBytes < this.#capacityBytes;
    const ready = (): Promise<void> => (isReady() ? resolved : this.#writable.wait());
    return {
      checkWrite: () => {
        if (this.#isWriterDone()) throw new StreamClosedError();
        return Math.max(0, this.#capacityBytes - this.#bufferedBytes);
      },
      write: (bytes) => this.#push(bytes),
      isReady,
      ready,
      flushed: ready,
      end: () => this.#finish({ kind: 'ended' }),
      abort: (reason) => this.#finish({ kind: 'aborted', reason }),
    };
  }

  #createSource(): ByteSource {
    const isReady = (): boolean =>
      this.#bufferedBytes > 0 || this.#writer.kind !== 'writing' || this.#readerGone;
    return {
      read: (maxBytes) => this.#pull(maxBytes),
      isReady,
      ready: () => (isReady() ? resolved : this.#readable.wait()),
      close: () => this.#closeReader(),
    };
  }

  #isWriterDone(): boolean {
    return this.#readerGone || this.#writer.kind !== 'writing';
  }

  #push(bytes: Uint8Array): void {
    if (this.#isWriterDone() || bytes.length === 0) return;
    // With nothing waiting, a small write goes through as it is: the reader will be quick to take it.
    if (bytes.length <= SMALL_BYTES && this.#bufferedBytes > 0) this.#pushSmall(bytes);
    else this.#chunks.push(bytes);
    this.#bufferedBytes += bytes.length;
    this.#readable.open();
  }

  /** Invariant 4. What a reader was given of a block is never written again. */
  #pushSmall(bytes: Uint8Array): void {
    const last = this.#chunks.at(-1);
    let block = this.#block;
    const grows =
      block !== undefined && last?.buffer === block.bytes.buffer && block.used + bytes.length <= BLOCK_BYTES;
    if (block === undefined || !grows) {
      block = { bytes: new Uint8Array(BLOCK_BYTES), used: 0 };
      this.#block = block;
    }
    const start = grows && last !== undefined ? last.byteOffset : block.used;
    block.bytes.set(bytes, block.used);
    block.used += bytes.length;
    const chunk = block.bytes.subarray(start, block.used);
    if (grows) this.#chunks[this.#chunks.length - 1] = chunk;
    else this.#chunks.push(chunk);
  }

  #pull(maxBytes: number): Uint8Array | 'end' {
    const first = this.#chunks[this.#head];
    if (first === undefined) return this.#pullEnd();
    const chunk = first.length > maxBytes ? first.subarray(0, maxBytes) : first;
    if (chunk === first) this.#dropFirst();
    else this.#chunks[this.#head] = first.subarray(maxBytes);
    this.#bufferedBytes -= chunk.length;
    if (this.#bufferedBytes < this.#capacityBytes) this.#writable.open();
    return chunk;
  }

  #dropFirst(): void {
    this.#chunks[this.#head] = NOTHING;
    this.#head += 1;
    if (this.#head < this.#chunks.length && this.#head < 1024) return;
    this.#chunks = this.#chunks.slice(this.#head);
    this.#head = 0;
  }

  #pullEnd(): Uint8Array | 'end' {
    if (this.#readerGone) return 'end';
    const writer = this.#writer;
    if (writer.kind === 'writing') return new Uint8Array(0);
    if (writer.kind === 'aborted') {
      this.#writer = { kind: 'ended' };
      throw writer.reason;
    }
    return 'end';
  }

  #finish(state: WriterState): void {
    if (this.#isWriterDone()) return;
    this.#writer = state;
    this.#readable.open();
    this.#writable.open();
  }

  #closeReader(): void {
    this.#readerGone = true;
    this.#chunks = [];
    this.#block = undefined;
    this.#head = 0;
    this.#bufferedBytes = 0;
    this.#readable.open();
    this.#writable.open();
  }
}
