/**
 * Threads that have loaded what a serving thread runs, and serve nothing yet: one of them takes the place of a thread that
 * dies. Loading takes 1.1 to 2 s on two cores with little else to do, and as much longer as the machine has more to do; to
 * listen takes some milliseconds then.
 *
 * 1. A spare thread knows which host it belongs to, and nothing of any tenant.
 * 2. One that ends by itself is not made again before somebody has taken one: a thread that cannot be loaded is not
 *    loaded over and over.
 */
import type { Worker } from 'node:worker_threads';

export class SpareThreads {
  readonly #count: number;
  readonly #make: () => Worker;
  readonly #ready: Worker[] = [];

  /** @param count how many are kept */
  constructor(count: number, make: () => Worker) {
    this.#count = count;
    this.#make = make;
  }

  /** The one that was made first, which is ready or about to be; a new one if there is none. It is the caller's. */
  take(): Worker {
    return this.#ready.shift() ?? this.#make();
  }

  /** Makes what is missing. Whoever has taken one calls it once that serves: loading is work that would slow it down. */
  fill(): void {
    while (this.#ready.length < this.#count) {
      const worker = this.#make();
      this.#ready.push(worker);
      const forget = (): void => {
        const at = this.#ready.indexOf(worker);
        if (at >= 0) this.#ready.splice(at, 1);
      };
      // Whatever is wrong with it, the next one that is to serve says so.
      worker.on('error', forget);
      worker.on('exit', forget);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#ready.splice(0).map((worker) => worker.terminate()));
  }
}
