/**
 * One thing that becomes ready, however many pollables and polls look at it.
 *
 * 1. At most one `wait()` is outstanding, so a guest that polls a silent stream a million times leaves one
 *    promise reaction behind, not a million.
 * 2. A callback is called at most once, and never after it was deleted.
 */
export class Readiness {
  readonly #isReady: () => boolean;
  readonly #wait: () => Promise<void>;
  readonly #callbacks = new Set<() => void>();
  #waiting = false;

  constructor(isReady: () => boolean, wait: () => Promise<void>) {
    this.#isReady = isReady;
    this.#wait = wait;
  }

  isReady(): boolean {
    return this.#isReady();
  }

  /** Calls back once it is ready: never before `add` returns. */
  add(callback: () => void): void {
    this.#callbacks.add(callback);
    this.#arm();
  }

  delete(callback: () => void): void {
    this.#callbacks.delete(callback);
  }

  #arm(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const wake = (): void => {
      this.#waiting = false;
      if (this.#callbacks.size === 0) return;
      if (!this.#isReady()) {
        // Somebody else was quicker to take what had come.
        this.#arm();
        return;
      }
      const callbacks = [...this.#callbacks];
      this.#callbacks.clear();
      for (const callback of callbacks) callback();
    };
    // `wait` never rejects by contract; if it does, waiting callers look again rather than hang.
    this.#wait().then(wake, wake);
  }
}
