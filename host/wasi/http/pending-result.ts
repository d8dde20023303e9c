import type { Handles } from '../io/handles.ts';
import { Pollable } from '../io/poll.ts';
import { type HttpErrorCode, toHttpErrorCode } from './error-code.ts';

type Result<T> =
  | { readonly tag: 'ok'; readonly val: T }
  | { readonly tag: 'err'; readonly val: HttpErrorCode };

/** The outer result of a WASI 0.2 future: an error from the second call on. */
export type TakenResult<R> =
  | { readonly tag: 'ok'; readonly val: R }
  | { readonly tag: 'err'; readonly val: undefined };

/** What the `future-*` resources of wasi:http 0.2 have in common: a value that can be waited for and taken once. */
export class PendingResult<T> {
  readonly #handles: Handles;
  readonly #settled: Promise<void>;
  #result: Result<T> | undefined;
  #isTaken = false;

  constructor(promise: Promise<T>, handles: Handles) {
    this.#handles = handles;
    this.#settled = promise.then(
      (val) => {
        this.#result = { tag: 'ok', val };
      },
      (error: unknown) => {
        this.#result = { tag: 'err', val: toHttpErrorCode(error) };
      },
    );
  }

  subscribe(): Pollable {
    return Pollable.from(
      () => this.#result !== undefined,
      () => this.#settled,
      this.#handles,
    );
  }

  take(): TakenResult<Result<T>> | undefined {
    const result = this.#result;
    if (result === undefined) return undefined;
    if (this.#isTaken) return { tag: 'err', val: undefined };
    this.#isTaken = true;
    return { tag: 'ok', val: result };
  }

  /** Calls back with the value if it comes and nobody has taken it. */
  discard(release: (value: T) => void): void {
    void this.#settled.then(() => {
      if (!this.#isTaken && this.#result?.tag === 'ok') release(this.#result.val);
      this.#isTaken = true;
    });
  }
}
