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
  /** Nothing of its own: what is added to the counter as it is pushed [units]. Stands in no slot, see `pushed`. */
  push: 14,
  /** In place of a branch that goes on or not: one that adds [units] to the local counter if it goes. */
  payingBranch: 15,
} as const;

export type InsertionKind = (typeof INSERTION)[keyof typeof INSERTION];

/** The slot before the instruction of an event, and the one behind it, where the kind has one. */
export function slotBefore(event: number): number {
  return event * 2;
}

export function slotBehind(event: number): number {
  return event * 2 + 1;
}

/** What placement inserts into one function, by the events of its flow: plain data for the writer. */
export class Insertions {
  /** By slot. */
  kinds: Uint8Array = new Uint8Array(2_048);
  /** The same by event, of both slots at once: 0 if nothing is inserted. */
  pairs: Uint16Array = new Uint16Array(this.kinds.buffer);
  values: Int32Array = new Int32Array(2_048);
  /** By event: what is added to the counter as it is pushed for a call or an exit. */
  pushed: Int32Array = new Int32Array(1_024);

  /** Takes back everything, in a function of `events` events. */
  clear(events: number): void {
    if (events > this.pushed.length) {
      this.kinds = new Uint8Array(events * 4);
      this.pairs = new Uint16Array(this.kinds.buffer);
      this.values = new Int32Array(events * 4);
      this.pushed = new Int32Array(events * 2);
      return;
    }
    // Values without a kind say nothing. A function has 80 events in the mean, for which two calls of `fill` take longer.
    const { pairs, pushed } = this;
    for (let event = 0; event < events; event++) {
      pairs[event] = 0;
      pushed[event] = 0;
    }
  }

  set(slot: number, kind: InsertionKind, value: number): void {
    this.kinds[slot] = kind;
    this.values[slot] = value;
  }
}
