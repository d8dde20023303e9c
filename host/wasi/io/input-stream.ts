import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import type { ByteSource } from './bytes.ts';
import { IoError, StreamClosedError } from './error.ts';
import type { Handles } from './handles.ts';
import { never, Pollable } from './poll.ts';
import { Readiness } from './readiness.ts';
import { ResultError } from './result-error.ts';

/** `wasi:io/streams#stream-error` (WASI 0.2). */
export type StreamError =
  | { readonly tag: 'last-operation-failed'; readonly val: IoError }
  | { readonly tag: 'closed' };

export interface StreamOptions {
  /** Counts the stream and its pollables. */
  readonly handles?: Handles | undefined;
  /** Called once when the guest drops the stream, instead of the default (which closes a source). */
  readonly onDrop?: (() => void) | undefined;
}

export function closed(): ResultError<StreamError> {
  return new ResultError<StreamError>({ tag: 'closed' });
}

/** The guest's view of what a source or sink threw. */
export function streamFailure(error: unknown): ResultError<StreamError> {
  if (error instanceof StreamClosedError) return closed();
  return new ResultError<StreamError>({ tag: 'last-operation-failed', val: IoError.from(error) });
}

/** Bytes given at once, whatever the guest asks for: a `u64` must not become an allocation. */
function readSize(len: bigint): number {
  return len > BigInt(STREAM_BUFFER_BYTES) ? STREAM_BUFFER_BYTES : Number(len);
}

/** All input streams over one source wait together: a guest may fetch standard input a million times. */
const readinessBySource = new WeakMap<ByteSource, Readiness>();

const ALWAYS_READY = new Readiness(
  () => true,
  () => Promise.resolve(),
);

function readinessOf(source: ByteSource): Readiness {
  let readiness = readinessBySource.get(source);
  if (readiness === undefined) {
    readiness = new Readiness(
      () => source.isReady(),
      () => source.ready(),
    );
    readinessBySource.set(source, readiness);
  }
  return readiness;
}

/**
 * Resource `wasi:io/streams#input-stream` (WASI 0.2) over a {@link ByteSource}. Methods that may block return
 * their value at once when they need not; a failed one throws `ResultError<StreamError>`.
 */
export class InputStream {
  readonly #source: ByteSource;
  readonly #options: StreamOptions;
  #ended = false;
  #dropped = false;

  private constructor(source: ByteSource, options: StreamOptions) {
    this.#source = source;
    this.#options = options;
  }

  static from(source: ByteSource, options: StreamOptions = {}): InputStream {
    options.handles?.open();
    return new InputStream(source, options);
  }

  read(len: bigint): Uint8Array {
    if (this.#ended) throw closed();
    if (len === 0n) return new Uint8Array(0);
    let chunk: Uint8Array | 'end';
    try {
      chunk = this.#source.read(readSize(len));
    } catch (error) {
      this.#ended = true;
      throw streamFailure(error);
    }
    if (chunk !== 'end') return chunk;
    this.#ended = true;
    throw closed();
  }

  blockingRead(len: bigint): Uint8Array | Promise<Uint8Array> {
    const chunk = this.read(len);
    return chunk.length > 0 || len === 0n ? chunk : this.#readWhenReady(len);
  }

  skip(len: bigint): bigint {
    return BigInt(this.read(len).length);
  }

  blockingSkip(len: bigint): bigint | Promise<bigint> {
    const chunk = this.blockingRead(len);
    return chunk instanceof Promise ? chunk.then((bytes) => BigInt(bytes.length)) : BigInt(chunk.length);
  }

  subscribe(): Pollable {
    const { handles } = this.#options;
    return Pollable.of(this.#ended ? ALWAYS_READY : readinessOf(this.#source), handles);
  }

  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#ended = true;
    const { handles, onDrop } = this.#options;
    handles?.close();
    if (onDrop === undefined) this.#source.close();
    else onDrop();
  }

  /** Whether a read would return or throw at once, and a promise for it: for `output-stream.splice`. */
  static isReadable(stream: InputStream): boolean {
    return stream.#ended || stream.#source.isReady();
  }

  static readable(stream: InputStream): Promise<void> {
    return stream.#source.ready();
  }

  async #readWhenReady(len: bigint): Promise<Uint8Array> {
    for (;;) {
      await this.#source.ready();
      if (this.#options.handles?.end.aborted === true) await never();
      const chunk = this.read(len);
      if (chunk.length > 0) return chunk;
    }
  }
}
