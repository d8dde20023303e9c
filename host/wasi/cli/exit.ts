/**
 * Thrown by `wasi:cli/exit`: unwinds the guest, like a trap, but is its own wish. Whoever runs the guest looks
 * for it: status 0 is success.
 */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  /** 0-255. */
  readonly status: number;

  constructor(status: number) {
    super(`exit status ${status}`);
    this.status = status;
  }
}

/** `wasi:cli/exit`, the same in 0.2 and 0.3. */
export const EXIT_IMPORTS = {
  exit(status: { readonly tag: 'ok' | 'err' }): never {
    throw new ExitError(status.tag === 'ok' ? 0 : 1);
  },
  exitWithCode(statusCode: number): never {
    throw new ExitError(statusCode);
  },
} as const;
