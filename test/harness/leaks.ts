/** What a test file must give back: threads, sockets, servers, pipes and child processes. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';

/** Kinds of `process.getActiveResourcesInfo()` that somebody opened; timers and file reads come and go. */
const OPENED = new Set([
  'TCPSocketWrap',
  'TCPServerWrap',
  'TCPConnectWrap',
  'PipeWrap',
  'ProcessWrap',
  'MessagePort',
]);

/**
 * A socket that was destroyed is closed a few turns of the event loop later, a killed child some milliseconds; what
 * leaks stays for ever.
 */
const PATIENCE_MS = 30_000;

/**
 * Remembers what is open when it is made; {@link settled} waits until nothing more is. Make it at the head of a
 * test file, and ask it last in its only `test.after.always`.
 */
export class LeakCheck {
  readonly #before: ReadonlyMap<string, number>;
  readonly #threads = new Set<Worker>();
  readonly #onWorker = (worker: Worker): void => {
    this.#threads.add(worker);
    worker.once('exit', () => this.#threads.delete(worker));
  };

  constructor() {
    this.#before = this.#open();
    process.on('worker', this.#onWorker);
  }

  /** Rejects with a list of what is still open after some patience. */
  async settled(patienceMs: number = PATIENCE_MS): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const leaks = this.#leaks();
      if (leaks.length === 0) break;
      if (performance.now() > deadline) throw new Error(`still open after the tests: ${leaks.join(', ')}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    process.off('worker', this.#onWorker);
  }

  #leaks(): string[] {
    const now = this.#open();
    return [...now]
      .map(([kind, count]) => [kind, count - (this.#before.get(kind) ?? 0)] as const)
      .filter(([, more]) => more > 0)
      .map(([kind, more]) => `${more} ${kind}`);
  }

  #open(): Map<string, number> {
    const counts = new Map<string, number>();
    const add = (kind: string, count = 1): void => void counts.set(kind, (counts.get(kind) ?? 0) + count);
    for (const kind of process.getActiveResourcesInfo()) if (OPENED.has(kind)) add(kind);
    add('thread', this.#threads.size);
    add('child process', childrenOf(process.pid).length);
    return counts;
  }
}

/** Process ids of the children of a process, those of all its threads (Linux: proc(5)). */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    try {
      return readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
        .split(' ')
        .filter(Boolean)
        .map(Number);
    } catch {
      return []; // the thread ended meanwhile
    }
  });
}
