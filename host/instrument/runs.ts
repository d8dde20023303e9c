/**
 * Cuts a function body into runs and decides where to charge and where to check.
 *
 * A run is a stretch of instructions that is entered at its head only and left at its end only, calls, traps
 * and exceptions aside. Its whole cost is subtracted at its head. It goes on through the start of a block, the
 * end of a loop and the end of a block that nothing branches to, since control passes those in one way only.
 *
 * Invariants:
 * 1. Every instruction that can be executed belongs to exactly one run, and that run's charge precedes it.
 * 2. A function's entry and a loop's head are checked, so that every cycle of control flow contains a check.
 * 3. `since` at a run's head is at least what any path through this function has charged since its last
 *    check; a run that would take it above CHECK_INTERVAL is checked. At a merge it is the greatest of all.
 * 4. Code behind an unconditional transfer is dead until its block ends (or has another arm): never charged.
 */
import { CHECK_INTERVAL } from './cost-model.ts';
import { EDIT, type EditList } from './edits.ts';

const BLOCK = 0;
const LOOP = 1;
/** An `if` whose `else` has not been seen. */
const IF = 2;
/** Merges at its end whether branched to or not: an `if` with an `else`, a `try` with a `catch`. */
const MERGING = 3;

export class RunTracker {
  readonly #edits: EditList;
  /** Per open block: what it is, whether a branch targets its end, the greatest `since` of those branches. */
  readonly #kind: Uint8Array;
  readonly #isTarget: Uint8Array;
  readonly #labelSince: Float64Array;
  /** For an `if`: `since` where the condition was tested, which is what the other arm starts with. */
  readonly #testSince: Float64Array;
  #slot = 0;
  #cost = 0;
  #since = 0;
  #mustCheck = false;
  #isDead = false;
  #deadDepth = 0;
  #entrySlot = 0;
  #total = 0;
  #charges = 0;
  /** Blocks open at this point, the body not counted. */
  depth = 0;
  maxDepth = 0;
  /** Whether the function just read needs a charge anywhere. */
  charges = false;

  constructor(edits: EditList, maxDepth: number) {
    this.#edits = edits;
    this.#kind = new Uint8Array(maxDepth + 1);
    this.#isTarget = new Uint8Array(maxDepth + 1);
    this.#labelSince = new Float64Array(maxDepth + 1);
    this.#testSince = new Float64Array(maxDepth + 1);
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** A function's entry; `offset` is behind its locals. */
  enter(offset: number, cost: number): void {
    this.depth = 0;
    this.#isDead = false;
    this.#total = 0;
    this.#charges = 0;
    this.charges = false;
    this.#entrySlot = this.#open(offset, 0, true);
    this.#cost = cost;
  }

  add(cost: number): void {
    this.#cost += cost;
  }

  block(): void {
    this.#push(BLOCK);
  }

  loop(after: number): void {
    this.#close();
    this.#push(LOOP);
    this.#open(after, 0, true);
  }

  if(after: number): void {
    const since = this.#close();
    this.#push(IF);
    this.#testSince[this.depth - 1] = since;
    this.#open(after, since, false);
  }

  /** False if the innermost block is not an `if` that may have an `else`. */
  else(after: number): boolean {
    const top = this.depth - 1;
    if (top < 0 || this.#kind[top] !== IF) return false;
    this.#endArm(top);
    this.#open(after, this.#testSince[top]!, false);
    return true;
  }

  /** The handler of a legacy `try`: any point of its body may have led here. False outside of a block. */
  catch(after: number): boolean {
    const top = this.depth - 1;
    if (top < 0) return false;
    this.#endArm(top);
    this.#open(after, CHECK_INTERVAL, false);
    return true;
  }

  /** The end of the innermost block (`end`, `delegate`), or of the function, for which it returns true. */
  end(after: number): boolean {
    const top = this.depth - 1;
    if (top < 0) {
      this.#close();
      // A function that costs nothing cannot call or repeat anything, so that its entry needs no check.
      const isFree = this.#total === 0;
      if (isFree) this.#edits.set(this.#entrySlot, EDIT.none, 0);
      this.charges = this.#charges > (isFree ? 1 : 0);
      return true;
    }
    this.depth = top;
    const kind = this.#kind[top];
    if (this.#isDead) {
      if (this.#deadDepth <= top) return false;
      this.#isDead = false;
      this.#open(after, this.#mergedSince(top, 0), false);
    } else if (kind === IF || kind === MERGING || (kind === BLOCK && this.#isTarget[top] === 1)) {
      this.#open(after, this.#mergedSince(top, this.#close()), false);
    }
    return false;
  }

  /** A branch that may be taken, with its targets marked by {@link target} between the two calls. */
  closeForBranch(): number {
    return this.#close();
  }

  /** Whether `label` exists; notes that control reaches it with `since`. */
  target(label: number, since: number): boolean {
    if (label > this.depth) return false;
    const frame = this.depth - 1 - label;
    if (frame >= 0) {
      this.#isTarget[frame] = 1;
      if (since > this.#labelSince[frame]!) this.#labelSince[frame] = since;
    }
    return true;
  }

  resume(after: number, since: number): void {
    this.#open(after, since, false);
  }

  /** Control does not pass this point. Closing the run a second time, behind a branch, changes nothing. */
  terminate(): void {
    this.#close();
    if (this.#isDead) return;
    this.#isDead = true;
    this.#deadDepth = this.depth;
  }

  #push(kind: number): void {
    const top = this.depth++;
    if (this.depth > this.maxDepth) this.maxDepth = this.depth;
    this.#kind[top] = kind;
    this.#isTarget[top] = 0;
    this.#labelSince[top] = 0;
    this.#testSince[top] = 0;
  }

  #endArm(top: number): void {
    if (this.#isDead) {
      if (this.#deadDepth > top) this.#isDead = false;
    } else {
      this.#labelSince[top] = Math.max(this.#labelSince[top]!, this.#close());
    }
    this.#kind[top] = MERGING;
  }

  #mergedSince(top: number, fallThrough: number): number {
    const skipped = this.#kind[top] === IF ? this.#testSince[top]! : 0;
    return Math.max(fallThrough, this.#labelSince[top]!, skipped);
  }

  #open(offset: number, since: number, mustCheck: boolean): number {
    if (this.#isDead) return -1;
    this.#slot = this.#edits.add(offset, EDIT.none, 0);
    this.#cost = 0;
    this.#since = since;
    this.#mustCheck = mustCheck;
    return this.#slot;
  }

  /** Fixes the charge of the run that ends here; returns `since` behind it. */
  #close(): number {
    if (this.#isDead) return 0;
    const cost = this.#cost;
    this.#total += cost;
    const since = this.#since + cost;
    const isChecked = this.#mustCheck || (cost > 0 && since > CHECK_INTERVAL);
    if (isChecked) {
      this.#edits.set(this.#slot, EDIT.chargeAndCheck, cost);
      this.#charges++;
      return 0;
    }
    if (cost > 0) {
      this.#edits.set(this.#slot, EDIT.charge, cost);
      this.#charges++;
    }
    return since;
  }
}
