import { EDIT, type EditKind, type EditList } from './edits.ts';

/**
 * The charges and checks of one function, as its edits hold them. One of them may be open: what is charged further on
 * in the same straight code becomes part of it, since a charge costs the same however much it is for.
 */
export class ChargeSlots {
  /** Whether anything counts in the local counter. */
  usesCounter = false;
  /** Whether there was a call since the straight code began, or the last check in it. */
  hasCall = false;
  readonly #edits: EditList;
  #openSlot = -1;
  #openAmount = 0;
  #openKind: EditKind = EDIT.none;
  #openIsChecked = false;
  #headSlot = -1;
  readonly #touched: number[] = [];
  readonly #pushed: number[] = [];

  constructor(edits: EditList) {
    this.#edits = edits;
  }

  get isOpen(): boolean {
    return this.#openSlot >= 0;
  }

  /** Whether the open charge, if there is one, goes to the local counter. */
  get isOpenLocal(): boolean {
    return this.#openKind === EDIT.localCharge || this.#openKind === EDIT.pushCounter;
  }

  /** Forgets what was placed, for another function or another pass. */
  reset(): void {
    this.#touched.length = 0;
    this.#pushed.length = 0;
    this.usesCounter = false;
    this.close(-1);
  }

  /** Takes back all that was placed since the last reset. */
  undo(): void {
    for (const slot of this.#touched) this.#edits.set(slot, EDIT.none, 0);
    for (const slot of this.#pushed) this.#edits.set(slot, EDIT.pushCounter, 0);
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
    if (this.#openSlot < 0 || (needsCheck && this.#openKind === EDIT.pushCounter)) {
      this.#openSlot = this.#headSlot < 0 ? slot : this.#headSlot;
      this.#openAmount = 0;
      this.#openIsChecked = false;
      this.#openKind = isLocal ? EDIT.localCharge : EDIT.charge;
    }
    this.#openAmount += amount;
    this.#openIsChecked ||= needsCheck;
    this.#write();
  }

  /** A charge of a kind of its own, which becomes the open one. */
  put(slot: number, kind: EditKind, amount: number, needsCheck: boolean): void {
    // What stands at the same place already becomes part of it.
    const isShared = this.#openSlot === slot;
    this.#openAmount = isShared ? this.#openAmount + amount : amount;
    this.#openIsChecked = needsCheck || (isShared && this.#openIsChecked);
    this.#openSlot = slot;
    this.#openKind = kind;
    this.#write();
  }

  /** An edit that is no charge. */
  set(slot: number, kind: EditKind, value: number): void {
    this.#edits.set(slot, kind, value);
    this.#touched.push(slot);
  }

  /** Adds to the counter as it is pushed, which takes half the code of a charge, and is the open one from here on. */
  chargeInPassing(pushSlot: number, amount: number): void {
    this.#pushed.push(pushSlot);
    this.#openSlot = pushSlot;
    this.#openAmount = amount;
    this.#openKind = EDIT.pushCounter;
    this.#openIsChecked = false;
    this.#write();
  }

  #write(): void {
    const kind = this.#openKind;
    if (kind === EDIT.pushCounter) {
      this.#edits.set(this.#openSlot, kind, this.#openAmount);
      return;
    }
    if (kind !== EDIT.charge) this.usesCounter = true;
    this.set(this.#openSlot, this.#openIsChecked ? checkedKind(kind) : kind, this.#openAmount);
  }
}

function checkedKind(kind: EditKind): EditKind {
  if (kind === EDIT.charge) return EDIT.chargeAndCheck;
  return kind === EDIT.localCharge ? EDIT.localChargeAndCheck : EDIT.settleAndCheck;
}
