import { ResultError } from '../io/result-error.ts';

/** `wasi:filesystem/types#error-code` (WASI 0.2), the cases that this file system uses. */
export type FilesystemErrorCode =
  | 'bad-descriptor'
  | 'busy'
  | 'exist'
  | 'file-too-large'
  | 'insufficient-space'
  | 'invalid'
  | 'is-directory'
  | 'loop'
  | 'name-too-long'
  | 'no-entry'
  | 'not-directory'
  | 'not-empty'
  | 'not-permitted'
  | 'read-only'
  | 'too-many-links';

/** The `err` case of every operation: what a guest knows as errno. */
export class FilesystemError extends ResultError<FilesystemErrorCode> {
  /** Text of the `wasi:io/error` that a stream over a file fails with. */
  get debugString(): string {
    return `filesystem error: ${this.payload}`;
  }
}

/** Throws; the return type lets it stand where a value is wanted. */
export function fail(code: FilesystemErrorCode): never {
  throw new FilesystemError(code);
}
