/**
 * Looks after the JavaScript heap of a serving thread. V8 ends a thread whose heap is full, with everything that runs
 * on it, and nobody gets an answer; so before it comes to that, invocations are ended that do get one.
 *
 * 1. What counts is what is left after a collection: a heap that is full of garbage is nobody's fault.
 * 2. It goes on, one tenant after the other, until the heap is below the mark again or nothing runs any more.
 * 3. What somebody held who was ended is counted a turn of the event loop later: the stacks it was parked in unwind first. Otherwise
 *    others would be ended for it.
 * 4. Who makes objects of the host and cannot be parked has to end where it stands if the heap is short: there is no turn until it is
 *    done, and several may be at it in one. A look follows.
 */
export interface HeapWatchPorts {
  readonly limitBytes: number;
  usedBytes(): number;
  /** Collects all garbage before it returns; milliseconds that it took. */
  collect(): number;
  /** Gives up what lies ready, which is nobody's work yet. Once a look: what comes in between lies ready again. */
  clear(): void;
  /** Ends what is most likely to blame; false when there is nothing left to end. */
  relieve(): boolean;
  /** Calls back in a later turn of the event loop. */
  readonly nextTurn: (callback: () => void) => void;
  /** A clock that never goes back. */
  readonly nowMs: () => number;
}

/**
 * Of the limit; above it, the thread is short of memory. A guest that does nothing but make streams fills about 60 MiB a second on an idle
 * machine, half a MiB with a slice of fuel, and the watch looks behind each: many times between the mark and the end.
 */
const MARK = 0.75;

/** For what grows without guests' fuel: bodies, replies that nobody reads. */
const INTERVAL_MS = 100;

/**
 * A collection of a heap that is full of what is in use takes up to a second: there is none for as long as the last ones took, but no longer
 * than that, and only while the heap has grown by less than this share of the limit. By time alone a guest filled a heap of 64 MiB meanwhile.
 */
const MAX_REST_MS = 500;
const RESTING_GROWTH = 1 / 8;

export class HeapWatch {
  readonly #ports: HeapWatchPorts;
  #timer: NodeJS.Timeout | undefined;
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  #restsUpToBytes = 0;
  #isRelieving = false;
  #isComing = false;
  /** A heap that is short has been seen in the midst of a guest's call; until the look that follows. */
  #isKnownShort = false;

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

  /** For whoever must not be ended where it stands: looks in a later turn, if there is reason to. */
  lookSoon(): void {
    if (this.#isComing || !this.#isDue()) return;
    this.#isComing = true;
    this.#ports.nextTurn(() => {
      this.#isComing = false;
      this.look();
    });
  }

  /** Invariant 4. */
  mustEnd(): boolean {
    if (!this.#isShort()) return false;
    if (this.#isKnownShort) return true;
    if (this.#isResting()) return false;
    const spentMs = this.#ports.collect();
    if (!this.#isShort()) {
      this.#rest(spentMs);
      return false;
    }
    this.#isKnownShort = true;
    this.#ports.nextTurn(() => {
      this.#isKnownShort = false;
      this.look();
    });
    return true;
  }

  look(): void {
    if (!this.#isDue()) return;
    this.#isRelieving = true;
    const firstMs = this.#ports.collect();
    if (this.#isShort()) {
      this.#ports.clear();
      this.#collect(firstMs);
    } else this.#end(firstMs);
  }

  /** @param spentMs by the collections since the look */
  #collect(spentMs: number): void {
    const allMs = spentMs + this.#ports.collect();
    // Invariant 3.
    if (this.#isShort() && this.#ports.relieve()) {
      this.#ports.nextTurn(() => this.#collect(allMs));
      return;
    }
    this.#end(allMs);
  }

  #end(spentMs: number): void {
    this.#isRelieving = false;
    this.#rest(spentMs);
  }

  #rest(spentMs: number): void {
    const ports = this.#ports;
    this.#restsUntilMs = ports.nowMs() + Math.min(MAX_REST_MS, spentMs);
    this.#restsUpToBytes = ports.usedBytes() + ports.limitBytes * RESTING_GROWTH;
  }

  #isDue(): boolean {
    return !this.#isRelieving && this.#isShort() && !this.#isResting();
  }

  #isResting(): boolean {
    const ports = this.#ports;
    return ports.nowMs() < this.#restsUntilMs && ports.usedBytes() < this.#restsUpToBytes;
  }

  #isShort(): boolean {
    return this.#ports.usedBytes() > this.#ports.limitBytes * MARK;
  }
}
