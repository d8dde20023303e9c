/**
 * Why a module was refused:
 * - `malformed`: it is not WebAssembly (or not valid);
 * - `too_complex`: it is, but exceeds a structural bound;
 * - `unsupported`: it is, but needs a feature that the host refuses, such as shared memory.
 */
export type InstrumentErrorCode = 'malformed' | 'too_complex' | 'unsupported';

/** The only error that leaves this folder. `offset` is the byte of the module (or component) it was found at. */
export class InstrumentError extends Error {
  override readonly name = 'InstrumentError';
  readonly code: InstrumentErrorCode;
  readonly offset: number;

  constructor(code: InstrumentErrorCode, what: string, offset: number) {
    super(`${what} (at byte ${offset})`);
    this.code = code;
    this.offset = offset;
  }
}
