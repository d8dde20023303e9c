import { Insertion } from './insertions.ts';

/** What control does at a point of a function. Everything between two of them is straight code. */
export enum FlowKind {
  Entry = 0,
  /** A legacy `try`. Other blocks begin without an event: control only passes. */
  Try = 1,
  Loop = 2,
  If = 3,
  Else = 4,
  /** The handler of a legacy `try`. */
  Catch = 5,
  End = 6,
  Branch = 7,
  BranchIf = 8,
  /** A `branchIf` that can pay on the way that is taken: it stands in a loop, and its label takes no operands. */
  PayingBranch = 9,
  BranchTable = 10,
  /** `return`, and a tail call, which leaves the frame behind. */
  Leave = 11,
  TailCall = 12,
  /** `unreachable`. */
  Trap = 13,
  Throw = 14,
  Call = 15,
  /** A label outside of a `try_table` that its handlers go to; stands before the block. */
  Handler = 16,
  /** Nothing: straight code that costs very much is cut into pieces. */
  Point = 17,
  /** A call that passes the counter on and gets it back. */
  PassingCall = 18,
  /** `br_table`, all but its last label; the last one is a `branchTable`. */
  BranchTableLabel = 19,
}

/** Numbers of an event in `FunctionFlow.rows`, by where they start there an event is known. */
export const EVENT_WIDTH: i32 = 8;

export const FLOW_KIND_MASK: i32 = 0x1f;
/** What costs have of the 32 bits: a function of 7 MiB, the most there may be, needs 24 with whatever costs more than 1 in it. */
export const FLOW_COST_SHIFT: i32 = 5;
export const BOUND_MASK: i32 = 0xffff;
export const LEAST_SHIFT: i32 = 16;

/** An event, laid over its numbers: side by side, so that one access brings all into the cache, and one look holds all to the array. */
@final
@unmanaged
export class FlowEvent {
  /** What is inserted before its instruction, and behind it: the event's two slots (insertions.ts). */
  before: Insertion;
  behind: Insertion;
  beforeValue: i32;
  behindValue: i32;
  /** Its FlowKind, with the cost of the straight code before it, its own instruction included, in the bits above. */
  kindAndCost: i32;
  /**
   * Number of the label that opens, ends or is branched to. Of a call that passes the counter, the bound on its cost, and above
   * LEAST_SHIFT what is paid ahead for the callee; both have ten bits.
   */
  arg: i32;
  /** Where the instruction stands. */
  offset: i32;
  /** What is added to the counter as it is pushed for a call or an exit. */
  pushed: i32;

  @inline
  get kind(): i32 {
    return this.kindAndCost & FLOW_KIND_MASK;
  }

  @inline
  get cost(): i32 {
    return this.kindAndCost >>> FLOW_COST_SHIFT;
  }

  /** Nothing is inserted. Values without a kind say nothing. */
  @inline
  clear(): void {
    this.before = Insertion.None;
    this.behind = Insertion.None;
    this.pushed = 0;
  }
}

/** The label that a branch to the end of the body, and that end, have. */
export const BODY: i32 = 0;

/** What is known of a label, as bits. */
export enum LabelTrait {
  Loop = 1,
  /** Of a loop: whether anything in it calls what knows nothing of the counter, or throws. */
  Calls = 2,
  /** Of a loop: it may take parameters. */
  Params = 4,
  /** Of an `if`: it has no `else`. */
  OneArm = 8,
  /** Of a block or an `if`: branches to it take no operands along. */
  Void = 16,
  /** How many branches lead to it: one, or two and more. */
  Branched = 32,
  BranchedTwice = 64,
  /** Of a loop: a handler leads to it, so that control arrives at its head by a way that nothing can be written on. */
  Handled = 128,
}
