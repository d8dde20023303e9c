const UNSET = 0x7fffffff;
const REFUSED = -UNSET;

/**
 * What control brings along to the labels of one function, by the event that opens each label's block. Debts hold over
 * all passes; the rest is of one pass.
 */
export class LabelDebts {
  /** Whether a debt has changed since something relied on it: another pass is needed. */
  isChanged = false;
  /** Whether a label in dispute is owed nothing from now on: who arrives later in the same pass sees it. */
  isImpatient = false;
  #owed = new Int32Array(1_024);
  #since = new Int32Array(1_024);
  #checked = new Int32Array(1_024);
  #dirty = new Uint8Array(1_024);
  #reached = new Uint8Array(1_024);
  #unpaid = new Int32Array(1_024);

  /** Starts with a function of `events` events. */
  enter(events: number): void {
    if (this.#owed.length < events) this.#grow(2 ** Math.ceil(Math.log2(events)));
    this.#owed.fill(UNSET, 0, events);
    this.startPass();
  }

  startPass(): void {
    this.isChanged = false;
  }

  /** A block opens that nothing has arrived at the label of. */
  open(event: number): void {
    this.#since[event] = 0;
    this.#checked[event] = UNSET;
    this.#dirty[event] = 0;
    this.#reached[event] = 0;
    this.#unpaid[event] = UNSET;
  }

  /** The least that any arrival has brought, in fuel that is not yet charged; negative where all pay ahead. */
  owed(event: number): number {
    return this.#owed[event]!;
  }

  isReached(event: number): boolean {
    return this.#reached[event] === 1;
  }

  /** The greatest distance from a check. */
  since(event: number): number {
    return this.#since[event]!;
  }

  /** The least depth of loops that is checked. */
  checked(event: number): number {
    return this.#checked[event]!;
  }

  /** Whether the local counter may be in use. */
  isDirty(event: number): boolean {
    return this.#dirty[event] === 1;
  }

  setDirty(event: number, isDirty: boolean): void {
    this.#dirty[event] = isDirty ? 1 : 0;
  }

  lower(event: number, pending: number): void {
    if (pending >= this.#owed[event]!) return;
    // The first arrival sets what is owed, which nothing has relied on yet unless the label is a loop's.
    const isFirst = this.#owed[event] === UNSET;
    this.#owed[event] = pending;
    if (!isFirst) this.dispute(event);
  }

  /** An arrival that brings `pending` pays nothing of what comes before it, unless another brings less. */
  noteUnpaid(event: number, pending: number): void {
    if (pending < this.#unpaid[event]!) this.#unpaid[event] = pending;
  }

  /** There is an arrival that should not pay: it goes elsewhere, too. */
  refusePrepayment(event: number): void {
    this.#unpaid[event] = REFUSED;
  }

  /** All have arrived: if each pays something anyway, it pays what is `ahead`, too, from the next pass on. */
  prepay(event: number, ahead: number): void {
    if (this.#owed[event]! >= this.#unpaid[event]!) return;
    this.#owed[event] = -ahead;
    this.isChanged = true;
  }

  dispute(event: number): void {
    this.isChanged = true;
    if (this.isImpatient) this.#owed[event] = 0;
  }

  arrive(event: number, since: number, checked: number, isDirty: boolean): void {
    this.#reached[event] = 1;
    if (since > this.#since[event]!) this.#since[event] = since;
    if (checked < this.#checked[event]!) this.#checked[event] = checked;
    if (isDirty) this.#dirty[event] = 1;
  }

  #grow(size: number): void {
    this.#owed = new Int32Array(size);
    this.#since = new Int32Array(size);
    this.#checked = new Int32Array(size);
    this.#dirty = new Uint8Array(size);
    this.#reached = new Uint8Array(size);
    this.#unpaid = new Int32Array(size);
  }
}
