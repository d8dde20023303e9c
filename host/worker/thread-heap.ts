import { Session } from 'node:inspector';
import { getHeapStatistics } from 'node:v8';

/** The heap of the calling thread: its limit, what is used of it, and a collection on demand. */
export class ThreadHeap {
  readonly limitBytes: number = getHeapStatistics().heap_size_limit;

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
