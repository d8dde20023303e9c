import { Session } from 'node:inspector';
import { getHeapStatistics } from 'node:v8';
import { resourceLimits } from 'node:worker_threads';

/** The heap of the calling thread: its limit, what is used of it, and a collection on demand. */
export class ThreadHeap {
  /** V8's own `heap_size_limit` counts what the young generation may take on top, and never reaches it. */
  readonly limitBytes: number =
    resourceLimits.maxOldGenerationSizeMb === undefined
      ? getHeapStatistics().heap_size_limit
      : resourceLimits.maxOldGenerationSizeMb * 2 ** 20;

  usedBytes(): number {
    return getHeapStatistics().used_heap_size;
  }

  /** Through the inspector's protocol, in this process: V8's own `gc` function takes a flag at start. */
  collect(): void {
    const session = new Session();
    session.connect();
    try {
      session.post('HeapProfiler.collectGarbage');
    } finally {
      session.disconnect();
    }
  }
}
