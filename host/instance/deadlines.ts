import { DelayQueue } from './delay-queue.ts';

/** The deadlines of one thread's invocations: a queue for each length that they have, given up when nobody has it any more. */
export class Deadlines {
  readonly #queues = new Map<number, DelayQueue>();

  /** Where a deadline of this length is to be added, now. */
  of(timeoutMs: number): DelayQueue {
    let queue = this.#queues.get(timeoutMs);
    if (queue === undefined) {
      const made = new DelayQueue(timeoutMs, () => {
        if (this.#queues.get(timeoutMs) === made) this.#queues.delete(timeoutMs);
      });
      queue = made;
      this.#queues.set(timeoutMs, queue);
    }
    return queue;
  }
}

/** Of this thread, as timers are. */
export const DEADLINES: Deadlines = new Deadlines();
