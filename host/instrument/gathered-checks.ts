/** More checks than these before calls make one at the entry the shorter code, before branches to a loop's head one there. */
const MAX_CALL_CHECKS = 1;
const MAX_BACK_CHECKS = 1;
/** No call of the function had to be checked yet. */
const UNKNOWN = -2;

/** Checks of one function that would stand in several places, and so stand in the one that all of these lead to. */
export class GatheredChecks {
  /** Whether there is one at the function's entry. */
  isAtEntry = false;
  /** Branches to a loop's head that had to be checked themselves; from the second on, the head is. */
  readonly #branches = new Map<number, number>();
  readonly #heads = new Set<number>();
  /** The loop around the first call that had to be checked itself, -1 if there is none around it. */
  #callLoop = UNKNOWN;

  /** Starts with a function. */
  enter(): void {
    // Clearing what is empty makes a new table each time.
    if (this.#heads.size > 0) this.#heads.clear();
    this.isAtEntry = false;
  }

  startPass(): void {
    if (this.#branches.size > 0) this.#branches.clear();
    this.#callLoop = UNKNOWN;
  }

  /** Whether there is one at the head of the loop that `event` opens. */
  isAtHead(event: number): boolean {
    return this.#heads.has(event);
  }

  /** A branch to the head of the loop that `event` opens is checked itself. */
  noteBranch(event: number): void {
    this.#branches.set(event, (this.#branches.get(event) ?? 0) + 1);
  }

  /** The first call that is checked itself stands in the loop that `event` opens, or in none (-1). */
  noteCall(event: number): void {
    if (this.#callLoop === UNKNOWN) this.#callLoop = event;
  }

  /** Moves checks, `callChecks` of which stand before calls; false if there are none to move. */
  gather(callChecks: number): boolean {
    let isMoved = false;
    if (callChecks > MAX_CALL_CHECKS && !this.isAtEntry) {
      this.isAtEntry = true;
      isMoved = true;
    }
    for (const [event, checks] of this.#branches) {
      // With a check before the only call that needs one, a turn would be checked twice on the way through it.
      const isTwice = callChecks === 1 && this.#callLoop === event;
      if ((checks <= MAX_BACK_CHECKS && !isTwice) || this.#heads.has(event)) continue;
      this.#heads.add(event);
      isMoved = true;
    }
    return isMoved;
  }
}
