/**
 * Byte streams as WASI 0.3 wants them, in the shapes that jco's runtime takes: a `stream<u8>` that the host
 * gives is an async iterable of byte chunks; one that the guest gives has `read({ count })`. A linked component also
 * knows `takeNow` and `givesCopies`.
 */
import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import type { EndFlag } from '../ending.ts';
import type { ByteSink, ByteSource } from './bytes.ts';
import { never } from './poll.ts';

/** Reading end of a `stream<u8>` that a guest handed over. */
export interface GuestStream {
  read(options: { readonly count: number }): Promise<{ readonly value?: unknown; readonly done?: boolean }>;
  /** Begins the first read now, so that the guest's write need not wait for it; jco's streams have none. */
  readAhead?(count: number): void;
  [Symbol.dispose]?(): void;
  /** Whether what `read` gives is the reader's own: jco's may be a view of something that changes. */
  readonly givesCopies?: boolean;
}

/** A `stream<u8>` for the guest. */
export interface ByteChunks extends AsyncIterableIterator<Uint8Array> {
  /**
   * What `next` would give, if that is known already. A guest that finds the end of an empty body at once, say, need not
   * wait for an event: that is one entry less of four that a hello takes. Not while a `next` is pending.
   */
  takeNow(): IteratorResult<Uint8Array> | undefined;
}

/** How a stream ended: `undefined`, or what failed. */
export type StreamEnd = { readonly error: unknown } | undefined;

export interface HostStream {
  readonly stream: ByteChunks;
  /** Resolves at the end of the stream, when it fails, and when the guest drops it. */
  readonly end: Promise<StreamEnd>;
}

/** A `stream<u8>` for the guest out of a source. Bytes are read when the guest asks for them. */
export function streamOfSource(source: ByteSource, signal: EndFlag): HostStream {
  const { promise: end, resolve } = Promise.withResolvers<StreamEnd>();
  function finish(ended: StreamEnd): IteratorResult<Uint8Array> {
    resolve(ended);
    return { done: true, value: undefined };
  }
  function takeNow(): IteratorResult<Uint8Array> | undefined {
    try {
      const chunk = source.read(STREAM_BUFFER_BYTES);
      if (chunk === 'end') return finish(undefined);
      return chunk.length > 0 ? { done: false, value: chunk } : undefined;
    } catch (error) {
      return finish({ error });
    }
  }
  async function next(): Promise<IteratorResult<Uint8Array>> {
    try {
      for (;;) {
        const known = takeNow();
        if (known !== undefined) return known;
        await source.ready();
        if (signal.aborted) await never();
      }
    } catch (error) {
      return finish({ error });
    }
  }
  const stream: ByteChunks = {
    next,
    takeNow,
    return: () => {
      source.close();
      resolve(undefined);
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => stream,
  };
  return { stream, end };
}

/** jco gives numbers, arrays of numbers or typed arrays, depending on how the guest wrote. */
function toBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value.slice();
  if (typeof value === 'number') return Uint8Array.of(value);
  if (Array.isArray(value)) return Uint8Array.from(value as number[]);
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
  return new Uint8Array(0);
}

/**
 * Moves a guest's stream into a sink, as fast as the sink takes it; does not end the sink. Resolves when the
 * guest's stream ends, or when the sink's other side is gone (the guest's stream is then dropped).
 */
export async function drainIntoSink(
  stream: GuestStream,
  sink: ByteSink,
  signal: EndFlag,
): Promise<StreamEnd> {
  try {
    for (;;) {
      const room = sink.checkWrite();
      if (room === 0) {
        await sink.ready();
      } else {
        const { value, done } = await stream.read({ count: Math.min(room, STREAM_BUFFER_BYTES) });
        if (signal.aborted) return await never();
        const bytes = stream.givesCopies === true ? (value as Uint8Array | undefined) : toBytes(value);
        if (bytes !== undefined && bytes.length > 0) sink.write(bytes);
        if (done === true) return undefined;
      }
      if (signal.aborted) return await never();
    }
  } catch (error) {
    stream[Symbol.dispose]?.();
    return { error };
  }
}
