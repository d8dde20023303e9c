/**
 * The fuel of one invocation.
 *
 * The guest's code counts `counter` down; this account decides what is in it. Budget is handed out in
 * slices, so that the thread can look after others in between.
 *
 * 1. granted <= budget, and `used` never shows more than the budget, whatever the code overshot.
 * 2. Debt is carried: a refill adds to the counter, it never sets it, so slicing changes no total.
 * 3. Once cancelled or exhausted, the counter stays below zero: every later check of the guest traps.
 */
import { FUEL_SLICE } from '../limits.ts';

/** Below any debt a guest can run up (a bulk operation costs at most 2^33), and far from the i64's end. */
const POISON = -(2n ** 62n);

export class FuelAccount {
  readonly counter: WebAssembly.Global<'i64'>;
  readonly budget: number;
  #granted = 0;
  #poisoned = false;
  #usedBeforePoison = 0;
  #exhausted = false;

  constructor(budget: number) {
    this.budget = budget;
    this.counter = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
    this.grant();
  }

  /** Whether a check found the budget used up. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** Fuel used so far: at least 0, at most the budget. */
  get used(): number {
    const counter = this.counter.value;
    const used = this.#poisoned
      ? this.#usedBeforePoison + Number(POISON - counter)
      : this.#granted - Number(counter);
    return Math.min(Math.max(used, 0), this.budget);
  }

  /**
   * Puts slices on the counter until it is at least zero. Returns whether the guest may go on; if not, the
   * counter is left below zero, and the guest's code traps.
   */
  grant(): boolean {
    if (this.#poisoned) return false;
    let counter = Number(this.counter.value);
    while (counter < 0 || this.#granted === 0) {
      const slice = Math.min(FUEL_SLICE, this.budget - this.#granted);
      if (slice <= 0) {
        this.#exhausted = true;
        return false;
      }
      this.#granted += slice;
      counter += slice;
    }
    this.counter.value = BigInt(counter);
    return true;
  }

  /** Ends the guest at its next check, wherever it is. */
  poison(): void {
    if (this.#poisoned) return;
    this.#usedBeforePoison = this.#granted - Number(this.counter.value);
    this.#poisoned = true;
    this.counter.value = POISON;
  }
}
