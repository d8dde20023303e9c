import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { resourceLimits } from 'node:worker_threads';

/** What the calling thread, or the process if it is the first one, was given. */
function ownLimitBytes(): number {
  const { maxOldGenerationSizeMb } = resourceLimits;
  return maxOldGenerationSizeMb === undefined
    ? getHeapStatistics().heap_size_limit
    : maxOldGenerationSizeMb * 2 ** 20;
}

/** The heap of the calling thread: its limit, what is used of it, and a collection on demand. */
export class ThreadHeap {
  readonly limitBytes: number;

  /**
   * @param limitBytes that of a process is known to whoever starts it: V8's own `heap_size_limit` counts what the young generation may take on
   *   top, and never reaches it
   */
  constructor(limitBytes = ownLimitBytes()) {
    this.limitBytes = limitBytes;
  }

  usedBytes(): number {
    return getHeapStatistics().used_heap_size;
  }

  #gc: (() => void) | undefined;

  /**
   * Collects all garbage before it returns; milliseconds that it took. By V8's own function: the inspector's `collectGarbage` only asks
   * for a collection in a later task, and for none once its session is closed.
   */
  collect(): number {
    const beganMs = performance.now();
    this.#gc ??= exposedGc();
    this.#gc();
    return performance.now() - beganMs;
  }
}

/** A context that is made while the flag is set has it as a global; nobody else gets to see that one. */
function exposedGc(): () => void {
  setFlagsFromString('--expose-gc');
  try {
    return runInNewContext('gc') as () => void;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
