/**
 * Looks after the JavaScript heap of a serving thread. V8 ends a thread whose heap is full, with everything that runs
 * on it, and nobody gets an answer; so before it comes to that, invocations are ended that do get one.
 *
 * 1. What counts is what is left after a collection: a heap that is full of garbage is nobody's fault.
 * 2. It goes on, one tenant after the other, until the heap is below the mark again or nothing runs any more.
 */
export interface HeapWatchPorts {
  readonly limitBytes: number;
  usedBytes(): number;
  /** Collects all garbage, now. */
  collect(): void;
  /** Ends what is most likely to blame; false when there is nothing left to end. */
  relieve(): boolean;
}

/**
 * Of the limit; above it, the thread is short of memory. A guest that does nothing but make streams fills about
 * 60 MiB a second on an idle machine, and the event loop has its turn every other slice, so that there are several looks
 * between the mark and the end.
 */
const MARK = 0.75;

const INTERVAL_MS = 100;

/** A collection of a heap that is full of what is in use takes up to a second: not at every look. */
const LOOKS_BETWEEN_COLLECTIONS = 5;

export class HeapWatch {
  readonly #ports: HeapWatchPorts;
  #timer: NodeJS.Timeout | undefined;
  #looksToSkip = 0;

  constructor(ports: HeapWatchPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), INTERVAL_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  look(): void {
    if (this.#looksToSkip > 0) {
      this.#looksToSkip--;
      return;
    }
    if (!this.#isShort()) return;
    this.#ports.collect();
    while (this.#isShort() && this.#ports.relieve()) this.#ports.collect();
    this.#looksToSkip = LOOKS_BETWEEN_COLLECTIONS;
  }

  #isShort(): boolean {
    return this.#ports.usedBytes() > this.#ports.limitBytes * MARK;
  }
}
