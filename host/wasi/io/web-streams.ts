/** Bridges between web streams (what fetch, undici and Hono speak) and the byte streams of guests. */
import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import { EMPTY_SOURCE } from './buffer-source.ts';
import { BytePipe } from './byte-pipe.ts';
import type { ByteSink, ByteSource } from './bytes.ts';
import { Gate } from './gate.ts';

const resolved = Promise.resolve();

/**
 * Reads a web stream for a guest. Holds one chunk at most, and asks for the next only when somebody looks for
 * bytes: nothing is read ahead. When `signal` aborts, the stream is cancelled and nobody is woken.
 */
class ReadableSource implements ByteSource {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #signal: AbortSignal;
  readonly #gate = new Gate();
  readonly #onAbort = (): void => this.#stop();
  #chunk: Uint8Array | undefined;
  #failure: { readonly error: unknown } | undefined;
  #reading = false;
  #ended = false;

  constructor(stream: ReadableStream<Uint8Array>, signal: AbortSignal) {
    this.#reader = stream.getReader();
    this.#signal = signal;
    if (signal.aborted) this.#stop();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  read(maxBytes: number): Uint8Array | 'end' {
    const chunk = this.#chunk;
    if (chunk !== undefined) {
      this.#chunk = chunk.length > maxBytes ? chunk.subarray(maxBytes) : undefined;
      return chunk.length > maxBytes ? chunk.subarray(0, maxBytes) : chunk;
    }
    const failure = this.#failure;
    if (failure !== undefined) {
      this.#failure = undefined;
      throw failure.error;
    }
    if (this.#ended) return 'end';
    this.#pull();
    return new Uint8Array(0);
  }

  isReady(): boolean {
    if (this.#chunk !== undefined || this.#ended) return true;
    this.#pull();
    return false;
  }

  ready(): Promise<void> {
    return this.isReady() ? resolved : this.#gate.wait();
  }

  close(): void {
    this.#stop();
    this.#chunk = undefined;
    this.#failure = undefined;
    this.#gate.open();
  }

  #pull(): void {
    if (this.#reading || this.#signal.aborted) return;
    this.#reading = true;
    void this.#readChunk();
  }

  async #readChunk(): Promise<void> {
    try {
      // An empty chunk is legal in a web stream, but "nothing yet" to a guest.
      let result = await this.#reader.read();
      while (!result.done && result.value.length === 0) result = await this.#reader.read();
      if (result.done) this.#finish();
      else if (!this.#ended) this.#chunk = result.value;
    } catch (error) {
      if (!this.#ended) this.#failure = { error };
      this.#finish();
    }
    this.#reading = false;
    if (!this.#signal.aborted) this.#gate.open();
  }

  #finish(): void {
    this.#ended = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  #stop(): void {
    if (this.#ended) return;
    this.#finish();
    this.#reader.cancel().catch(() => {});
  }
}

/** A guest's view of a web stream; `null` is an empty body. */
export function sourceFromReadable(
  stream: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
): ByteSource {
  return stream === null ? EMPTY_SOURCE : new ReadableSource(stream, signal);
}

/** A {@link ByteSource} as a web stream that pulls on demand and closes the source when it is cancelled. */
export function readableFromSource(source: ByteSource): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const chunk = source.read(STREAM_BUFFER_BYTES);
          if (chunk === 'end') return controller.close();
          if (chunk.length > 0) return controller.enqueue(chunk);
          await source.ready();
        }
      },
      cancel: () => source.close(),
    },
    // The default of 1 would take a chunk out of the pipe before anybody reads, and blur its bound.
    { highWaterMark: 0 },
  );
}

/**
 * A sink whose other side is a web stream. `checkWrite` is 0 once `capacityBytes` wait; cancelling the stream
 * closes the sink, and `abort` errors the stream.
 */
export function sinkToReadable(capacityBytes: number = STREAM_BUFFER_BYTES): {
  readonly sink: ByteSink;
  readonly readable: ReadableStream<Uint8Array>;
} {
  const pipe = new BytePipe(capacityBytes);
  return { sink: pipe.sink, readable: readableFromSource(pipe.source) };
}
