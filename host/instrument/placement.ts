/**
 * Decides where a function is charged and checked, by walking its control flow (flow.ts) from its entry to its end.
 *
 * Cost is carried along as `pending` until something demands it: a call, an exit, or a label at which less is owed.
 * What is owed at a label is the least that any arrival brings; since later arrivals can bring less than earlier ones
 * relied on, the walk is repeated until nothing changes (2.6 times on average), and after PATIENCE walks labels
 * in dispute are owed nothing.
 *
 * Invariants (`docs/fuel.md` is the definition):
 * 1. Along any path that is completed, charges sum up to the cost of its instructions. None is negative, and none is for
 *    more than the way ahead is certain to cost, so that a budget of exactly what is needed suffices.
 * 2. At a call and at a `throw`, nothing is pending; before one that does not take the counter, nothing is in it
 *    (`isDirty` is false where the counter is certain to be zero).
 * 3. `since` is at least what any path has charged or carried in this function since its last check; above CHECK_INTERVAL
 *    a check is added. `checked` is the depth of loops up to which every path has met a check since their heads; -1
 *    means not even since the entry. A branch to a loop's head needs the loop's own depth, a call needs 0.
 * 4. A charge may be enlarged (`openSlot`) only within the straight code it stands in.
 */
import { CHECK_INTERVAL } from './cost-model.ts';
import { EDIT, type EditKind, type EditList } from './edits.ts';
import { FLOW, type FlowRecorder } from './flow.ts';

const UNSET = Number.MAX_SAFE_INTEGER;
/** Passes after which labels that are still in dispute carry nothing. */
const PATIENCE = 2;
const MAX_CALL_CHECKS = 1;
/** Beyond any `since` that counts. */
const FAR: number = CHECK_INTERVAL + 1;

/** One object serves all functions of a module; the `#test...`, `#label...` arrays hold its state at forks and merges. */
export class ChargePlacement {
  readonly #flow: FlowRecorder;
  readonly #edits: EditList;
  /** Per event that opens a block: what is owed where control arrives at its label. Holds over all passes. */
  #owed = new Float64Array(1_024);
  /** The same, of this pass: greatest distance from a check, least checked depth, whether `c` may be in use. */
  #labelSince = new Float64Array(1_024);
  #labelChecked = new Int32Array(1_024);
  #labelDirty = new Uint8Array(1_024);
  #isReached = new Uint8Array(1_024);
  /** Per open block. */
  readonly #event: Int32Array;
  readonly #loops: Int32Array;
  readonly #isLoop: Uint8Array;
  readonly #hasOtherArm: Uint8Array;
  readonly #wasDead: Uint8Array;
  readonly #testPending: Float64Array;
  readonly #testSince: Float64Array;
  readonly #testChecked: Int32Array;
  readonly #testDirty: Uint8Array;
  #depth = 0;
  #loopDepth = 0;
  #pending = 0;
  #since = 0;
  #checked = -1;
  #isDirty = false;
  #isDead = false;
  /** Depth of the block whose code counts in `c`; -1 for none, 0 for the whole body. */
  #localFrame = -1;
  #openSlot = -1;
  #openAmount = 0;
  #openKind: EditKind = EDIT.none;
  #openIsChecked = false;
  #headSlot = -1;
  #isChanged = false;
  #mayUseLocal = true;
  #isPassing = false;
  #disputed: number[] = [];
  #touched: number[] = [];
  #pushed: number[] = [];
  /** Calls that had to be checked themselves; many of them make one check at the entry the shorter code. */
  #callChecks = 0;
  #checksEntry = false;
  /** Whether the function placed last counts in a local. */
  usesCounter = false;

  constructor(flow: FlowRecorder, edits: EditList, maxDepth: number) {
    this.#flow = flow;
    this.#edits = edits;
    const size = maxDepth + 2;
    this.#event = new Int32Array(size);
    this.#loops = new Int32Array(size);
    this.#isLoop = new Uint8Array(size);
    this.#hasOtherArm = new Uint8Array(size);
    this.#wasDead = new Uint8Array(size);
    this.#testPending = new Float64Array(size);
    this.#testSince = new Float64Array(size);
    this.#testChecked = new Int32Array(size);
    this.#testDirty = new Uint8Array(size);
  }

