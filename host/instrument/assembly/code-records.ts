/**
 * What a record of code-recorder.ts is about: what FlowKind tells of that can be told before it is known which calls pass the counter,
 * and these. An instruction's index, where it has one, stands right behind its opcode. Its argument is given in brackets, what
 * follows in other words behind it. Spelled out, since numbers of a literal are constants to the compiler, and those of a spread are not.
 */
export enum RecordKind {
  Entry = 0,
  Try = 1,
  Loop = 2,
  If = 3,
  Else = 4,
  Catch = 5,
  End = 6,
  Branch = 7,
  BranchIf = 8,
  PayingBranch = 9,
  /** [number of its labels but for the last one] A word for each of its labels. */
  BranchTable = 10,
  Leave = 11,
  TailCall = 12,
  Trap = 13,
  Throw = 14,
  Call = 15,
  Handler = 16,
  Point = 17,
  /** A `branchIf` whose label does not stand behind its opcode. */
  CastBranch = 18,
  /** A call of a function by its index [the index]. */
  DirectCall = 19,
  /** The same, and `return`, where control does not come. */
  DeadCall = 20,
  DeadReturn = 21,
  /** A use of the function's first declared local by a number of more than one byte; for others see local-uses.ts. */
  FirstLocal = 22,
  /** Another index of a defined function, or of a defined global. */
  FunctionIndex = 23,
  GlobalIndex = 24,
  /** Something rare that is done to an instruction, as an edit [its kind]. A word: its value. */
  Edit = 25,
  /** The start of a block that is no event. */
  Block = 26,
  /** Adds the bits above its kind to the cost, the distance or the argument of the next record, which has no room for all of it. */
  MoreCost = 27,
  MoreDistance = 28,
  MoreArgument = 29,
  /** How long the instruction of the next record is, in the bits above the kind, where it is not as long as usual. */
  OddLength = 30,
}

/** Records up to this kind are events of flow. */
export const LAST_EVENT: i32 = RecordKind.DirectCall;
