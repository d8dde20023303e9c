import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import type { ByteSink } from './bytes.ts';
import { closed, InputStream, type StreamOptions, streamFailure } from './input-stream.ts';
import { never, Pollable } from './poll.ts';
import { Readiness } from './readiness.ts';
import { HostCallTrap } from './result-error.ts';

/** `blocking-write-zeroes-and-flush` is specified for at most this many bytes. */
const MAX_BLOCKING_ZEROES = 4096n;

/**
 * Resource `wasi:io/streams#output-stream` (WASI 0.2) over a {@link ByteSink}.
 *
 * 1. `#permit` is what the last `check-write` allowed and no write has used yet; a write beyond it traps.
 * 2. While a flush is under way `check-write` gives 0 and the stream is not ready, as the interface demands.
 * 3. Once closed or failed it stays so: the failure is reported once, `closed` from then on.
 *
 * What a sink throws from `checkWrite` becomes a `stream-error`; what it throws from `write` traps the guest,
 * because after a permit only the end of the invocation is a reason not to take the bytes.
 */
export class OutputStream {
  readonly #sink: ByteSink;
  readonly #options: StreamOptions;
  #permit = 0;
  #flush: Promise<void> | undefined;
  #ended = false;
  #dropped = false;
  #readiness: Readiness | undefined;

  private constructor(sink: ByteSink, options: StreamOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** Dropping the stream does not end the sink: whether that completes a body is for its owner to say. */
  static from(sink: ByteSink, options: StreamOptions = {}): OutputStream {
    options.handles?.open();
    return new OutputStream(sink, options);
  }

  checkWrite(): bigint {
    return BigInt(this.#checkWrite());
  }

  write(contents: Uint8Array): void {
    this.#use(BigInt(contents.length), 'write');
    if (contents.length > 0) this.#put(contents);
  }

  writeZeroes(len: bigint): void {
    this.#use(len, 'write-zeroes');
    if (len > 0n) this.#put(new Uint8Array(Number(len)));
  }

  /**
   * Takes more than the 4,096 bytes of the specification: there is no reason to trap a guest for it. Where the sink has
   * room, nobody waits: no promise is made, and the guest's stack is not switched away and back.
   */
  blockingWriteAndFlush(contents: Uint8Array): undefined | Promise<void> {
    if (this.#checkWrite() < contents.length) return this.#writeInPieces(contents);
    if (contents.length > 0) this.#sink.write(contents);
    return this.blockingFlush();
  }

  async #writeInPieces(contents: Uint8Array): Promise<void> {
    let rest = contents;
    for (;;) {
      const room = this.#checkWrite();
      if (room >= rest.length) break;
      if (room > 0) {
        this.#sink.write(rest.subarray(0, room));
        rest = rest.subarray(room);
      } else {
        await this.#writable();
      }
    }
    if (rest.length > 0) this.#sink.write(rest);
    await this.blockingFlush();
  }

  async blockingWriteZeroesAndFlush(len: bigint): Promise<void> {
    if (len > MAX_BLOCKING_ZEROES) {
      throw new HostCallTrap(`blocking-write-zeroes-and-flush takes at most ${MAX_BLOCKING_ZEROES} bytes`);
    }
    await this.blockingWriteAndFlush(new Uint8Array(Number(len)));
  }

  flush(): void {
    this.#checkWrite();
    this.#startFlush();
  }

  blockingFlush(): undefined | Promise<void> {
    this.#checkWrite();
    // What a sink with room has taken is on its way (bytes.ts, `flushed`).
    if (this.#flush !== undefined || !this.#sink.isReady()) return this.#untilFlushed();
    this.#permit = 0;
    return undefined;
  }

  async #untilFlushed(): Promise<void> {
    await this.#startFlush();
    if (this.#isOver()) await never();
    this.#checkWrite();
    this.#permit = 0;
  }

  splice(source: InputStream, len: bigint): bigint {
    const room = BigInt(this.#checkWrite());
    const chunk = source.read(room < len ? room : len);
    if (chunk.length > 0) this.#put(chunk);
    return BigInt(chunk.length);
  }

  async blockingSplice(source: InputStream, len: bigint): Promise<bigint> {
    if (len === 0n) return this.splice(source, len);
    for (;;) {
      while (this.#checkWrite() === 0) await this.#writable();
      const moved = this.splice(source, len);
      if (moved > 0n) return moved;
      if (!InputStream.isReadable(source)) await InputStream.readable(source);
      if (this.#isOver()) await never();
    }
  }

  subscribe(): Pollable {
    this.#readiness ??= new Readiness(
      () => this.#isWritable(),
      () => this.#writable(),
    );
    return Pollable.of(this.#readiness, this.#options.handles);
  }

  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#ended = true;
    this.#options.handles?.close();
    this.#options.onDrop?.();
  }

  #checkWrite(): number {
    this.#permit = 0;
    if (this.#ended) throw closed();
    if (this.#flush !== undefined) return 0;
    try {
      this.#permit = Math.min(this.#sink.checkWrite(), STREAM_BUFFER_BYTES);
    } catch (error) {
      this.#ended = true;
      throw streamFailure(error);
    }
    return this.#permit;
  }

  #use(len: bigint, what: string): void {
    if (this.#ended) throw closed();
    if (len > BigInt(this.#permit)) {
      throw new HostCallTrap(
        `output-stream.${what}: ${len} bytes, but check-write permitted ${this.#permit}`,
      );
    }
    this.#permit -= Number(len);
  }

  /** Fails rather than writes if the other side has gone since `check-write`. */
  #put(bytes: Uint8Array): void {
    try {
      this.#sink.checkWrite();
    } catch (error) {
      this.#ended = true;
      throw streamFailure(error);
    }
    this.#sink.write(bytes);
  }

  #startFlush(): Promise<void> {
    this.#flush ??= this.#sink.flushed().finally(() => {
      this.#flush = undefined;
    });
    return this.#flush;
  }

  #isWritable(): boolean {
    return this.#ended || (this.#flush === undefined && this.#sink.isReady());
  }

  async #writable(): Promise<void> {
    if (this.#flush !== undefined) await this.#flush;
    if (!this.#isWritable()) await this.#sink.ready();
    if (this.#isOver()) await never();
  }

  /** A blocking call does not come back once its invocation is over. */
  #isOver(): boolean {
    return this.#options.handles?.end.aborted === true;
  }
}
