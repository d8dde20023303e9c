const UNSET = 0x7fffffff;
const REFUSED = -UNSET;
/** What is kept of a label, behind what it is owed. */
const WIDTH = 5;
const SINCE = 1;
const CHECKED = 2;
const FLAGS = 3;
const UNPAID = 4;
const REACHED = 1;
const DIRTY = 2;

/**
 * What control brings along to the labels of one function, by the event that opens each label's block. Debts hold over
 * all passes; the rest is of one pass.
 */
export class LabelDebts {
  /** Whether a debt has changed since something relied on it: another pass is needed. */
  isChanged = false;
  /** Whether a label in dispute is owed nothing from now on: who arrives later in the same pass sees it. */
  isImpatient = false;
  /** Five numbers for each event, side by side, so that one access checks for all: what is owed, and of this pass the rest. */
  #labels = new Int32Array(1_024 * WIDTH);

  /** Starts with a function of `events` events. */
  enter(events: number): void {
    if (this.#labels.length < events * WIDTH)
      this.#labels = new Int32Array(2 ** Math.ceil(Math.log2(events)) * WIDTH);
    this.#labels.fill(UNSET, 0, events * WIDTH);
    this.startPass();
  }

  startPass(): void {
    this.isChanged = false;
  }

  /** A block opens that nothing has arrived at the label of. */
  open(event: number): void {
    const labels = this.#labels;
    const at = event * WIDTH;
    labels[at + SINCE] = 0;
    labels[at + CHECKED] = UNSET;
    labels[at + FLAGS] = 0;
    labels[at + UNPAID] = UNSET;
  }

  /** The least that any arrival has brought, in fuel that is not yet charged; negative where all pay ahead. */
  owed(event: number): number {
    return this.#labels[event * WIDTH]!;
  }

  isReached(event: number): boolean {
    return (this.#labels[event * WIDTH + FLAGS]! & REACHED) !== 0;
  }

  /** The greatest distance from a check. */
  since(event: number): number {
    return this.#labels[event * WIDTH + SINCE]!;
  }

  /** The least depth of loops that is checked. */
  checked(event: number): number {
    return this.#labels[event * WIDTH + CHECKED]!;
  }

  /** Whether the local counter may be in use. */
  isDirty(event: number): boolean {
    return (this.#labels[event * WIDTH + FLAGS]! & DIRTY) !== 0;
  }

  /** Of a loop's label, which nothing has arrived at. */
  setDirty(event: number, isDirty: boolean): void {
    this.#labels[event * WIDTH + FLAGS] = isDirty ? DIRTY : 0;
  }

  /** Returns what is owed then. */
  lower(event: number, pending: number): number {
    const labels = this.#labels;
    const at = event * WIDTH;
    const owed = labels[at]!;
    if (pending >= owed) return owed;
    labels[at] = pending;
    // The first arrival sets what is owed, which nothing has relied on yet unless the label is a loop's.
    if (owed !== UNSET) this.dispute(event);
    return labels[at]!;
  }

  /** An arrival that brings `pending` pays nothing of what comes before it, unless another brings less. */
  noteUnpaid(event: number, pending: number): void {
    const at = event * WIDTH + UNPAID;
    if (pending < this.#labels[at]!) this.#labels[at] = pending;
  }

  /** There is an arrival that should not pay: it goes elsewhere, too. */
  refusePrepayment(event: number): void {
    this.#labels[event * WIDTH + UNPAID] = REFUSED;
  }

  /** All have arrived: if each pays something anyway, it pays what is `ahead`, too, from the next pass on. */
  prepay(event: number, ahead: number): void {
    const at = event * WIDTH;
    if (this.#labels[at]! >= this.#labels[at + UNPAID]!) return;
    this.#labels[at] = -ahead;
    this.isChanged = true;
  }

  dispute(event: number): void {
    this.isChanged = true;
    if (this.isImpatient) this.#labels[event * WIDTH] = 0;
  }

  arrive(event: number, since: number, checked: number, isDirty: boolean): void {
    const labels = this.#labels;
    const at = event * WIDTH;
    if (since > labels[at + SINCE]!) labels[at + SINCE] = since;
    if (checked < labels[at + CHECKED]!) labels[at + CHECKED] = checked;
    labels[at + FLAGS]! |= isDirty ? REACHED | DIRTY : REACHED;
  }
}
