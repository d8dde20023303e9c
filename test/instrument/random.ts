/**
 * Seed of a property test: from the environment, to repeat a failure, or from the clock. What a test says of its cases
 * holds for each of them. How many it had, and of which kinds, is luck: say that of {@link FIXED_SEED}.
 */
export function seedOf(variable: string): number {
  const given = process.env[variable];
  return given === undefined ? Date.now() % 2 ** 31 : Number(given);
}

/** For tests of how much random cases reach: the same cases in every run, until their generator changes. */
export const FIXED_SEED = 20_261_127;

/** A small seeded generator (xorshift32): the same seed gives the same test on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) | 1;
  }

  /** An integer in `[0, bound)`. */
  below(bound: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % bound;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}
