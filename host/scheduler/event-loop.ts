import type { RunQueuePorts } from './run-queue.ts';

/** Node's event loop, as the run queue takes turns on it. */
export const EVENT_LOOP: Pick<RunQueuePorts, 'nextTurn' | 'whenQuiet' | 'nowMs'> = {
  nextTurn: setImmediate,
  nowMs: () => performance.now(),
  // Ticks come when no microtask is left: what was resumed runs in one, and so does what follows from it.
  whenQuiet: (callback) => queueMicrotask(() => process.nextTick(callback)),
};
