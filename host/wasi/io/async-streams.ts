/**
 * Byte streams as WASI 0.3 wants them, in the shapes that jco's runtime takes: a `stream<u8>` that the host
 * gives is an async iterable of byte chunks; one that the guest gives has `read({ count })`.
 */
import { STREAM_BUFFER_BYTES } from '../../limits.ts';
import type { ByteSink, ByteSource } from './bytes.ts';
import { never } from './poll.ts';

/** Reading end of a `stream<u8>` that a guest handed over. */
export interface GuestStream {
  read(options: { readonly count: number }): Promise<{ readonly value?: unknown; readonly done?: boolean }>;
  [Symbol.dispose]?(): void;
}

/** How a stream ended: `undefined`, or what failed. */
export type StreamEnd = { readonly error: unknown } | undefined;

export interface HostStream {
  readonly stream: AsyncIterableIterator<Uint8Array>;
  /** Resolves at the end of the stream, when it fails, and when the guest drops it. */
  readonly end: Promise<StreamEnd>;
}

/** A `stream<u8>` for the guest out of a source. Bytes are read when the guest asks for them. */
export function streamOfSource(source: ByteSource, signal: AbortSignal): HostStream {
  const { promise: end, resolve } = Promise.withResolvers<StreamEnd>();
  async function next(): Promise<IteratorResult<Uint8Array>> {
    try {
      for (;;) {
        const chunk = source.read(STREAM_BUFFER_BYTES);
        if (chunk === 'end') break;
        if (chunk.length > 0) return { done: false, value: chunk };
        await source.ready();
        if (signal.aborted) await never();
      }
      resolve(undefined);
    } catch (error) {
      resolve({ error });
    }
    return { done: true, value: undefined };
  }
  const stream: AsyncIterableIterator<Uint8Array> = {
    next,
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
  signal: AbortSignal,
): Promise<StreamEnd> {
  try {
    for (;;) {
      const room = sink.checkWrite();
      if (room === 0) {
        await sink.ready();
      } else {
        const { value, done } = await stream.read({ count: Math.min(room, STREAM_BUFFER_BYTES) });
        if (signal.aborted) return await never();
        const bytes = toBytes(value);
        if (bytes.length > 0) sink.write(bytes);
        if (done === true) return undefined;
      }
      if (signal.aborted) return await never();
    }
  } catch (error) {
    stream[Symbol.dispose]?.();
    return { error };
  }
}
