import type { FunctionFlow } from './function-flow.ts';

/** More checks than these before calls make one at the entry the shorter code, before branches to a loop's head one there. */
export const MAX_CALL_CHECKS = 1;
const MAX_BACK_CHECKS = 1;
/** No call of the function had to be checked yet. */
const UNKNOWN = -2;

/** Checks of one function that would stand in several places, and so stand in the one that all of these lead to. */
export class GatheredChecks {
  /** Whether there is one at the function's entry. */
  isAtEntry = false;
  /** By a loop's label: branches to its head that had to be checked themselves; from the second on, the head is. */
  #branches = new Uint32Array(256);
  /** By a loop's label: whether the check is at its head. */
  #heads = new Uint8Array(256);
  /** The loops that branches were noted of in this walk. */
  #noted = new Int32Array(256);
  #notedCount = 0;
  /** The loop around the first call that had to be checked itself, -1 if there is none around it. */
  #callLoop = UNKNOWN;

  /** Starts with the function that `flow` holds. */
  enter({ labels, hasLoops }: FunctionFlow): void {
    this.isAtEntry = false;
    this.#notedCount = 0;
    if (!hasLoops) return;
    if (labels > this.#heads.length) {
      this.#heads = new Uint8Array(labels * 2);
      this.#branches = new Uint32Array(labels * 2);
      this.#noted = new Int32Array(labels * 2);
      return;
    }
    this.#heads.fill(0, 0, labels);
    this.#branches.fill(0, 0, labels);
  }

  startWalk(): void {
    for (let i = 0; i < this.#notedCount; i++) this.#branches[this.#noted[i]!] = 0;
    this.#notedCount = 0;
    this.#callLoop = UNKNOWN;
  }

  /** Whether there is one at the head of a loop. */
  isAtHead(label: number): boolean {
    return this.#heads[label] === 1;
  }

  /** A branch to the head of a loop is checked itself. */
  noteBranch(label: number): void {
    if (this.#branches[label]!++ === 0) this.#noted[this.#notedCount++] = label;
  }

  /** The first call that is checked itself stands in the loop with this label, or in none (-1). */
  noteCall(label: number): void {
    if (this.#callLoop === UNKNOWN) this.#callLoop = label;
  }

  /** Moves checks, `callChecks` of which stand before calls; false if there are none to move. */
  gather(callChecks: number): boolean {
    let isMoved = false;
    if (callChecks > MAX_CALL_CHECKS && !this.isAtEntry) {
      this.isAtEntry = true;
      isMoved = true;
    }
    for (let i = 0; i < this.#notedCount; i++) {
      const label = this.#noted[i]!;
      // With a check before the only call that needs one, a turn would be checked twice on the way through it.
      const isTwice = callChecks === 1 && this.#callLoop === label;
      if ((this.#branches[label]! <= MAX_BACK_CHECKS && !isTwice) || this.isAtHead(label)) continue;
      this.#heads[label] = 1;
      isMoved = true;
    }
    return isMoved;
  }
}
