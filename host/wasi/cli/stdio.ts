import type { WasiContext } from '../context.ts';
import type { ByteSink, ByteSource } from '../io/bytes.ts';
import { Handles } from '../io/handles.ts';
import { InputStream, OutputStream } from '../io/streams.ts';

/** A guest may get its standard streams as often as it likes; dropping one of them closes nothing. */
function keepOpen(): void {}

function input(context: WasiContext, source: ByteSource): InputStream {
  return InputStream.from(source, { handles: Handles.of(context), onDrop: keepOpen });
}

function output(context: WasiContext, sink: ByteSink): OutputStream {
  return OutputStream.from(sink, { handles: Handles.of(context) });
}

/** `wasi:cli/stdin` (WASI 0.2). */
export function createStdin(context: WasiContext) {
  return { getStdin: () => input(context, context.stdin) };
}

/** `wasi:cli/stdout` (WASI 0.2). */
export function createStdout(context: WasiContext) {
  return { getStdout: () => output(context, context.stdout) };
}

/** `wasi:cli/stderr` (WASI 0.2). */
export function createStderr(context: WasiContext) {
  return { getStderr: () => output(context, context.stderr) };
}
