import { WASM_PAGE_BYTES } from '../limits/limits.ts';

/**
 * What one instance may take of a countable resource: bytes of linear memory over all of its memories, or
 * entries over all of its tables. Growth asks here first (see instrument/meter-imports.ts).
 */
export class SpaceAccount {
  readonly cap: number;
  #used: number;
  #peak: number;
  #refused = false;

  /**
   * @param initial what the instance starts with; may exceed the cap, which the caller checks before starting.
   * @param peak the most that it ever had by then
   */
  constructor(cap: number, initial: number, peak: number = initial) {
    this.cap = cap;
    this.#used = initial;
    this.#peak = peak;
  }

  get used(): number {
    return this.#used;
  }

  get peak(): number {
    return this.#peak;
  }

  /** Whether a growth was ever refused: a trap that follows is put down to the limit. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Whether a reservation would be granted. */
  fits(amount: number): boolean {
    return amount >= 0 && this.#used + amount <= this.cap;
  }

  reserve(amount: number): boolean {
    if (!this.fits(amount)) {
      this.#refused = true;
      return false;
    }
    this.#used += amount;
    this.#peak = Math.max(this.#peak, this.#used);
    return true;
  }

  release(amount: number): void {
    this.#used -= amount;
  }
}

/** An unsigned i64 that came out of Wasm as a signed BigInt, times a unit, as a number (huge stays huge). */
export function unsignedAmount(value: bigint, unit: number): number {
  return Number(BigInt.asUintN(64, value)) * unit;
}

export const PAGE_UNIT = WASM_PAGE_BYTES;
