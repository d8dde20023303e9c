import type { Clock } from '../context.ts';

/**
 * A clock for guests that are not trusted with a fine one: what tells a cached line from one that is not takes some
 * hundred nanoseconds, and a clock in steps of a millisecond shows none of it (SECURITY.md says what that is worth).
 *
 * 1. What it shows is a multiple of the step that has passed already: it never runs ahead, and never goes back.
 * 2. A sleep ends when this clock shows its instant, not before: whoever wakes and looks finds that it is time.
 */
export class CoarseClock implements Clock {
  readonly monotonicResolutionNs: bigint;
  readonly wallResolutionNs: bigint;
  readonly #clock: Clock;

  /** @param stepNs of both clocks, at least what `clock` itself shows */
  constructor(clock: Clock, stepNs: bigint) {
    this.#clock = clock;
    this.monotonicResolutionNs = max(stepNs, clock.monotonicResolutionNs);
    this.wallResolutionNs = max(stepNs, clock.wallResolutionNs);
  }

  wallNs(): bigint {
    return floor(this.#clock.wallNs(), this.wallResolutionNs);
  }

  monotonicNs(): bigint {
    return floor(this.#clock.monotonicNs(), this.monotonicResolutionNs);
  }

  sleepUntil(monotonicNs: bigint, signal: AbortSignal): Promise<void> {
    const step = this.monotonicResolutionNs;
    return this.#clock.sleepUntil(floor(monotonicNs + step - 1n, step), signal);
  }
}

function floor(ns: bigint, stepNs: bigint): bigint {
  return ns - (ns % stepNs);
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
