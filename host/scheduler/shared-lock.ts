/**
 * A mutual exclusion between threads, in one word of shared memory: free, or the thread that holds it, with a mark if
 * others wait. What it guards takes well under a microsecond, so that a thread may block for it.
 *
 * A thread that dies inside leaves the word behind with its own number in it; {@link releaseLockOf} frees it. What
 * is guarded must be so that this is safe: each of its words is right by itself, whatever was written last.
 */

const FREE = 0;
/** Added to the holder's mark when somebody waits: whoever releases it has to wake. */
const CONTENDED = 0x4000_0000;

/** No thread is 0 in the word, because 0 is free. */
function markOf(thread: number): number {
  return thread + 1;
}

/** The main thread's number: none of the serving threads'. */
export const MAIN_THREAD = 0xffff;

/** Runs `work` while no other thread is inside; not re-entrant. */
export function locked<T>(words: Int32Array, at: number, thread: number, work: () => T): T {
  acquire(words, at, markOf(thread));
  try {
    return work();
  } finally {
    release(words, at);
  }
}

/** For the main thread, once `thread` has ended: frees the lock if it died inside. */
export function releaseLockOf(words: Int32Array, at: number, thread: number): void {
  if ((Atomics.load(words, at) & ~CONTENDED) === markOf(thread)) release(words, at);
}

function acquire(words: Int32Array, at: number, mark: number): void {
  if (Atomics.compareExchange(words, at, FREE, mark) === FREE) return;
  // From here on it is taken as contended: whoever waited may not be the only one.
  while (true) {
    const seen = Atomics.load(words, at);
    if (seen === FREE) {
      if (Atomics.compareExchange(words, at, FREE, mark | CONTENDED) === FREE) return;
    } else if (
      (seen & CONTENDED) !== 0 ||
      Atomics.compareExchange(words, at, seen, seen | CONTENDED) === seen
    ) {
      Atomics.wait(words, at, seen | CONTENDED);
    }
  }
}

function release(words: Int32Array, at: number): void {
  if ((Atomics.exchange(words, at, FREE) & CONTENDED) !== 0) Atomics.notify(words, at, 1);
}
