import type { FunctionFlow } from './function-flow.ts';
import type { InsertionKind } from './insertions.ts';
import * as inserted from './insertions.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { INSERTION, PUSHED, SLOT_VALUE } = inserted;

/**
 * The charges and checks of one function, as the rows of its flow hold them. One of them may be open: what is charged further on
 * in the same straight code becomes part of it, since a charge costs the same however much it is for.
 */
export class ChargeSlots {
  /** Whether anything counts in the local counter. */
  usesCounter = false;
  /** Whether there was a call since the straight code began, or the last check in it. */
  hasCall = false;
  readonly #flow: FunctionFlow;
  /** Its slot, or of what is added as the counter is pushed, its event. */
  #openSlot = -1;
  #openAmount = 0;
  #openKind: InsertionKind = INSERTION.none;
  #openIsChecked = false;
  #headSlot = -1;

  constructor(flow: FunctionFlow) {
    this.#flow = flow;
  }

  get isOpen(): boolean {
    return this.#openSlot >= 0;
  }

  /** Whether the open charge, if there is one, goes to the local counter. */
  get isOpenLocal(): boolean {
    return this.#openKind === INSERTION.localCharge || this.#openKind === INSERTION.push;
  }

  /** Starts with a function, or with another pass over it. */
  reset(): void {
    this.usesCounter = false;
    this.close(-1);
  }

  /** A merge or a fork: what is charged from here on cannot be part of an earlier charge, and stands at `headSlot`. */
  close(headSlot: number): void {
    this.#openSlot = -1;
    this.#headSlot = headSlot;
    this.hasCall = false;
  }

  /**
   * Charges at the open slot, if there is one, else where the straight code began: between a comparison and the
   * branch on it, a charge would make the engine keep the result in a register of its own.
   */
  charge(slot: number, amount: number, needsCheck: boolean, isLocal: boolean): void {
    // No check stands where the counter is pushed.
    if (this.#openSlot < 0 || (needsCheck && this.#openKind === INSERTION.push)) {
      this.#openSlot = this.#headSlot < 0 ? slot : this.#headSlot;
      this.#openAmount = 0;
      this.#openIsChecked = false;
      this.#openKind = isLocal ? INSERTION.localCharge : INSERTION.charge;
    }
    this.#openAmount += amount;
    this.#openIsChecked ||= needsCheck;
    this.#write();
  }

  /** Whether nothing stands at `slot`. */
  isFree(slot: number): boolean {
    return this.#flow.rows[slot] === INSERTION.none;
  }

  /** A charge of a kind of its own, which becomes the open one. */
  put(slot: number, kind: InsertionKind, amount: number, needsCheck: boolean): void {
    // What stands at the same place already becomes part of it.
    const isShared = this.#openSlot === slot && this.#openKind !== INSERTION.push;
    this.#openAmount = isShared ? this.#openAmount + amount : amount;
    this.#openIsChecked = needsCheck || (isShared && this.#openIsChecked);
    this.#openSlot = slot;
    this.#openKind = kind;
    this.#write();
  }

  /** An edit that is no charge. */
  set(slot: number, kind: InsertionKind, value: number): void {
    const { rows } = this.#flow;
    rows[slot] = kind;
    rows[slot + SLOT_VALUE] = value;
  }

  /** Adds to the counter as it is pushed, which takes half the code of a charge, and is the open one from here on. */
  chargeInPassing(event: number, amount: number): void {
    this.#openSlot = event;
    this.#openAmount = amount;
    this.#openKind = INSERTION.push;
    this.#openIsChecked = false;
    this.#write();
  }

  #write(): void {
    const kind = this.#openKind;
    if (kind === INSERTION.push) {
      this.#flow.rows[this.#openSlot + PUSHED] = this.#openAmount;
      return;
    }
    if (kind !== INSERTION.charge) this.usesCounter = true;
    this.set(this.#openSlot, this.#openIsChecked ? checkedKind(kind) : kind, this.#openAmount);
  }
}

function checkedKind(kind: InsertionKind): InsertionKind {
  if (kind === INSERTION.charge) return INSERTION.chargeAndCheck;
  return kind === INSERTION.localCharge ? INSERTION.localChargeAndCheck : INSERTION.settleAndCheck;
}
