/**
 * What a guest is parked in (JSPI), so that it can be ended there.
 *
 * V8 keeps a parked stack, and with it the instance and its memories, until the promise behind it settles: 3,000
 * instances that were dropped while parked stayed in memory through every collection, and each memory reserves 8 GiB
 * of the 47 bits of address space. So a guest that is over is resumed with an error, which unwinds its stack; code
 * that catches it ends at its next check of fuel.
 */
export class ParkedCalls {
  /** Made for the first: few guests wait for anything. */
  #rejects: Set<(error: Error) => void> | undefined;
  /** Made where somebody is rejected: a stack trace takes longer than starting a small guest. */
  #makeError: (() => Error) | undefined;

  /** Resolves when what `begin` was given is called, or is rejected by `end`; `begin` is not called after that. */
  park(begin: (resume: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const rejects = this.#enter(reject);
      if (rejects === undefined) return;
      begin(() => {
        rejects.delete(reject);
        resolve();
      });
    });
  }

  /** Settles as `result` does, or is rejected by `end`. */
  hold<T>(result: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const rejects = this.#enter(reject);
      if (rejects === undefined) {
        // Nobody waits for what it would have been.
        result.catch(() => {});
        return;
      }
      result.then(
        (value) => {
          rejects.delete(reject);
          resolve(value);
        },
        (error: unknown) => {
          rejects.delete(reject);
          reject(error);
        },
      );
    });
  }

  /** The set in which `reject` is now; undefined after `end`: it was called then. */
  #enter(reject: (error: Error) => void): Set<(error: Error) => void> | undefined {
    if (this.#makeError !== undefined) {
      reject(this.#makeError());
      return undefined;
    }
    this.#rejects ??= new Set();
    return this.#rejects.add(reject);
  }

  /** Rejects what is held, and what will be. Idempotent. */
  end(makeError: () => Error): void {
    this.#makeError ??= makeError;
    if (this.#rejects === undefined || this.#rejects.size === 0) return;
    const error = this.#makeError();
    for (const reject of this.#rejects) reject(error);
    this.#rejects.clear();
  }
}
