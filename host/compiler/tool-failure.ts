/**
 * Telling "this input is wrong" from "the tool broke" among what jco's wasm tools throw. They report errors as
 * values; a Rust panic in them is a Wasm trap, after which their memory is not to be trusted again.
 */
export function isToolCrash(error: unknown): boolean {
  return (
    error instanceof WebAssembly.RuntimeError ||
    error instanceof RangeError ||
    error instanceof WebAssembly.Exception
  );
}

/** The first lines of what a tool said, without its back trace and colours; bounded, since names are the uploader's. */
export function toolMessage(error: unknown): string {
  const payload = error instanceof Error && 'payload' in error ? error.payload : undefined;
  const text = typeof payload === 'string' ? payload : error instanceof Error ? error.message : String(error);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(0, 6)
    .join(' ')
    .slice(0, 600);
}
