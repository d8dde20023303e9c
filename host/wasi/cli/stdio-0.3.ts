import type { WasiContext } from '../context.ts';
import { drainIntoSink, type GuestStream, type StreamEnd, streamOfSource } from '../io/async-streams.ts';
import type { ByteSink, ByteSource } from '../io/bytes.ts';
import { StreamClosedError } from '../io/error.ts';

/** `wasi:cli/types#error-code` (WASI 0.3). */
export type CliErrorCode = 'io' | 'illegal-byte-sequence' | 'pipe';

/** `result<_, error-code>` as jco lowers it. */
export type CliResult =
  | { readonly tag: 'ok'; readonly val: undefined }
  | { readonly tag: 'err'; readonly val: CliErrorCode };

function toResult(end: StreamEnd): CliResult {
  if (end === undefined) return { tag: 'ok', val: undefined };
  return { tag: 'err', val: end.error instanceof StreamClosedError ? 'pipe' : 'io' };
}

/** Closing it closes nothing: a second stream goes on where the first one was dropped. */
function keptOpen(source: ByteSource): ByteSource {
  return {
    read: (maxBytes) => source.read(maxBytes),
    isReady: () => source.isReady(),
    ready: () => source.ready(),
    close: () => {},
  };
}

/** `wasi:cli/stdin` (WASI 0.3). */
export function createStdin03(context: WasiContext) {
  return {
    readViaStream(): [AsyncIterable<Uint8Array>, Promise<CliResult>] {
      const { stream, end } = streamOfSource(keptOpen(context.stdin), context.end);
      return [stream, end.then(toResult)];
    },
  };
}

function writer(context: WasiContext, sink: ByteSink) {
  return {
    writeViaStream: (data: GuestStream): Promise<CliResult> =>
      drainIntoSink(data, sink, context.end).then(toResult),
  };
}

/** `wasi:cli/stdout` (WASI 0.3). */
export function createStdout03(context: WasiContext) {
  return writer(context, context.stdout);
}

/** `wasi:cli/stderr` (WASI 0.3). */
export function createStderr03(context: WasiContext) {
  return writer(context, context.stderr);
}
