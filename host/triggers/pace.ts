/**
 * How fast a function takes events, learned from refusals: after one, batches are offered one at a time, and with each that is taken twice as
 * many. Refusals in a row wait longer and longer, so that a function that is gone costs a question every half a minute. What was offered
 * together and is refused together counts as one of them: else a function that takes a hundred batches of two hundred would rest for half a
 * minute after each hundred.
 */
import type { Randomness } from './ports.ts';
import { backoffMs } from './retry-policy.ts';

const REFUSED_BACKOFF = { baseMs: 50, maximumMs: 30_000, jitter: 'equal' } as const;

export class Pace {
  readonly #random: Randomness;
  #allowance = Number.POSITIVE_INFINITY;
  #refusals = 0;

  constructor(random: Randomness) {
    this.#random = random;
  }

  /** Batches that may be in work. */
  allowed(maximumConcurrency: number): number {
    return Math.min(this.#allowance, maximumConcurrency);
  }

  /** A batch was taken. */
  fed(maximumConcurrency: number): void {
    this.#refusals = 0;
    this.#allowance *= 2;
    if (this.#allowance >= maximumConcurrency) this.#allowance = Number.POSITIVE_INFINITY;
  }

  /**
   * For how long nothing is offered.
   * @param isNew whether it was offered after the last refusal
   */
  refused(retryAfterMs: number, isNew: boolean): number {
    if (isNew || this.#refusals === 0) this.#refusals++;
    this.#allowance = 1;
    return Math.max(1, retryAfterMs, backoffMs(REFUSED_BACKOFF, this.#refusals, this.#random));
  }
}
