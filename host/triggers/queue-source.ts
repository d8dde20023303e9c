import type { QueueId } from '../model/queue.ts';
import type { QueueEngine } from '../store/queues/queue-engine.ts';
import type { MessageSource } from './ports.ts';

/** A queue of the engine as a consumer sees it. */
export function queueSource(engine: QueueEngine, queue: QueueId): MessageSource {
  return {
    claim: (options) => engine.claim(queue, options),
    extend: (claim, visibilityMs) => engine.extend(claim, visibilityMs),
    settle: (claim, settlements) => engine.settle(claim, settlements),
    readyCount: async () => (await engine.counts(queue)).ready,
    onWork: (listener) => engine.onWork(queue, listener),
  };
}
