/** What is inserted before or behind an instruction. `value` is given in brackets. */
export enum Insertion {
  None = 0,
  /** Code that subtracts [units] from the fuel counter. */
  Charge = 1,
  /** The same, and the check that follows it. */
  ChargeAndCheck = 2,
  /** Code that adds [units] to the local counter. */
  LocalCharge = 3,
  /** The same, and the check that follows it. */
  LocalChargeAndCheck = 4,
  /** Code that subtracts the local counter and [units] from the fuel counter, and clears the former. */
  Settle = 5,
  SettleAndCheck = 6,
  /** The same where the function is left, without the clearing. */
  SettleAndLeave = 7,
  /** The start of a loop around the one that follows, and a check in it. */
  OpenChunks = 8,
  /** A branch to that check if it would find something, and code that adds [units] to the local counter. */
  ChunkCharge = 9,
  CloseChunks = 10,
  /** What stands before a counted loop, in its condition and behind it [number of the loop in the function]. */
  OpenCounted = 11,
  CountedCondition = 12,
  CloseCounted = 13,
  /** Nothing of its own: what is added to the counter as it is pushed [units]. Stands in no slot, but is what is `pushed`. */
  Push = 14,
  /** In place of a branch that goes on or not: one that adds [units] to the local counter if it goes. */
  PayingBranch = 15,
}

/** The slot behind an instruction. The one before it has its event's own number. */
export function slotBehind(event: i32): i32 {
  return event + 1;
}

/** From a slot to the value there, among the numbers of its event (flow.ts). */
export const SLOT_VALUE: i32 = 2;
