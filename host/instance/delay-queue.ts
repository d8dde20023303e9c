/**
 * Things that are to happen after a while unless they are taken back, which nearly all are: one timer for all of the same
 * while, where one for each would be made and thrown away with every request.
 *
 * 1. Nothing happens before it has waited for `waitMs`, and each at most once.
 * 2. While anything waits, the timer is set, and keeps the thread from ending.
 */
import { Link, LinkedList } from '../linked-list.ts';

interface Waiting {
  readonly action: () => void;
  readonly sinceMs: number;
}

/** What {@link DelayQueue.delete} takes back. */
export type Delayed = Link<Waiting>;

export class DelayQueue {
  readonly #waitMs: number;
  /** In the order in which they came, and thus in which they are due. */
  readonly #waiting = new LinkedList<Waiting>();
  readonly #onEmpty: (() => void) | undefined;
  /** Stays set when the last one is taken back: the next comes soon. */
  #timer: NodeJS.Timeout | undefined;

  /** @param onEmpty called when the timer found nothing that waits: nobody has come for so long */
  constructor(waitMs: number, onEmpty?: () => void) {
    this.#waitMs = waitMs;
    this.#onEmpty = onEmpty;
  }

  add(action: () => void, nowMs: number = performance.now()): Delayed {
    const delayed = new Link<Waiting>({ action, sinceMs: nowMs });
    if (this.#timer === undefined) this.#arm(this.#waitMs);
    else if (this.#waiting.size === 0) this.#timer.ref();
    this.#waiting.append(delayed);
    return delayed;
  }

  /** Without effect on what has happened. */
  delete(delayed: Delayed): void {
    if (!delayed.isIn) return;
    this.#waiting.remove(delayed);
    if (this.#waiting.size === 0) this.#timer?.unref();
  }

  #arm(delayMs: number): void {
    this.#timer = setTimeout(() => this.#look(), delayMs);
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      const leftMs = next.value.sinceMs + this.#waitMs - nowMs;
      if (leftMs > 0) {
        // What has just happened may have added another one, and with it a timer.
        if (this.#timer === undefined) this.#arm(leftMs);
        return;
      }
      this.#waiting.remove(next);
      next.value.action();
    }
    if (this.#timer === undefined) this.#onEmpty?.();
  }
}
