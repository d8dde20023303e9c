/**
 * Things that are to happen soon unless they are taken back, which nearly all are: one timer for the whole thread, where
 * one for each would be made and thrown away with every request.
 *
 * 1. Nothing happens before it has waited for `waitMs`, and each at most once.
 * 2. While anything waits, the timer is set.
 */
export class Hold {
  readonly #waitMs: number;
  /** In the order in which they came, and thus in which they are due. */
  readonly #waiting = new Map<() => void, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** @param action its identity is the key under which it is taken back */
  add(action: () => void): void {
    this.#waiting.set(action, performance.now());
    this.#timer ??= setTimeout(() => this.#look(), this.#waitMs);
  }

  delete(action: () => void): void {
    this.#waiting.delete(action);
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const [action, sinceMs] of this.#waiting) {
      const leftMs = sinceMs + this.#waitMs - nowMs;
      if (leftMs > 0) {
        this.#timer ??= setTimeout(() => this.#look(), leftMs);
        return;
      }
      this.#waiting.delete(action);
      action();
    }
  }
}
