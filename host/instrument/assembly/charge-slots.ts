import { FunctionFlow } from './function-flow.ts';
import { Insertion, SLOT_VALUE } from './insertions.ts';

/**
 * The charges and checks of one function, as the rows of its flow hold them. One of them may be open: what is charged further on
 * in the same straight code becomes part of it, since a charge costs the same however much it is for.
 */
@final
export class ChargeSlots {
  /** Whether anything counts in the local counter. */
  usesCounter: bool = false;
  /** Whether there was a call since the straight code began, or the last check in it. */
  hasCall: bool = false;
  private readonly flow: FunctionFlow;
  /** Its slot, or of what is added as the counter is pushed, its event. */
  private openSlot: i32 = -1;
  private openAmount: i32 = 0;
  private openKind: i32 = Insertion.None;
  private openIsChecked: bool = false;
  private headSlot: i32 = -1;

  constructor(flow: FunctionFlow) {
    this.flow = flow;
  }

  get isOpen(): bool {
    return this.openSlot >= 0;
  }

  /** Whether the open charge, if there is one, goes to the local counter. */
  get isOpenLocal(): bool {
    return this.openKind === Insertion.LocalCharge || this.openKind === Insertion.Push;
  }

  /** Starts with a function, or with another pass over it. */
  reset(): void {
    this.usesCounter = false;
    this.close(-1);
  }

  /** A merge or a fork: what is charged from here on cannot be part of an earlier charge, and stands at `headSlot`. */
  close(headSlot: i32): void {
    this.openSlot = -1;
    this.headSlot = headSlot;
    this.hasCall = false;
  }

  /**
   * Charges at the open slot, if there is one, else where the straight code began: between a comparison and the
   * branch on it, a charge would make the engine keep the result in a register of its own.
   */
  charge(slot: i32, amount: i32, needsCheck: bool, isLocal: bool): void {
    // No check stands where the counter is pushed.
    if (this.openSlot < 0 || (needsCheck && this.openKind === Insertion.Push)) {
      this.openSlot = this.headSlot < 0 ? slot : this.headSlot;
      this.openAmount = 0;
      this.openIsChecked = false;
      this.openKind = isLocal ? Insertion.LocalCharge : Insertion.Charge;
    }
    this.openAmount += amount;
    this.openIsChecked = this.openIsChecked || needsCheck;
    this.write();
  }

  /** Whether nothing stands at `slot`. */
  isFree(slot: i32): bool {
    return this.flow.rows[slot] === Insertion.None;
  }

  /** A charge of a kind of its own, which becomes the open one. */
  put(slot: i32, kind: i32, amount: i32, needsCheck: bool): void {
    // What stands at the same place already becomes part of it.
    const isShared = this.openSlot === slot && this.openKind !== Insertion.Push;
    this.openAmount = isShared ? this.openAmount + amount : amount;
    this.openIsChecked = needsCheck || (isShared && this.openIsChecked);
    this.openSlot = slot;
    this.openKind = kind;
    this.write();
  }

  /** An edit that is no charge. */
  set(slot: i32, kind: i32, value: i32): void {
    const rows = this.flow.rows;
    rows[slot] = kind;
    rows[slot + SLOT_VALUE] = value;
  }

  /** Adds to the counter as it is pushed, which takes half the code of a charge, and is the open one from here on. */
  chargeInPassing(event: i32, amount: i32): void {
    this.openSlot = event;
    this.openAmount = amount;
    this.openKind = Insertion.Push;
    this.openIsChecked = false;
    this.write();
  }

  private write(): void {
    const kind = this.openKind;
    if (kind === Insertion.Push) {
      this.flow.at(this.openSlot).pushed = this.openAmount;
      return;
    }
    if (kind !== Insertion.Charge) this.usesCounter = true;
    this.set(this.openSlot, this.openIsChecked ? checkedKind(kind) : kind, this.openAmount);
  }
}

function checkedKind(kind: i32): i32 {
  if (kind === Insertion.Charge) return Insertion.ChargeAndCheck;
  return kind === Insertion.LocalCharge ? Insertion.LocalChargeAndCheck : Insertion.SettleAndCheck;
}
