/**
 * The fuel of one invocation.
 *
 * The guest's code counts `counter` down; this account decides what is in it. Budget is handed out in
 * slices, so that the thread can look after others in between.
 *
 * 1. granted <= budget, and `used` never shows more than the budget, whatever the code overshot.
 * 2. Debt is carried: a refill adds to the counter, it never sets it, so slicing changes no total.
 * 3. Once cancelled or exhausted, the counter stays below zero: every later check of the guest traps.
 * 4. What the host charges (`charge`) is part of `used` at once, and on the counter before MAX_OFF_COUNTER of it
 *    have come together.
 */
import { FUEL_SLICE } from '../limits/limits.ts';

/** Below any debt a guest can run up (a bulk operation costs at most 2^33), and far from the i64's end. */
const POISON = -(2n ** 62n);

/** More than the longest list that fits a 32-bit memory costs; it keeps sums far from the end of the i64. */
const MAX_CHARGE = 2 ** 40;

/**
 * Reading and writing the counter from JavaScript makes two BigInts, 0.1 µs; adding to a number costs nothing. A
 * slice is longer by at most this.
 */
const MAX_OFF_COUNTER = 65_536;

/** A counter for the code of one instance (instrument/). */
export function createFuelCounter(): WebAssembly.Global<'i64'> {
  return new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
}

export class FuelAccount {
  readonly counter: WebAssembly.Global<'i64'>;
  readonly budget: number;
  readonly #slice: number;
  #granted = 0;
  #poisoned = false;
  #usedBeforePoison = 0;
  #exhausted = false;
  /** Charged by the host and not yet on the counter. */
  #offCounter = 0;

  /** @param counter that of the guest; what an earlier account left there is gone */
  constructor(
    budget: number,
    slice: number = FUEL_SLICE,
    counter: WebAssembly.Global<'i64'> = createFuelCounter(),
  ) {
    this.budget = budget;
    this.#slice = slice;
    this.counter = counter;
    this.#granted = Math.max(Math.min(slice, budget), 0);
    this.#exhausted = this.#granted === 0;
    counter.value = BigInt(this.#granted);
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
    return Math.min(Math.max(used + this.#offCounter, 0), this.budget);
  }

  /** Fuel for work of the host. The guest's next check sees it; what is not a positive number is ignored. */
  charge(units: number): void {
    if (!(units > 0)) return;
    this.#offCounter += Math.min(units, MAX_CHARGE);
    if (this.#offCounter >= MAX_OFF_COUNTER && !this.#poisoned) this.#settleCharges();
  }

  #settleCharges(): void {
    this.counter.value = (this.counter.value as bigint) - BigInt(this.#offCounter);
    this.#offCounter = 0;
  }

  /**
   * Puts slices on the counter until it is at least zero. Returns whether the guest may go on; if not, the
   * counter is left below zero, and the guest's code traps.
   */
  grant(): boolean {
    if (this.#poisoned) return false;
    if (this.#offCounter > 0) this.#settleCharges();
    let counter = Number(this.counter.value);
    while (counter < 0 || this.#granted === 0) {
      const slice = Math.min(this.#slice, this.budget - this.#granted);
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

  /** Takes back what is left on the counter, so that the next check asks again. */
  retract(): void {
    if (this.#poisoned) return;
    const left = Number(this.counter.value) + 1;
    if (left <= 0) return;
    this.#granted -= left;
    this.counter.value = -1n;
  }

  /** The end of the account: what was used, and nothing more is (`poison`). */
  close(): number {
    if (this.#poisoned) return this.used;
    this.poison();
    return Math.min(Math.max(this.#usedBeforePoison + this.#offCounter, 0), this.budget);
  }

  /** Ends the guest at its next check, wherever it is. */
  poison(): void {
    if (this.#poisoned) return;
    this.#usedBeforePoison = this.#granted - Number(this.counter.value);
    this.#poisoned = true;
    this.counter.value = POISON;
  }
}