  /** Fills the slots of the function that `flow` holds. */
  place(mayUseLocal: boolean, isPassing: boolean): void {
    const { length } = this.#flow;
    this.#isPassing = isPassing;
    this.usesCounter = false;
    this.#mayUseLocal = mayUseLocal;
    this.#isHandler.clear();
    this.#checksEntry = false;
    if (this.#owed.length < length) this.#grow(this.#flow.kinds.length);
    this.#owed.fill(UNSET, 0, length);
    for (let pass = 0; ; pass++) {
      this.#walk();
      if (!this.#isChanged) {
        if (this.#callChecks <= MAX_CALL_CHECKS || this.#checksEntry) return;
        this.#checksEntry = true;
        this.#undo();
        continue;
      }
      if (pass >= PATIENCE) for (const event of this.#disputed) this.#owed[event] = 0;
      this.#undo();
    }
  }

  #undo(): void {
    for (const slot of this.#touched) this.#edits.set(slot, EDIT.none, 0);
    for (const slot of this.#pushed) this.#edits.set(slot, EDIT.pushCounter, 0);
  }

  #walk(): void {
    const flow = this.#flow;
    const { length, kinds, costs, slots, args } = flow;
    this.#isChanged = false;
    this.#disputed.length = 0;
    this.#touched.length = 0;
    this.#pushed.length = 0;
    this.#callChecks = 0;
    this.#depth = 0;
    this.#loopDepth = 0;
    this.#pending = 0;
    this.#since = 0;
    this.#checked = -1;
    this.#isDirty = false;
    this.#isDead = false;
    this.#openSlot = -1;
    this.#headSlot = -1;
    this.usesCounter = false;
    const countsThroughout = this.#isPassing || flow.hasPassingCalls || (flow.hasLoops && !flow.hasCalls);
    this.#localFrame = this.#mayUseLocal && countsThroughout ? 0 : -1;
    if (this.#isPassing) this.#isDirty = true;
    for (let event = 0; event < length; event++) {
      const slot = slots[event]!;
      const arg = args[event]!;
      if (!this.#isDead) this.#pass(costs[event]!, slot);
      switch (kinds[event]) {
        case FLOW.entry:
          this.#headSlot = slot;
          if (this.#checksEntry) this.#charge(slot, 0, true);
          break;
        case FLOW.block:
          this.#push(event, false);
          break;
        case FLOW.loop:
          if (this.#isStraightLoop(event, slot)) event = this.#straightLoop(event);
          else this.#loop(event, slot, (arg & 1) === 0);
          break;
        case FLOW.if:
          this.#if(event, slot, arg === 1);
          break;
        case FLOW.else:
          this.#else(slot);
          break;
        case FLOW.catch:
          this.#catch(slot);
          break;
        case FLOW.end:
          if (this.#depth === 0) this.#leave(slot, flow.isBodyTarget ? -1 : slot + 2);
          else this.#end(slot);
          break;
        case FLOW.branch:
          if (arg === this.#depth) this.#leave(slot, -1);
          else if (!this.#isDead) this.#arrive(this.#depth - arg, slot);
          this.#isDead = true;
          break;
        case FLOW.branchIf:
          if (this.#isDead) break;
          this.#arrive(this.#depth - arg, slot);
          this.#close(slot + 1);
          break;
        case FLOW.branchTableLabel:
        case FLOW.branchTable:
          if (!this.#isDead) event = this.#branchTable(event);
          break;
        case FLOW.leave:
          this.#leave(slot, slot + 1);
          break;
        case FLOW.tailCall:
          this.#call(slot);
          this.#isDead = true;
          break;
        case FLOW.trap:
          this.#isDead = true;
          break;
        case FLOW.throw:
          if (!this.#isDead) this.#settle(slot, this.#isDirty);
          this.#isDead = true;
          break;
        case FLOW.call:
          this.#call(slot);
          break;
        case FLOW.passingCall:
          if (this.#isDead) break;
          this.#passingCall(slot);
          this.#isDirty = true;
          this.usesCounter = true;
          break;
        case FLOW.handler:
          this.#handler(this.#depth - arg);
          break;
        default:
      }
    }
  }

  /** Straight code of `cost` up to an instruction before which `slot` stands. */
  #pass(cost: number, slot: number): void {
    this.#pending += cost;
    this.#since += cost;
    if (this.#since <= CHECK_INTERVAL) return;
    // A long stretch is charged and checked before it is executed.
    this.#charge(slot, this.#pending, true);
    this.#pending = 0;
  }

  #push(event: number, isLoop: boolean): void {
    const frame = ++this.#depth;
    this.#event[frame] = event;
    this.#isLoop[frame] = isLoop ? 1 : 0;
    this.#loops[frame] = this.#loopDepth;
    this.#hasOtherArm[frame] = 0;
    this.#wasDead[frame] = this.#isDead ? 1 : 0;
    this.#labelSince[event] = 0;
    this.#labelChecked[event] = 0x7fffffff;
    this.#labelDirty[event] = 0;
    this.#isReached[event] = 0;
  }

  #loop(event: number, slot: number, isCallFree: boolean): void {
    if (this.#isDead) {
      this.#push(event, true);
      this.#loopDepth++;
      return;
    }
    // Arriving from above is an arrival like any other, but that it needs no check.
    this.#reduceTo(event, slot, false);
    this.#push(event, true);
    this.#loops[this.#depth] = ++this.#loopDepth;
    this.#labelDirty[event] = this.#isDirty ? 1 : 0;
    if (this.#localFrame < 0 && isCallFree && this.#mayUseLocal) this.#localFrame = this.#depth;
    // Its second turn starts with what the first one counted.
    if (this.#localFrame >= 0) this.#isDirty = true;
    this.#close(slot + 1);
    if (this.#isHandler.has(event)) this.#charge(slot + 1, 0, true);
  }

  /** A loop that is one straight piece of code with the branch to its head behind it. */
  #isStraightLoop(event: number, slot: number): boolean {
    const { kinds, args, costs, length } = this.#flow;
    return (
      event + 2 < length &&
      kinds[event + 1] === FLOW.branchIf &&
      args[event + 1] === 0 &&
      kinds[event + 2] === FLOW.end &&
      args[event] === 0 &&
      costs[event + 1]! <= CHECK_INTERVAL &&
      this.#mayUseLocal &&
      !this.#isDead &&
      this.#edits.kind(slot) === EDIT.none
    );
  }

  /**
   * Such a loop is left for its check and entered again, by a loop around it: with no call in it, the engine unrolls
   * it and looks for interrupts as rarely as in the original. Returns the event of its end.
   */
  #straightLoop(event: number): number {
    const { slots, costs } = this.#flow;
    const slot = slots[event]!;
    const cost = costs[event + 1]!;
    const endSlot = slots[event + 2]!;
    this.#edits.set(slot, EDIT.openChunks, 0);
    this.#edits.set(slot + 1, EDIT.chunkCharge, cost);
    this.#edits.set(endSlot, EDIT.closeBody, 0);
    this.#touched.push(slot, slot + 1, endSlot);
    this.usesCounter = true;
    this.#isDirty = true;
    this.#pending += costs[event + 2]!;
    this.#since = cost;
    this.#close(endSlot + 1);
    return event + 2;
  }

  /** Loops that a handler leads to: control arrives at their head by a way that nothing can be written on. */
  readonly #isHandler = new Set<number>();

  #if(event: number, slot: number, hasElse: boolean): void {
    // Without an `else`, this is where control arrives at the end from.
    if (!hasElse && !this.#isDead) this.#reduceTo(event, slot, false);
    this.#push(event, false);
    const frame = this.#depth;
    this.#hasOtherArm[frame] = 1;
    this.#testPending[frame] = this.#pending;
    this.#testSince[frame] = this.#since;
    this.#testChecked[frame] = this.#checked;
    this.#testDirty[frame] = this.#isDirty ? 1 : 0;
    this.#close(slot + 1);
  }

  #restoreTest(frame: number): void {
    this.#pending = this.#testPending[frame]!;
    this.#since = this.#testSince[frame]!;
    this.#checked = this.#testChecked[frame]!;
    this.#isDirty = this.#testDirty[frame] === 1;
    this.#isDead = this.#wasDead[frame] === 1;
  }

  #else(slot: number): void {
    const frame = this.#depth;
    if (!this.#isDead) this.#arrive(frame, slot);
    this.#hasOtherArm[frame] = 0;
    this.#restoreTest(frame);
    this.#close(slot + 1);
  }

  #catch(slot: number): void {
    const frame = this.#depth;
    if (!this.#isDead) this.#arrive(frame, slot);
    this.#isDead = this.#wasDead[frame] === 1;
    // Whatever threw had nothing pending.
    this.#pending = 0;
    this.#since = FAR;
    this.#checked = -1;
    this.#isDirty = false;
    this.#close(slot + 1);
  }

  #end(slot: number): void {
    const frame = this.#depth;
    const event = this.#event[frame]!;
    const after = slot + 1;
    if (this.#isLoop[frame]) {
      this.#depth--;
      this.#loopDepth--;
      this.#checked = Math.min(this.#checked, this.#loopDepth);
      if (this.#localFrame === frame) this.#localFrame = -1;
      return;
    }
    if (this.#hasOtherArm[frame]) {
      // The arm that is not there: control arrives from the test, where nothing can be charged.
      const isDead = this.#isDead;
      if (this.#wasDead[frame] === 0) {
        this.#lower(event, this.#testPending[frame]!);
        if (this.#testPending[frame]! > this.#owed[event]!) this.#dispute(event);
        this.#noteArrival(
          event,
          this.#testSince[frame]!,
          this.#testChecked[frame]!,
          this.#testDirty[frame] === 1,
        );
      }
      this.#isDead = isDead;
    }
    const isMerge = this.#isReached[event] === 1;
    if (!isMerge) {
      this.#depth--;
      return;
    }
    if (!this.#isDead) this.#arrive(frame, slot);
    this.#depth--;
    this.#isDead = false;
    this.#pending = this.#owed[event]!;
    this.#since = this.#labelSince[event]!;
    this.#checked = Math.min(this.#labelChecked[event]!, this.#loopDepth);
    this.#isDirty = this.#labelDirty[event] === 1;
    this.#close(after);
  }

  #lower(event: number, pending: number): void {
    if (pending >= this.#owed[event]!) return;
    // The first arrival sets what is owed, which nothing has relied on yet unless the label is a loop's.
    const isFirst = this.#owed[event] === UNSET;
    this.#owed[event] = pending;
    if (!isFirst) this.#dispute(event);
  }

  /** What is owed at a label has changed since something relied on it: another pass is needed. */
  #dispute(event: number): void {
    this.#isChanged = true;
    this.#disputed.push(event);
  }

  #noteArrival(event: number, since: number, checked: number, isDirty: boolean): void {
    this.#isReached[event] = 1;
    if (since > this.#labelSince[event]!) this.#labelSince[event] = since;
    if (checked < this.#labelChecked[event]!) this.#labelChecked[event] = checked;
    if (isDirty) this.#labelDirty[event] = 1;
  }

  #reduceTo(event: number, slot: number, needsCheck: boolean): void {
    this.#lower(event, this.#pending);
    const excess = this.#pending - this.#owed[event]!;
    if (excess > 0 || needsCheck) this.#charge(slot, excess, needsCheck);
    this.#pending -= excess;
  }

  /** Control may go from here to the label of `frame`; `slot` is before the instruction. */
  #arrive(frame: number, slot: number): void {
    if (frame === 0 && this.#isPassing) {
      if (this.#pending > 0) this.#charge(slot, this.#pending, false);
      this.#pending = 0;
      return;
    }
    if (frame === 0) {
      this.#settle(slot, this.#isDirty);
      return;
    }
    const event = this.#event[frame]!;
    if (this.#isLoop[frame]) {
      const mustSettle = this.#isDirty && this.#labelDirty[event] === 0 && !this.#isLocal(frame);
      if (mustSettle) {
        this.#lower(event, this.#pending);
        const excess = this.#pending - this.#owed[event]!;
        this.#put(slot, EDIT.settle, excess, true);
        this.#pending -= excess;
        this.#isDirty = false;
      } else this.#reduceTo(event, slot, this.#checked < this.#loops[frame]!);
      return;
    }
    this.#reduceTo(event, slot, false);
    this.#noteArrival(event, this.#since, this.#checked, this.#isDirty);
  }

  #isLocal(frame: number): boolean {
    return this.#localFrame >= 0 && frame >= this.#localFrame;
  }

  #branchTable(from: number): number {
    const { kinds, args, slots } = this.#flow;
    const slot = slots[from]!;
    let to = from;
    while (kinds[to] === FLOW.branchTableLabel) to++;
    // All targets are owed the same, since one charge serves all.
    let least = this.#pending;
    for (let i = from; i <= to; i++) {
      const frame = this.#depth - args[i]!;
      least = frame === 0 ? 0 : Math.min(least, this.#owed[this.#event[frame]!]!);
      if (frame === 0) break;
    }
    for (let i = from; i <= to; i++) {
      const frame = this.#depth - args[i]!;
      if (frame > 0) this.#lower(this.#event[frame]!, least);
    }
    for (let i = from; i <= to; i++) this.#arrive(this.#depth - args[i]!, slot);
    this.#isDead = true;
    return to;
  }

  #passingCall(slot: number): void {
    const needsCheck = this.#checked < 0;
    if (needsCheck) this.#callChecks++;
    if (needsCheck || this.#openSlot >= 0) this.#charge(slot, this.#pending, needsCheck);
    else this.#chargeInPassing(slot + 1);
    this.#pending = 0;
  }

  /** Adds what is pending to the counter as it is pushed, which takes half the code of a charge. */
  #chargeInPassing(pushSlot: number): void {
    this.#edits.set(pushSlot, EDIT.pushCounter, this.#pending);
    this.#pushed.push(pushSlot);
  }

  #call(slot: number): void {
    if (this.#isDead) return;
    const needsCheck = this.#checked < 0;
    if (needsCheck) this.#callChecks++;
    if (this.#isDirty) this.#put(slot, EDIT.settle, this.#pending, needsCheck);
    else this.#chargeGlobally(slot, this.#pending, needsCheck);
    this.#pending = 0;
    this.#isDirty = false;
  }

  /** Leaves the function, with the counter pushed at `pushSlot` if it is passed on. */
  #leave(slot: number, pushSlot: number): void {
    if (!this.#isDead) {
      if (this.#isPassing) {
        if (this.#openSlot < 0 && pushSlot >= 0) this.#chargeInPassing(pushSlot);
        else if (this.#pending > 0) this.#charge(slot, this.#pending, false);
      } else if (this.#isDirty) this.#put(slot, EDIT.settleAndLeave, this.#pending, false);
      else if (this.#pending > 0) this.#chargeGlobally(slot, this.#pending);
    }
    this.#isDead = true;
  }

  /** Nothing is pending afterwards, and nothing in the local counter. */
  #settle(slot: number, isDirty: boolean): void {
    if (isDirty) {
      this.#put(slot, EDIT.settle, this.#pending, false);
      this.#isDirty = false;
    } else if (this.#pending > 0) this.#chargeGlobally(slot, this.#pending);
    this.#pending = 0;
  }

  /** A charge that must not go to the local counter. */
  #chargeGlobally(slot: number, amount: number, needsCheck = false): void {
    const needsOwn = this.#openSlot < 0 || this.#openKind === EDIT.localCharge;
    if (needsOwn) this.#put(slot, EDIT.charge, amount, needsCheck);
    else this.#charge(slot, amount, needsCheck);
  }

  #handler(frame: number): void {
    if (this.#isDead || frame === 0) return;
    const event = this.#event[frame]!;
    this.#lower(event, 0);
    if (this.#isLoop[frame]) {
      if (!this.#isHandler.has(event)) {
        this.#isHandler.add(event);
        this.#isChanged = true;
      }
      return;
    }
    this.#noteArrival(event, FAR, -1, false);
  }

  /** A merge or a fork: what is charged from here on cannot be part of an earlier charge. */
  #close(headSlot: number): void {
    this.#openSlot = -1;
    this.#headSlot = headSlot;
  }

  #open(slot: number): void {
    this.#openSlot = slot;
    this.#openAmount = 0;
    this.#openIsChecked = false;
    const isLocal = this.#localFrame >= 0;
    this.#openKind = isLocal ? EDIT.localCharge : EDIT.charge;
  }

  /**
   * Charges at the open slot, if there is one, else where the straight code began: between a comparison and the
   * branch on it, a charge would make the engine keep the result in a register of its own.
   */
  #charge(slot: number, amount: number, needsCheck: boolean): void {
    if (this.#openSlot < 0) this.#open(this.#headSlot < 0 ? slot : this.#headSlot);
    this.#openAmount += amount;
    this.#openIsChecked ||= needsCheck;
    this.#write();
    if (this.#openKind === EDIT.localCharge) this.#isDirty = true;
    if (needsCheck) this.#noteCheck();
  }

  /** A charge of a kind of its own, which becomes the open one. */
  #put(slot: number, kind: EditKind, amount: number, needsCheck: boolean): void {
    // What stands at the same place already becomes part of it.
    const isShared = this.#openSlot === slot;
    this.#openAmount = isShared ? this.#openAmount + amount : amount;
    this.#openIsChecked = needsCheck || (isShared && this.#openIsChecked);
    this.#openSlot = slot;
    this.#openKind = kind;
    this.#write();
    if (needsCheck) this.#noteCheck();
  }

  #noteCheck(): void {
    this.#since = 0;
    this.#checked = this.#loopDepth;
  }

  #write(): void {
    const kind = this.#openKind;
    if (kind === EDIT.localCharge || kind === EDIT.settle || kind === EDIT.settleAndLeave)
      this.usesCounter = true;
    const checked =
      kind === EDIT.charge
        ? EDIT.chargeAndCheck
        : kind === EDIT.localCharge
          ? EDIT.localChargeAndCheck
          : EDIT.settleAndCheck;
    this.#edits.set(this.#openSlot, this.#openIsChecked ? checked : kind, this.#openAmount);
    this.#touched.push(this.#openSlot);
  }

  #grow(size: number): void {
    this.#owed = new Float64Array(size);
    this.#labelSince = new Float64Array(size);
    this.#labelChecked = new Int32Array(size);
    this.#labelDirty = new Uint8Array(size);
    this.#isReached = new Uint8Array(size);
  }
}
