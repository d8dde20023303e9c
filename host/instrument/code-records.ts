import { FLOW } from './flow.ts';

/**
 * What a record of code-recorder.ts is about: what FLOW tells of, and these. An instruction's index, where it has one, stands
 * right behind its opcode.
 */
const { payingBranch: _, ...RECORDED } = FLOW;
export const RECORD = {
  ...RECORDED,
  /** A branch that is taken or not whose label does not stand behind its opcode [two words: the label, its length]. */
  castBranch: 19,
  /** A call of a function by its index. */
  directCall: 20,
  /** The same, and `return`, where control does not come. */
  deadCall: 21,
  deadReturn: 22,
  /** A use of the function's first declared local. */
  firstLocal: 23,
  /** Another index of a defined function, or of a defined global. */
  functionIndex: 24,
  globalIndex: 25,
  /** Something rare that is done to an instruction, as an edit [two words: its kind, its value]. */
  edit: 26,
  /** The start of a block that is no event. */
  block: 27,
  /** Adds to the cost, or the distance, of the next record what one has no room for, in the bits above the kind. */
  moreCost: 28,
  moreDistance: 29,
} as const;

/** Records up to this kind are events of flow. */
export const LAST_EVENT: number = RECORD.directCall;

/**
 * Layout of a record: its kind, whether another word belongs to it, the cost of the straight code before it, its own
 * instruction included, and its distance in bytes from the record before.
 */
export const KIND_MASK = 0x1f;
export const KIND_BITS = 5;
/** The word behind says how long the instruction is, where that is odd; of a handler, which label it is. */
export const IS_WIDE = 0x20;
export const COST_SHIFT = 6;
export const MAX_RECORD_COST = 0x3ff;
export const DISTANCE_SHIFT = 16;
export const MAX_DISTANCE = 0xffff;
