/** Redis engines as tests make them, and how many at a time. */
import type { QueueName, TenantName } from '../../../host/model/ids.ts';
import type { QueueId } from '../../../host/model/queue.ts';
import type { RedisQueueEngine } from '../../../host/store/queues/redis-queue-engine.ts';
import { PATIENCE_MS, until, within } from '../../harness/bounded.ts';

const NOBODYS: QueueId = { kind: 'queue', tenant: 'nobody' as TenantName, name: 'none' as QueueName };

/** Resolves when the engine has its connections, of which sends have one of their own where they wait for replicas; at once if it has them already. */
export async function connected(engine: RedisQueueEngine): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = engine.link.onReady(resolve);
  await within(promise, PATIENCE_MS, () => 'the engine has no connection').finally(() => stop());
  // What goes the way of sends, and leaves nothing.
  const look = (): Promise<boolean> =>
    engine.remove(NOBODYS).then(
      () => true,
      () => false,
    );
  await until(look, () => 'the engine has no connection for what it sends');
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
