/** Seed of a property test: from the environment, to repeat a failure, or from the clock. */
export function seedOf(variable: string): number {
  const given = process.env[variable];
  return given === undefined ? Date.now() % 2 ** 31 : Number(given);
}

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
