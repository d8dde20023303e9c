import { Bytes, Ints } from './arrays.ts';
import { BODY, EVENT_WIDTH, FlowKind, LabelTrait } from './flow.ts';
import { FunctionFlow } from './function-flow.ts';

/** More than any path costs, and so that a path's cost can be added. */
export const UNSET: i32 = 1 << 30;
/** Of `flags`. */
const REACHED = 1;
const DIRTY = 2;
const WAS_DEAD = 4;
const TEST_DIRTY = 8;
/** Numbers of a LabelState, as a shift. */
const STATE_SHIFT = 3;

/** What a walk has brought to a label, side by side, so that one access brings all into the cache. */
@unmanaged
class LabelState {
  /** The greatest distance from a check. */
  since: i32 = 0;
  /** The least depth of loops that is checked. */
  checked: i32 = 0;
  flags: i32 = 0;
  /** Of a loop: how many are around its inside, itself included. */
  loops: i32 = 0;
  /** Of an `if`: the path at its test. */
  testPending: i32 = 0;
  testSince: i32 = 0;
  testChecked: i32 = 0;
}

/**
 * What control brings along to the labels of one function, by their numbers, and where it was at the tests of its `if`s. Debts
 * hold over all walks; the rest is of one walk.
 */
@final
export class Labels {
  /** Whether a debt has changed since something relied on it: another walk is needed. */
  isChanged: bool = false;
  private count: i32 = 0;
  private traits: Bytes;
  /** The least that any arrival has brought, in fuel that is not yet charged; negative where all pay ahead. */
  debts: Ints = Ints.of(256);
  private states: Ints = Ints.of(256 << STATE_SHIFT);

  constructor(flow: FunctionFlow) {
    this.traits = flow.traits;
  }

  /** Starts with the function that `flow` holds. */
  enter(flow: FunctionFlow): void {
    this.count = flow.labels;
    this.traits = flow.traits;
    if (this.debts.length < flow.labels) {
      const room = max(flow.labels, this.debts.length * 2);
      this.debts = Ints.of(room);
      this.states = Ints.of(room << STATE_SHIFT);
    }
  }

  /** Nothing is known of debts, but that none is left at the end of the body. */
  forget(): void {
    this.fillDebts(UNSET);
    this.debts[BODY] = 0;
  }

  /** Nothing has arrived at any label. */
  startWalk(): void {
    this.isChanged = false;
    for (let label = 0; label < this.count; label++) {
      const state = this.stateOf(label);
      state.since = 0;
      state.checked = UNSET;
      state.flags = 0;
    }
  }

  /** Nothing is owed at any label from now on, nor paid ahead, so that none can come to be in dispute. */
  remit(): void {
    this.fillDebts(0);
  }

  isLoop(label: i32): bool {
    return (this.traits[label] & LabelTrait.Loop) !== 0;
  }

  owed(label: i32): i32 {
    return this.debts[label];
  }

  isReached(label: i32): bool {
    return (this.stateOf(label).flags & REACHED) !== 0;
  }

  /** The greatest distance from a check. */
  since(label: i32): i32 {
    return this.stateOf(label).since;
  }

  /** The least depth of loops that is checked. */
  checked(label: i32): i32 {
    return this.stateOf(label).checked;
  }

  /** Whether the local counter may be in use. */
  isDirty(label: i32): bool {
    return (this.stateOf(label).flags & DIRTY) !== 0;
  }

  /** Control comes to the head of a loop, as the `loops`th one inside each other. */
  openLoop(label: i32, loops: i32, isDirty: bool): void {
    const state = this.stateOf(label);
    state.loops = loops;
    state.flags = isDirty ? DIRTY : 0;
  }

  loops(label: i32): i32 {
    return this.stateOf(label).loops;
  }

  /** The start of a block with a second arm or a handler, where control does not come. */
  openDead(label: i32): void {
    this.stateOf(label).flags = WAS_DEAD;
  }

  wasDead(label: i32): bool {
    return (this.stateOf(label).flags & WAS_DEAD) !== 0;
  }

  /** The path at the test of an `if`, for its other arm. */
  openArm(label: i32, pending: i32, since: i32, checked: i32, isDirty: bool): void {
    const state = this.stateOf(label);
    if (isDirty) state.flags |= TEST_DIRTY;
    state.testPending = pending;
    state.testSince = since;
    state.testChecked = checked;
  }

  /** Whether control may come to its end from the test. */
  hasOneArm(label: i32): bool {
    return (this.traits[label] & LabelTrait.OneArm) !== 0;
  }

  testPending(label: i32): i32 {
    return this.stateOf(label).testPending;
  }

  testSince(label: i32): i32 {
    return this.stateOf(label).testSince;
  }

  testChecked(label: i32): i32 {
    return this.stateOf(label).testChecked;
  }

  testDirty(label: i32): bool {
    return (this.stateOf(label).flags & TEST_DIRTY) !== 0;
  }

  /** Control arrives with `pending`. Returns what is owed then, which may be less. */
  lower(label: i32, pending: i32): i32 {
    const debts = this.debts;
    const owed = debts[label];
    if (pending >= owed) return owed;
    debts[label] = pending;
    // The first arrival sets what is owed, which nothing has relied on yet unless the label is a loop's.
    if (owed !== UNSET) this.dispute(label);
    return debts[label];
  }

  /**
   * Control goes to one of the labels of the `br_table` that starts with the event `from`: all are owed the same then, since one
   * charge serves all. Returns its last event.
   */
  lowerAll(flow: FunctionFlow, from: i32, pending: i32): i32 {
    let to = from;
    let least = min(pending, this.debts[flow.at(to).arg]);
    while (flow.at(to).kind === FlowKind.BranchTableLabel) {
      to += EVENT_WIDTH;
      least = min(least, this.debts[flow.at(to).arg]);
    }
    for (let event = from; event <= to; event += EVENT_WIDTH) {
      const label = flow.at(event).arg;
      if (label !== BODY) this.lower(label, least);
    }
    return to;
  }

  /**
   * Something relied on what is owed at a label, and another arrival brings less: from now on nothing is owed there, which
   * who arrives later in the same walk sees already.
   */
  dispute(label: i32): void {
    this.isChanged = true;
    if (this.debts[label] > 0) this.debts[label] = 0;
  }

  arrive(label: i32, since: i32, checked: i32, isDirty: bool): void {
    const state = this.stateOf(label);
    // Without branches, which the machine cannot foresee.
    state.since = max(since, state.since);
    state.checked = min(checked, state.checked);
    state.flags |= isDirty ? REACHED | DIRTY : REACHED;
  }

  /** The arm that is not there: control arrives from the test, where nothing can be charged. */
  arriveFromTest(label: i32): void {
    const pending = this.testPending(label);
    if (pending > this.lower(label, pending)) this.dispute(label);
    this.arrive(label, this.testSince(label), this.testChecked(label), this.testDirty(label));
  }

  @inline
  private stateOf(label: i32): LabelState {
    return changetype<LabelState>(this.states.addressOf(label << STATE_SHIFT, 1 << STATE_SHIFT));
  }

  private fillDebts(debt: i32): void {
    const debts = this.debts;
    for (let label = 0; label < this.count; label++) debts[label] = debt;
  }
}
