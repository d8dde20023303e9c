import { MayflyError } from '../../errors/errors.ts';

/**
 * Thrown by a `ByteSource` or `ByteSink` whose other side is gone without anything having failed: the guest
 * sees `stream-error::closed`. Every other error becomes `last-operation-failed`.
 */
export class StreamClosedError extends Error {
  override readonly name = 'StreamClosedError';

  constructor(message = 'the other side of the stream is closed') {
    super(message);
  }
}

/** An error that knows the text a guest may see; other errors may carry paths of the host. */
export interface GuestReadableError {
  readonly debugString: string;
}

function guestText(cause: unknown): string {
  if (cause instanceof MayflyError) return cause.message;
  if (typeof cause === 'object' && cause !== null && 'debugString' in cause) return String(cause.debugString);
  return 'input/output error';
}

/**
 * Resource `wasi:io/error#error` (WASI 0.2). Carries the host's own error, from which `filesystem-error-code`
 * and `http-error-code` find their code again; the guest itself gets no more than a text without host details.
 */
export class IoError {
  readonly #cause: unknown;

  private constructor(cause: unknown) {
    this.#cause = cause;
  }

  static from(cause: unknown): IoError {
    return new IoError(cause);
  }

  /** The host's error behind it. A static function, because a guest can call every method. */
  static causeOf(error: IoError): unknown {
    return error.#cause;
  }

  toDebugString(): string {
    return guestText(this.#cause);
  }
}
