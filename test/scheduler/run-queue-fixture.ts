/** A run queue in a test's hands. */
import { EVENT_LOOP } from '../../host/scheduler/event-loop.ts';
import { RunQueue, type RunQueuePorts } from '../../host/scheduler/run-queue.ts';

export const SLICE = 5_000_000;

/** An event loop driven by hand: one turn at a time, promises settle in between. */
export class Turns {
  readonly #callbacks: (() => void)[] = [];
  readonly nextTurn = (callback: () => void): void => void this.#callbacks.push(callback);

  get pending(): number {
    return this.#callbacks.length;
  }

  async run(turns: number): Promise<void> {
    for (let i = 0; i < turns; i++) {
      const callback = this.#callbacks.shift();
      if (callback === undefined) return;
      callback();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}

export function queueOf(weights: Record<string, number> = {}): {
  queue: RunQueue;
  turns: Turns;
  used: Record<string, number>;
} {
  const turns = new Turns();
  const queue = new RunQueue({
    ...EVENT_LOOP,
    nextTurn: turns.nextTurn,
    weightOf: (tenant) => weights[tenant] ?? 1,
    quantum: SLICE,
  });
  return { queue, turns, used: {} };
}

/** Resolves when a guest that has used `fuel` goes on. */
export function parked(queue: RunQueue, tenant: string, fuel: number, isOver?: () => boolean): Promise<void> {
  return new Promise((resume) => queue.park(tenant, fuel, resume, isOver));
}

/** A guest in an endless loop, whose slices cost what `cost` says. */
export async function spin(
  queue: RunQueue,
  used: Record<string, number>,
  tenant: string,
  cost: () => number,
): Promise<void> {
  for (;;) {
    const fuel = cost();
    used[tenant] = (used[tenant] ?? 0) + fuel;
    await parked(queue, tenant, fuel);
  }
}

export const share = (used: Record<string, number>, tenant: string): number =>
  used[tenant]! / Object.values(used).reduce((sum, value) => sum + value, 0);

/** A queue with a clock that stands still until it is set. */
export function clockedQueue(ports: Partial<RunQueuePorts> = {}): {
  readonly queue: RunQueue;
  readonly turns: Turns;
  pass(ms: number): void;
} {
  const turns = new Turns();
  let nowMs = 1_000;
  const queue = new RunQueue({ nextTurn: turns.nextTurn, nowMs: () => nowMs, quantum: SLICE, ...ports });
  return {
    queue,
    turns,
    pass(ms) {
      nowMs += ms;
    },
  };
}
