import type { TriggerClock } from '../../host/triggers/ports.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Turns of the event loop in which everything that promises still have to do is done. */
const QUIET_TURNS = 3;

/**
 * Time that passes when a test says so. Timers follow the monotonic time; what the wall says may be set apart.
 */
export class VirtualClock implements TriggerClock {
  #monotonicMs = 0;
  #wallOffsetMs: number;
  readonly #timers = new Set<Timer>();
  #order = 0;
  /** Whether something is under way that takes no time of this clock: no time passes until it is done. */
  isBusy: () => boolean = () => false;

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = startMs;
  }

  get timers(): number {
    return this.#timers.size;
  }

  nowMs(): number {
    return this.#wallOffsetMs + this.#monotonicMs;
  }

  after(delayMs: number, run: () => void): () => void {
    if (!(delayMs >= 0 && delayMs < 2 ** 31)) throw new RangeError(`a timer of ${delayMs} ms fires at once`);
    const timer = { atMs: this.#monotonicMs + delayMs, order: this.#order++, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** The wall clock jumps; no timer hears of it. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Lets so much time pass; what is due runs in order, each with everything that follows from it at once. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await quiet(this.isBusy);
    for (let next = this.#next(); next !== undefined && next.atMs <= untilMs; next = this.#next()) {
      this.#timers.delete(next);
      this.#monotonicMs = Math.max(this.#monotonicMs, next.atMs);
      next.run();
      await quiet(this.isBusy);
    }
    this.#monotonicMs = untilMs;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (
        first === undefined ||
        timer.atMs < first.atMs ||
        (timer.atMs === first.atMs && timer.order < first.order)
      )
        first = timer;
    }
    return first;
  }
}

/** Resolves when nothing is left that happens without time passing. */
export async function quiet(isBusy: () => boolean = () => false): Promise<void> {
  for (let still = 0; still < QUIET_TURNS; still = isBusy() ? 0 : still + 1)
    await new Promise((resolve) => setImmediate(resolve));
}
