/** What control does at a point of a function. Everything between two of them is straight code. */
export const FLOW = {
  entry: 0,
  /** A legacy `try`. Other blocks begin without an event: control only passes. */
  try: 1,
  loop: 2,
  if: 3,
  else: 4,
  /** The handler of a legacy `try`. */
  catch: 5,
  end: 6,
  branch: 7,
  branchIf: 8,
  /** A `branchIf` that can pay on the way that is taken: it stands in a loop, and its label takes no operands. */
  payingBranch: 9,
  branchTable: 10,
  /** `return`, and a tail call, which leaves the frame behind. */
  leave: 11,
  tailCall: 12,
  /** `unreachable`. */
  trap: 13,
  throw: 14,
  call: 15,
  /** A label outside of a `try_table` that its handlers go to; stands before the block. */
  handler: 16,
  /** Nothing: straight code that costs very much is cut into pieces. */
  point: 17,
  /** A call that passes the counter on and gets it back. */
  passingCall: 18,
  /** `br_table`, all but its last label; the last one is a `branchTable`. */
  branchTableLabel: 19,
} as const;

/**
 * An event is known by where its numbers start in `FunctionFlow.rows`: they stand side by side, since for each array that is looked at
 * the engine tests anew what it is and how long, which takes longer than the look (decision 0050).
 */
export const EVENT_WIDTH = 8;
/** Numbers of an event: its FLOW, with the cost of the straight code before it, its own instruction included, in the bits above. */
export const KIND_AND_COST = 4;
/**
 * Number of the label that opens, ends or is branched to. Of a call that passes the counter, the bound on its cost, and above
 * LEAST_SHIFT what is paid ahead for the callee; both have ten bits.
 */
export const ARG = 5;
/** Where the instruction stands. */
export const OFFSET = 6;

export const FLOW_KIND_MASK = 0x1f;
/** What costs have of the 32 bits: a function of 7 MiB, the most there may be, needs 24 with whatever costs more than 1 in it. */
export const FLOW_COST_SHIFT = 5;
export const BOUND_MASK = 0xffff;
export const LEAST_SHIFT = 16;

/** The label that a branch to the end of the body, and that end, have. */
export const BODY = 0;

/** What is known of a label, as bits. */
export const LABEL_TRAIT = {
  loop: 1,
  /** Of a loop: whether anything in it calls what knows nothing of the counter, or throws. */
  calls: 2,
  /** Of a loop: it may take parameters. */
  params: 4,
  /** Of an `if`: it has no `else`. */
  oneArm: 8,
  /** Of a block or an `if`: branches to it take no operands along. */
  void: 16,
  /** How many branches lead to it: one, or two and more. */
  branched: 32,
  branchedTwice: 64,
} as const;
