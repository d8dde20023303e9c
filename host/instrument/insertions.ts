/** What is inserted before or behind an instruction. `value` is given in brackets. */
export const INSERTION = {
  none: 0,
  /** Code that subtracts [units] from the fuel counter. */
  charge: 1,
  /** The same, and the check that follows it. */
  chargeAndCheck: 2,
  /** Code that adds [units] to the local counter. */
  localCharge: 3,
  /** The same, and the check that follows it. */
  localChargeAndCheck: 4,
  /** Code that subtracts the local counter and [units] from the fuel counter, and clears the former. */
  settle: 5,
  settleAndCheck: 6,
  /** The same where the function is left, without the clearing. */
  settleAndLeave: 7,
  /** The start of a loop around the one that follows, and a check in it. */
  openChunks: 8,
  /** A branch to that check if it would find something, and code that adds [units] to the local counter. */
  chunkCharge: 9,
  closeChunks: 10,
  /** What stands before a counted loop, in its condition and behind it [number of the loop in the function]. */
  openCounted: 11,
  countedCondition: 12,
  closeCounted: 13,
  /** Nothing of its own: what is added to the counter as it is pushed [units]. Stands in no slot, see PUSHED. */
  push: 14,
  /** In place of a branch that goes on or not: one that adds [units] to the local counter if it goes. */
  payingBranch: 15,
} as const;

export type InsertionKind = (typeof INSERTION)[keyof typeof INSERTION];

/**
 * Where the kinds of what is inserted before and behind an instruction stand among the numbers of its event (flow.ts), its two
 * slots. The former has the event's own number.
 */
export function slotBehind(event: number): number {
  return event + 1;
}

/** From a slot to the value there. */
export const SLOT_VALUE = 2;
/** Of an event: what is added to the counter as it is pushed for a call or an exit. */
export const PUSHED = 7;

/** Nothing is inserted at an event. Values without a kind say nothing. */
export function clearRow(rows: Int32Array, event: number): void {
  rows[event] = INSERTION.none;
  rows[slotBehind(event)] = INSERTION.none;
  rows[event + PUSHED] = 0;
}
