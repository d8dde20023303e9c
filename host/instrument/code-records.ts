import type { FLOW } from './flow.ts';

/**
 * What a record of code-recorder.ts is about: what FLOW tells of that can be told before it is known which calls pass the counter,
 * and these. An instruction's index, where it has one, stands right behind its opcode. Its argument is given in brackets, what
 * follows in other words behind it. Spelled out, since numbers of a literal are constants to the compiler, and those of a spread are not.
 */
export const RECORD = {
  entry: 0,
  try: 1,
  loop: 2,
  if: 3,
  else: 4,
  catch: 5,
  end: 6,
  branch: 7,
  branchIf: 8,
  payingBranch: 9,
  /** [number of its labels but for the last one] A word for each of its labels. */
  branchTable: 10,
  leave: 11,
  tailCall: 12,
  trap: 13,
  throw: 14,
  call: 15,
  handler: 16,
  point: 17,
  /** A `branchIf` whose label does not stand behind its opcode. */
  castBranch: 18,
  /** A call of a function by its index [the index]. */
  directCall: 19,
  /** The same, and `return`, where control does not come. */
  deadCall: 20,
  deadReturn: 21,
  /** A use of the function's first declared local by a number of more than one byte; for others see local-uses.ts. */
  firstLocal: 22,
  /** Another index of a defined function, or of a defined global. */
  functionIndex: 23,
  globalIndex: 24,
  /** Something rare that is done to an instruction, as an edit [its kind]. A word: its value. */
  edit: 25,
  /** The start of a block that is no event. */
  block: 26,
  /** Adds the bits above its kind to the cost, the distance or the argument of the next record, which has no room for all of it. */
  moreCost: 27,
  moreDistance: 28,
  moreArgument: 29,
  /** How long the instruction of the next record is, in the bits above the kind, where it is not as long as usual. */
  oddLength: 30,
} as const satisfies Omit<typeof FLOW, 'passingCall' | 'branchTableLabel'> & Record<string, number>;

/** Records up to this kind are events of flow. */
export const LAST_EVENT: number = RECORD.directCall;

/**
 * Layout of a record, a word of 32 bits: its kind, the cost of the straight code before it, its own instruction included, its
 * distance in bytes from the record before, and an argument: of what opens, ends or leads to a block, the block's label. All fit in 97
 * of a hundred records. What is added to them needs 27 bits: no function costs more, or is longer.
 */
export const KIND_MASK = 0x1f;
export const KIND_BITS = 5;
export const COST_SHIFT = 5;
export const MAX_RECORD_COST = 0x1f;
export const DISTANCE_SHIFT = 10;
export const MAX_DISTANCE = 0x3f;
export const ARGUMENT_SHIFT = 16;
export const MAX_ARGUMENT = 0xffff;
