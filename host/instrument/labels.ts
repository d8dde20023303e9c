import * as flows from './flow.ts';
import type { FunctionFlow } from './function-flow.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { BODY, EVENT_WIDTH, FLOW, LABEL_TRAIT } = flows;

/** More than any path costs, and so that a path's cost can be added. */
export const UNSET: number = 2 ** 30;
/** Numbers for each label, side by side, so that one access brings all into the cache; as a shift. */
const WIDTH_SHIFT = 3;
const SINCE = 0;
const CHECKED = 1;
const FLAGS = 2;
/** Of a loop, how many loops are around its inside, itself included; of an `if`, the path at its test. */
const LOOPS = 3;
const TEST_PENDING = 3;
const TEST_SINCE = 4;
const TEST_CHECKED = 5;
/** Of FLAGS. */
const REACHED = 1;
const DIRTY = 2;
const WAS_DEAD = 4;
const TEST_DIRTY = 8;

/**
 * What control brings along to the labels of one function, by their numbers, and where it was at the tests of its `if`s. Debts
 * hold over all walks; the rest is of one walk.
 */
export class Labels {
  /** Whether a debt has changed since something relied on it: another walk is needed. */
  isChanged = false;
  #count = 0;
  #traits: Uint8Array = new Uint8Array(0);
  /** The least that any arrival has brought, in fuel that is not yet charged; negative where all pay ahead. */
  debts = new Int32Array(256);
  #numbers = new Int32Array(256 << WIDTH_SHIFT);

  /** Starts with the function that `flow` holds. */
  enter(flow: FunctionFlow): void {
    this.#count = flow.labels;
    this.#traits = flow.traits;
    if (this.debts.length < flow.labels) {
      this.debts = new Int32Array(flow.labels * 2);
      this.#numbers = new Int32Array(flow.labels << (WIDTH_SHIFT + 1));
    }
    this.forget();
  }

