export type Ffi = typeof import('node:ffi');

/** Node says on standard error, once for each thread, that the module is experimental; its version is ours to choose. */
export function loadFfi(): Ffi | undefined {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:ffi');
  } finally {
    process.emitWarning = emitWarning;
  }
}
