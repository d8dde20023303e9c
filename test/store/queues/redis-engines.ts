/** Redis engines as tests make them, and how many at a time. */
import type { RedisQueueEngine } from '../../../host/store/queues/redis-queue-engine.ts';
import { PATIENCE_MS, within } from '../../harness/bounded.ts';

/** Resolves when the engine has its connection; at once if it has it already. */
export function connected(engine: RedisQueueEngine): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = engine.link.onReady(resolve);
  return within(promise, PATIENCE_MS, () => 'the engine has no connection').finally(() => stop());
}

/** Lets so many in at a time, the others in order. */
export class Semaphore {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  /** Resolves to what gives the place back. */
  async acquire(): Promise<() => void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }
}