  /** Nothing is known of debts, but that none is left at the end of the body. */
  forget(): void {
    const { debts } = this;
    // Of 20 labels in the mean: calling `fill` takes longer.
    for (let label = 0; label < this.#count; label++) debts[label] = UNSET;
    debts[BODY] = 0;
  }

  /** Nothing has arrived at any label. */
  startWalk(): void {
    this.isChanged = false;
    const numbers = this.#numbers;
    const length = this.#count << WIDTH_SHIFT;
    for (let at = 0; at < length; at += 1 << WIDTH_SHIFT) {
      numbers[at + SINCE] = 0;
      numbers[at + CHECKED] = UNSET;
      numbers[at + FLAGS] = 0;
    }
  }

  /** Nothing is owed at any label from now on, nor paid ahead, so that none can come to be in dispute. */
  remit(): void {
    this.debts.fill(0, 0, this.#count);
  }

  isLoop(label: number): boolean {
    return (this.#traits[label]! & LABEL_TRAIT.loop) !== 0;
  }

  owed(label: number): number {
    return this.debts[label]!;
  }

  isReached(label: number): boolean {
    return (this.#numbers[(label << WIDTH_SHIFT) + FLAGS]! & REACHED) !== 0;
  }

  /** The greatest distance from a check. */
  since(label: number): number {
    return this.#numbers[(label << WIDTH_SHIFT) + SINCE]!;
  }

  /** The least depth of loops that is checked. */
  checked(label: number): number {
    return this.#numbers[(label << WIDTH_SHIFT) + CHECKED]!;
  }

  /** Whether the local counter may be in use. */
  isDirty(label: number): boolean {
    return (this.#numbers[(label << WIDTH_SHIFT) + FLAGS]! & DIRTY) !== 0;
  }

  /** Control comes to the head of a loop, as the `loops`th one inside each other. */
  openLoop(label: number, loops: number, isDirty: boolean): void {
    const at = label << WIDTH_SHIFT;
    this.#numbers[at + LOOPS] = loops;
    this.#numbers[at + FLAGS] = isDirty ? DIRTY : 0;
  }

  loops(label: number): number {
    return this.#numbers[(label << WIDTH_SHIFT) + LOOPS]!;
  }

  /** The start of a block with a second arm or a handler, where control does not come. */
  openDead(label: number): void {
    this.#numbers[(label << WIDTH_SHIFT) + FLAGS] = WAS_DEAD;
  }

  wasDead(label: number): boolean {
    return (this.#numbers[(label << WIDTH_SHIFT) + FLAGS]! & WAS_DEAD) !== 0;
  }

  /** The path at the test of an `if`, for its other arm. */
  openArm(label: number, pending: number, since: number, checked: number, isDirty: boolean): void {
    const numbers = this.#numbers;
    const at = label << WIDTH_SHIFT;
    if (isDirty) numbers[at + FLAGS]! |= TEST_DIRTY;
    numbers[at + TEST_PENDING] = pending;
    numbers[at + TEST_SINCE] = since;
    numbers[at + TEST_CHECKED] = checked;
  }

  /** Whether control may come to its end from the test. */
  hasOneArm(label: number): boolean {
    return (this.#traits[label]! & LABEL_TRAIT.oneArm) !== 0;
  }

  testPending(label: number): number {
    return this.#numbers[(label << WIDTH_SHIFT) + TEST_PENDING]!;
  }

  testSince(label: number): number {
    return this.#numbers[(label << WIDTH_SHIFT) + TEST_SINCE]!;
  }

  testChecked(label: number): number {
    return this.#numbers[(label << WIDTH_SHIFT) + TEST_CHECKED]!;
  }

  testDirty(label: number): boolean {
    return (this.#numbers[(label << WIDTH_SHIFT) + FLAGS]! & TEST_DIRTY) !== 0;
  }

  /** Control arrives with `pending`. Returns what is owed then, which may be less. */
  lower(label: number, pending: number): number {
    const { debts } = this;
    const owed = debts[label]!;
    if (pending >= owed) return owed;
    debts[label] = pending;
    // The first arrival sets what is owed, which nothing has relied on yet unless the label is a loop's.
    if (owed !== UNSET) this.dispute(label);
    return debts[label]!;
  }

  /**
   * Control goes to one of the labels of the `br_table` that starts with the event `from`: all are owed the same then, since one
   * charge serves all. Returns its last event.
   */
  lowerAll(flow: FunctionFlow, from: number, pending: number): number {
    let to = from;
    let least = Math.min(pending, this.debts[flow.argOf(to)]!);
    while (flow.kindOf(to) === FLOW.branchTableLabel) {
      to += EVENT_WIDTH;
      least = Math.min(least, this.debts[flow.argOf(to)]!);
    }
    for (let event = from; event <= to; event += EVENT_WIDTH) {
      const label = flow.argOf(event);
      if (label !== BODY) this.lower(label, least);
    }
    return to;
  }

  /**
   * Something relied on what is owed at a label, and another arrival brings less: from now on nothing is owed there, which
   * who arrives later in the same walk sees already.
   */
  dispute(label: number): void {
    this.isChanged = true;
    if (this.debts[label]! > 0) this.debts[label] = 0;
  }

  arrive(label: number, since: number, checked: number, isDirty: boolean): void {
    const numbers = this.#numbers;
    const at = label << WIDTH_SHIFT;
    // Without branches, which the machine cannot foresee.
    numbers[at + SINCE] = Math.max(since | 0, numbers[at + SINCE]!);
    numbers[at + CHECKED] = Math.min(checked | 0, numbers[at + CHECKED]!);
    numbers[at + FLAGS]! |= isDirty ? REACHED | DIRTY : REACHED;
  }

  /** The arm that is not there: control arrives from the test, where nothing can be charged. */
  arriveFromTest(label: number): void {
    const pending = this.testPending(label);
    if (pending > this.lower(label, pending)) this.dispute(label);
    this.arrive(label, this.testSince(label), this.testChecked(label), this.testDirty(label));
  }
}
