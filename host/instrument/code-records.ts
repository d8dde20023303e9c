import type { FLOW } from './flow.ts';

/**
 * What a record of code-recorder.ts is about: what FLOW tells of, and these. An instruction's index, where it has one, stands
 * right behind its opcode. Spelled out, since numbers of a literal are constants to the compiler, and those of a spread are not.
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
  branchTableLabel: 9,
  branchTable: 10,
  leave: 11,
  tailCall: 12,
  trap: 13,
  throw: 14,
  call: 15,
  handler: 16,
  passingCall: 17,
  point: 18,
  /** A branch that is taken or not whose label does not stand behind its opcode [two words: the label]. */
  castBranch: 19,
  /** A call of a function by its index. */
  directCall: 20,
  /** The same, and `return`, where control does not come. */
  deadCall: 21,
  deadReturn: 22,
  /** A use of the function's first declared local by a number of more than one byte; for others see local-uses.ts. */
  firstLocal: 23,
  /** Another index of a defined function, or of a defined global. */
  functionIndex: 24,
  globalIndex: 25,
  /** Something rare that is done to an instruction, as an edit [a word: its kind; two: its value]. */
  edit: 26,
  /** The start of a block that is no event. */
  block: 27,
  /** Adds to the cost, or the distance, of the next record what that has no room for: see {@link moreOf}. */
  moreCost: 28,
  moreDistance: 29,
  /** How long the instruction of the next record is, in the bits above the kind, where it is not as long as usual. */
  oddLength: 30,
} as const satisfies Omit<typeof FLOW, 'payingBranch'> & Record<string, number>;

/** Records up to this kind are events of flow. */
export const LAST_EVENT: number = RECORD.directCall;

/**
 * Layout of a record, a word of 16 bits: its kind, the cost of the straight code before it, its own instruction included, and
 * its distance in bytes from the record before. Both fit in 99 of a hundred records.
 */
export const KIND_MASK = 0x1f;
export const KIND_BITS = 5;
export const COST_SHIFT = 5;
export const MAX_RECORD_COST = 0x1f;
export const DISTANCE_SHIFT = 10;
export const MAX_DISTANCE = 0x3f;
export const WORD_BITS = 16;

/** What the `moreCost` or `moreDistance` at `at` adds, by that word and the one behind it: no function is longer than 2^27. */
export function moreOf(words: Uint16Array, at: number): number {
  return (words[at]! >>> KIND_BITS) | (words[at + 1]! << (WORD_BITS - KIND_BITS));
}

/** An integer of 32 bits, as a `handler` has one for its label, that takes the two words from `at` on. */
export function wordPair(words: Uint16Array, at: number): number {
  return words[at]! | (words[at + 1]! << WORD_BITS);
}
