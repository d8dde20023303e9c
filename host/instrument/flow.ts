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
  /** `br_table`, all but its last label; the last one is a `branchTable`. */
  branchTableLabel: 9,
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
  /** A call that passes the counter on and gets it back. */
  passingCall: 17,
  /** Nothing: straight code that costs very much is cut into pieces. */
  point: 18,
  /** A `branchIf` that can pay on the way that is taken: its label takes no operands. Told from the others by function-flow.ts. */
  payingBranch: 21,
} as const;

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
} as const;
