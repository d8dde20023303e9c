import { Bytes } from './arrays.ts';
import { LabelTrait } from './flow.ts';
import { FunctionFlow } from './function-flow.ts';

/** More checks than these before calls make one at the entry the shorter code. */
export const MAX_CALL_CHECKS: i32 = 1;
/** Of a loop with a check at its head from the start. */
const LOOP_OF_TWO: i32 = LabelTrait.Loop | LabelTrait.BranchedTwice;
/** No call of the function had to be checked yet. */
const UNKNOWN = -2;

/**
 * Checks of one function that would stand in several places, and so stand in the one that all of these lead to: at the entry for
 * those before calls, at a loop's head for those before the branches that lead back to it. Where two and more lead back, that is so
 * from the start: found out by a walk, it made another one necessary, of 0.4 events for each there is (decision 0056).
 */
@final
export class GatheredChecks {
  /** Whether there is one at the function's entry. */
  isAtEntry: bool = false;
  /** Of a function that has loops. */
  private labels: i32 = 0;
  /** By a loop's label: whether the check is at its head. */
  private heads: Bytes = Bytes.of(256);
  /** By a loop's label: whether a branch to its head had to be checked itself in this walk. */
  private branches: Bytes = Bytes.of(256);
  /** The loop around the first call that had to be checked itself, -1 if there is none around it. */
  private callLoop: i32 = UNKNOWN;

  /** Starts with the function that `flow` holds. */
  enter(flow: FunctionFlow): void {
    this.isAtEntry = false;
    this.labels = flow.hasLoops ? flow.labels : 0;
    if (this.labels > this.heads.length) {
      const room = max(this.labels, this.heads.length * 2);
      this.heads = Bytes.of(room);
      this.branches = Bytes.of(room);
    }
    for (let label = 0; label < this.labels; label++)
      this.heads[label] = (flow.traits[label] & LOOP_OF_TWO) === LOOP_OF_TWO ? 1 : 0;
  }

  startWalk(): void {
    for (let label = 0; label < this.labels; label++) this.branches[label] = 0;
    this.callLoop = UNKNOWN;
  }

  /** Whether there is one at the head of a loop. */
  isAtHead(label: i32): bool {
    return this.heads[label] === 1;
  }

  /** A branch to the head of a loop is checked itself. */
  noteBranch(label: i32): void {
    this.branches[label] = 1;
  }

  /** The first call that is checked itself stands in the loop with this label, or in none (-1). */
  noteCall(label: i32): void {
    if (this.callLoop === UNKNOWN) this.callLoop = label;
  }

  /** Moves a check, if there is one to move; `callChecks` stand before calls. */
  gather(callChecks: i32): bool {
    if (callChecks > MAX_CALL_CHECKS && !this.isAtEntry) {
      this.isAtEntry = true;
      return true;
    }
    // With a check before the only call that needs one, a turn would be checked twice on the way through it.
    const loop = callChecks === 1 ? this.callLoop : UNKNOWN;
    if (loop < 0 || this.branches[loop] === 0 || this.isAtHead(loop)) return false;
    this.heads[loop] = 1;
    return true;
  }
}
