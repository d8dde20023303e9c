import { CALL_SHARE, CHECK_INTERVAL } from '../cost-model.ts';
import { ChargeSlots } from './charge-slots.ts';
import { broken } from './failure.ts';
import { Insertion, slotBehind } from './insertions.ts';

/**
 * What the code up to a point of a function owes, and the charges and checks that this leads to. Of the invariants of
 * placement.ts, those on calls and on the distance from a check are kept here.
 */
@final
export class PathAccount {
  /** Executed, but not charged yet. */
  pending: i32 = 0;
  /** The most that was executed in this function since the last check. */
  since: i32 = 0;
  /** The depth of loops up to which there was a check since their heads; -1: not even since the entry. */
  checked: i32 = -1;
  /** Whether the local counter may be other than zero. */
  isDirty: bool = false;
  /** Control does not come here. */
  isDead: bool = false;
  loopDepth: i32 = 0;
  /** Whether charges go to the local counter. */
  isLocal: bool = false;
  /** Whether the function takes the counter and gives it back. */
  isPassing: bool = false;
  /** Calls that had to be checked themselves. */
  callChecks: i32 = 0;
  private readonly slots: ChargeSlots;

  constructor(slots: ChargeSlots) {
    this.slots = slots;
  }

  /** At the entry of a function that `prepaid` has been charged for. */
  enter(isPassing: bool, prepaid: i32): void {
    this.isPassing = isPassing;
    this.pending = 0 - prepaid;
    this.since = 0;
    this.checked = -1;
    this.isDirty = isPassing;
    this.isDead = false;
    this.loopDepth = 0;
    this.callChecks = 0;
  }

  /** Straight code of `cost` up to an instruction before which `slot` stands. */
  pass(cost: i32, slot: i32): void {
    this.pending += cost;
    this.since += cost;
    if (this.since <= CHECK_INTERVAL) return;
    // A long stretch is charged and checked before it is executed, but not before the calls in it, whose cost is not known.
    if (this.slots.hasCall) this.slots.close(slot);
    const amount = max(0, this.pending);
    this.charge(slot, amount, true);
    this.pending -= amount;
  }

  /**
   * A call that is known to cost no more than `bound` is like that much straight code, where there was no check since the
   * entry; other calls need one. What the callee is certain to cost, `least`, is charged here.
   */
  passingCall(event: i32, bound: i32, least: i32): void {
    this.requirePaidUp();
    this.pending += least;
    const isStraight = bound > 0 && this.checked < 0 && this.since + bound <= CHECK_INTERVAL;
    const isLate = this.checked >= 0 && this.isRowOver();
    const needsCheck = (this.checked < 0 && !isStraight) || isLate;
    if (this.checked < 0 && needsCheck) this.callChecks++;
    if (isLate) this.slots.close(event);
    if (needsCheck || this.slots.isOpen) this.charge(event, this.pending, needsCheck);
    else this.slots.chargeInPassing(event, this.pending);
    this.pending = 0;
    if (!isStraight) {
      this.noteCall();
      return;
    }
    this.since += bound;
    // A check on what follows would be no check on what the call costs, if it stood before it.
    this.slots.close(slotBehind(event));
  }

  /** A call that does not take the counter. What is in it goes to the account, and so has to be looked at there (invariant 6). */
  call(slot: i32): void {
    if (this.isDead) return;
    this.requirePaidUp();
    const needsCheck = this.checked < 0 || this.isRowOver();
    if (this.checked < 0) this.callChecks++;
    if (this.isDirty) this.put(slot, Insertion.Settle, this.pending, true);
    else this.chargeGlobally(slot, this.pending, needsCheck);
    this.pending = 0;
    this.isDirty = false;
    this.noteCall();
  }

  private noteCall(): void {
    this.since += CALL_SHARE;
    this.slots.hasCall = true;
  }

  /** Whether the next call would be one too many since the last check. */
  private isRowOver(): bool {
    return this.since + CALL_SHARE > CHECK_INTERVAL;
  }

  /** Leaves the function at `event`; `pushes` if the counter, where it is passed on, is pushed there and nowhere else. */
  leave(event: i32, pushes: bool): void {
    if (!this.isDead) {
      this.requirePaidUp();
      if (this.isPassing) {
        if (!this.slots.isOpen && pushes) this.slots.chargeInPassing(event, this.pending);
        else if (this.pending > 0) this.charge(event, this.pending, false);
      } else if (this.isDirty) this.put(event, Insertion.SettleAndLeave, this.pending, false);
      else if (this.pending > 0) this.chargeGlobally(event, this.pending);
    }
    this.isDead = true;
  }

  /** Something is thrown. Nothing is pending afterwards, and nothing in the local counter (invariant 6). */
  throw(slot: i32): void {
    if (this.isDead) return;
    if (this.isDirty) this.put(slot, Insertion.Settle, this.pending, true);
    else if (this.pending > 0 || this.isLocal) this.chargeGlobally(slot, this.pending, this.isLocal);
    this.isDirty = false;
    this.pending = 0;
    this.isDead = true;
  }

  /** The function is left by a branch. Nothing is pending afterwards, and nothing in the local counter. */
  settle(slot: i32): void {
    if (this.isDirty) {
      this.put(slot, Insertion.Settle, this.pending, false);
      this.isDirty = false;
    } else if (this.pending > 0) this.chargeGlobally(slot, this.pending);
    this.pending = 0;
  }

  /** Nothing is pending afterwards; the counter may hold something. */
  payAll(slot: i32): void {
    this.requirePaidUp();
    if (this.pending > 0) this.charge(slot, this.pending, false);
    this.pending = 0;
  }

  private requirePaidUp(): void {
    if (this.pending < 0) broken('PathAccount: more was paid ahead than this way costs');
  }

  /** A charge that must not go to the local counter. */
  chargeGlobally(slot: i32, amount: i32, needsCheck: bool = false): void {
    const needsOwn = !this.slots.isOpen || this.slots.isOpenLocal;
    if (needsOwn) this.put(slot, Insertion.Charge, amount, needsCheck);
    else this.charge(slot, amount, needsCheck);
  }

  charge(slot: i32, amount: i32, needsCheck: bool): void {
    this.slots.charge(slot, amount, needsCheck, this.isLocal);
    if (this.slots.isOpenLocal) this.isDirty = true;
    if (needsCheck) this.noteCheck();
  }

  put(slot: i32, kind: i32, amount: i32, needsCheck: bool): void {
    this.slots.put(slot, kind, amount, needsCheck);
    if (needsCheck) this.noteCheck();
  }

  noteCheck(): void {
    this.since = 0;
    this.checked = this.loopDepth;
  }
}
