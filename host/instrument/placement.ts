/**
 * Decides where a function is charged and checked, by walking its control flow (flow.ts) from its entry to its end.
 *
 * Cost is carried along as `pending` until something demands it: a call, an exit, or a label at which less is owed.
 * What is owed at a label is the least that any arrival brings; since later arrivals can bring less than earlier ones
 * relied on, the walk is repeated until nothing changes (twice to four times, weighted by length), and after PATIENCE walks labels
 * in dispute are owed nothing.
 * Where all that lead to a label pay something anyway, and go nowhere else, they pay for the straight code behind it, too
 * (owed is negative then): one addition for all of what would be two on each way, which wait for each other.
 *
 * Invariants (`docs/fuel.md` is the definition):
 * 1. Along any path that is completed, charges sum up to the cost of its instructions. None is negative, and none is for
 *    more than the way ahead is certain to cost, so that a budget of exactly what is needed suffices.
 * 2. At a call and at a `throw`, nothing is pending; before one that does not take the counter, nothing is in it
 *    (`isDirty` is false where the counter is certain to be zero).
 * 3. `since` is at least what any path has charged or carried in this function since its last check; above CHECK_INTERVAL
 *    a check is added. `checked` is the depth of loops up to which every path has met a check since their heads; -1
 *    means not even since the entry. A branch to a loop's head needs the loop's own depth, a call needs 0.
 * 4. A charge may be enlarged (`openSlot`) only by the straight code it stands in and, where that ends at a label, by the
 *    straight code behind the label.
 */
import { ChargeSlots } from './charge-slots.ts';
import { CHECK_INTERVAL } from './cost-model.ts';
import type { CountedLoop } from './counted-loop.ts';
import { EDIT, type EditList } from './edits.ts';
import { FLOW, type FlowRecorder } from './flow.ts';
import { LabelDebts } from './label-debts.ts';
import { OpenBlocks } from './open-blocks.ts';
import { PathAccount } from './path-account.ts';
import { StraightLoops } from './straight-loops.ts';

/** Passes after which labels that are still in dispute carry nothing. */
const PATIENCE = 2;
/** More checks than these before calls make one at the entry the shorter code, before branches to a loop's head one there. */
const MAX_CALL_CHECKS = 1;
const MAX_BACK_CHECKS = 1;
/** No call of the function had to be checked yet. */
const UNKNOWN = -2;
/** Beyond any `since` that counts. */
const FAR: number = CHECK_INTERVAL + 1;

/** One object serves all functions of a module; the state at forks is in `#blocks`, that at merges in `#labels`. */
export class ChargePlacement {
  readonly #flow: FlowRecorder;
  readonly #slots: ChargeSlots;
  readonly #labels = new LabelDebts();
  readonly #straight: StraightLoops;
  readonly #path: PathAccount;
  readonly #blocks: OpenBlocks;
  #depth = 0;
  /** Depth of the block whose code counts in `c`; -1 for none, 0 for the whole body. */
  #localFrame = -1;
  #mayUseLocal = true;
  #isPassing = false;
  /** Whether labels may come to be paid for ahead in this walk. */
  #prepays = false;
  #checksEntry = false;
  /** Branches to a loop's head that had to be checked themselves; from the second on, the head is. */
  readonly #backChecks = new Map<number, number>();
  readonly #headChecks = new Set<number>();
  /** The loop around the first call that had to be checked itself, -1 if there is none around it. */
  #checkedCallLoop = UNKNOWN;
  /** Loops that a handler leads to: control arrives at their head by a way that nothing can be written on. */
  readonly #isHandler = new Set<number>();

  constructor(bytes: Uint8Array, flow: FlowRecorder, edits: EditList, maxDepth: number) {
    this.#flow = flow;
    this.#slots = new ChargeSlots(edits);
    this.#path = new PathAccount(this.#slots);
    this.#straight = new StraightLoops(bytes, flow, edits, this.#slots);
    this.#blocks = new OpenBlocks(maxDepth);
  }

  /** Whether the function placed last counts in a local. */
  get usesCounter(): boolean {
    return this.#slots.usesCounter;
  }

  /** Of the function placed last: its loops that are charged for many turns at once. */
  get countedLoops(): readonly CountedLoop[] {
    return this.#straight.counted;
  }

  /** Fills the slots of the function that `flow` holds. */
  place(mayUseLocal: boolean, isPassing: boolean): void {
    this.#isPassing = isPassing;
    this.#mayUseLocal = mayUseLocal;
    this.#isHandler.clear();
    this.#headChecks.clear();
    this.#checksEntry = false;
    this.#labels.enter(this.#flow.length);
    this.#straight.enter();
    for (let pass = 0; ; pass++) {
      this.#labels.isImpatient = pass >= PATIENCE;
      this.#prepays = pass === 0 && (isPassing || this.#flow.hasPassingCalls);
      this.#walk();
      // Not only once the debts are settled: one walk less.
      if (!this.#gatherChecks() && !this.#labels.isChanged) return;
      this.#slots.undo();
    }
  }

  /** Moves checks that stand in several places to the one that all of them lead to; false if there are none to move. */
  #gatherChecks(): boolean {
    let isMoved = false;
    if (this.#path.callChecks > MAX_CALL_CHECKS && !this.#checksEntry) {
      this.#checksEntry = true;
      isMoved = true;
    }
    for (const [event, checks] of this.#backChecks) {
      // With a check before the only call that needs one, a turn would be checked twice on the way through it.
      const isTwice = this.#path.callChecks === 1 && this.#checkedCallLoop === event;
      if ((checks <= MAX_BACK_CHECKS && !isTwice) || this.#headChecks.has(event)) continue;
      this.#headChecks.add(event);
      isMoved = true;
    }
    return isMoved;
  }

  #walk(): void {
    const flow = this.#flow;
    const { length, kinds, costs, slots, args } = flow;
    this.#labels.startPass();
    this.#slots.reset();
    this.#straight.counted.length = 0;
    this.#backChecks.clear();
    this.#checkedCallLoop = UNKNOWN;
    this.#depth = 0;
    this.#path.enter(this.#isPassing);
    const countsThroughout = this.#isPassing || flow.hasPassingCalls || (flow.hasLoops && !flow.hasCalls);
    this.#countLocallyIn(this.#mayUseLocal && countsThroughout ? 0 : -1);
    for (let event = 0; event < length; event++) {
      const slot = slots[event]!;
      const arg = args[event]!;
      if (!this.#path.isDead) this.#path.pass(costs[event]!, slot);
      switch (kinds[event]) {
        case FLOW.entry:
          this.#slots.close(slot);
          if (this.#checksEntry) this.#path.charge(slot, 0, true);
          break;
        case FLOW.block:
          this.#push(event, false);
          break;
        case FLOW.loop:
          if (this.#mayUseLocal && !this.#path.isDead && this.#straight.has(event))
            event = this.#straightLoop(event);
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
          if (this.#depth === 0) this.#path.leave(slot, flow.isBodyTarget ? -1 : slot + 2);
          else this.#end(slot, costs[event + 1]!);
          break;
        case FLOW.branch:
          if (arg === this.#depth) this.#path.leave(slot, -1);
          else if (!this.#path.isDead) this.#arrive(this.#depth - arg, slot, true);
          this.#path.isDead = true;
          break;
        case FLOW.branchIf:
          if (this.#path.isDead) break;
          this.#arrive(this.#depth - arg, slot, false);
          this.#slots.close(slot + 1);
          break;
        case FLOW.branchTableLabel:
        case FLOW.branchTable:
          if (!this.#path.isDead) event = this.#branchTable(event);
          break;
        case FLOW.leave:
          this.#path.leave(slot, slot + 1);
          break;
        case FLOW.tailCall:
          this.#path.call(slot);
          this.#path.isDead = true;
          break;
        case FLOW.trap:
          this.#path.isDead = true;
          break;
        case FLOW.throw:
          if (!this.#path.isDead) this.#path.settle(slot, this.#path.isDirty);
          this.#path.isDead = true;
          break;
        case FLOW.call:
          this.#path.call(slot);
          this.#noteCall();
          break;
        case FLOW.passingCall:
          if (this.#path.isDead) break;
          this.#path.passingCall(slot, arg);
          this.#noteCall();
          this.#path.isDirty = true;
          this.#slots.usesCounter = true;
          break;
        case FLOW.handler:
          this.#handler(this.#depth - arg);
          break;
        default:
      }
    }
  }

  /** Which loop the check before a call stands in, if that one is the only one. */
  #noteCall(): void {
    if (this.#path.callChecks !== 1 || this.#checkedCallLoop !== UNKNOWN) return;
    this.#checkedCallLoop = this.#blocks.innermostLoop(this.#path.loopDepth);
  }

  #countLocallyIn(frame: number): void {
    this.#localFrame = frame;
    this.#path.isLocal = frame >= 0;
  }

  #push(event: number, isLoop: boolean): void {
    this.#blocks.open(++this.#depth, event, isLoop, this.#path);
    this.#labels.open(event);
  }

  #loop(event: number, slot: number, isCallFree: boolean): void {
    if (this.#path.isDead) {
      this.#push(event, true);
      this.#path.loopDepth++;
      return;
    }
    // Arriving from above is an arrival like any other, but that it needs no check.
    this.#reduceTo(event, slot, false);
    this.#push(event, true);
    this.#blocks.loops[this.#depth] = ++this.#path.loopDepth;
    this.#blocks.enterLoop(this.#path.loopDepth, event);
    this.#labels.setDirty(event, this.#path.isDirty);
    if (this.#localFrame < 0 && isCallFree && this.#mayUseLocal) this.#countLocallyIn(this.#depth);
    // Its second turn starts with what the first one counted.
    if (this.#localFrame >= 0) this.#path.isDirty = true;
    this.#slots.close(slot + 1);
    if (this.#isHandler.has(event) || this.#headChecks.has(event)) this.#path.charge(slot + 1, 0, true);
  }

  /** A loop that straight-loops.ts knows. Returns the event of its end. */
  #straightLoop(event: number): number {
    const { slots, costs } = this.#flow;
    const since = this.#straight.place(event);
    this.#path.isDirty = true;
    this.#path.pending += costs[event + 2]!;
    this.#path.noteCheck();
    this.#path.since = since;
    this.#slots.close(slots[event + 2]! + 1);
    return event + 2;
  }

  #if(event: number, slot: number, hasElse: boolean): void {
    // Without an `else`, this is where control arrives at the end from.
    if (!hasElse && !this.#path.isDead) this.#reduceTo(event, slot, false);
    this.#push(event, false);
    this.#blocks.keep(this.#depth, this.#path);
    this.#slots.close(slot + 1);
  }

  #else(slot: number): void {
    const frame = this.#depth;
    if (!this.#path.isDead) this.#arrive(frame, slot, true);
    this.#blocks.restore(frame, this.#path);
    this.#slots.close(slot + 1);
  }

  #catch(slot: number): void {
    const frame = this.#depth;
    if (!this.#path.isDead) this.#arrive(frame, slot, false);
    this.#path.isDead = this.#blocks.wasDead[frame] === 1;
    // Whatever threw had nothing pending.
    this.#path.pending = 0;
    this.#path.since = FAR;
    this.#path.checked = -1;
    this.#path.isDirty = false;
    this.#slots.close(slot + 1);
  }

  /** `ahead` is what the straight code behind it costs. */
  #end(slot: number, ahead: number): void {
    const frame = this.#depth;
    const event = this.#blocks.event[frame]!;
    if (this.#blocks.isLoop[frame]) {
      this.#depth--;
      this.#path.loopDepth--;
      this.#path.checked = Math.min(this.#path.checked, this.#path.loopDepth);
      if (this.#localFrame === frame) this.#countLocallyIn(-1);
      return;
    }
    if (this.#blocks.hasOtherArm[frame]) {
      // The arm that is not there: control arrives from the test, where nothing can be charged.
      if (this.#blocks.wasDead[frame] === 0) {
        const pending = this.#blocks.testPending[frame]!;
        const isDirty = this.#blocks.testDirty[frame] === 1;
        this.#labels.refusePrepayment(event);
        this.#labels.lower(event, pending);
        if (pending > this.#labels.owed(event)) this.#labels.dispute(event);
        this.#labels.arrive(event, this.#blocks.testSince[frame]!, this.#blocks.testChecked[frame]!, isDirty);
      }
    }
    if (!this.#labels.isReached(event)) {
      this.#depth--;
      return;
    }
    if (!this.#path.isDead) this.#arrive(frame, slot, true);
    this.#depth--;
    this.#path.isDead = false;
    if (this.#prepays && ahead > 0 && ahead <= CHECK_INTERVAL) this.#labels.prepay(event, ahead);
    this.#path.pending = this.#labels.owed(event);
    this.#path.since = this.#labels.since(event);
    this.#path.checked = Math.min(this.#labels.checked(event), this.#path.loopDepth);
    this.#path.isDirty = this.#labels.isDirty(event);
    this.#slots.close(slot + 1);
  }

  #reduceTo(event: number, slot: number, needsCheck: boolean): void {
    this.#labels.lower(event, this.#path.pending);
    const excess = this.#path.pending - this.#labels.owed(event);
    if (excess > 0 || needsCheck) this.#path.charge(slot, excess, needsCheck);
    this.#path.pending -= excess;
  }

  /** Control may go from here to the label of `frame`, nowhere else if `isSole`; `slot` is before the instruction. */
  #arrive(frame: number, slot: number, isSole: boolean): void {
    if (frame === 0 && this.#isPassing) {
      if (this.#path.pending > 0) this.#path.charge(slot, this.#path.pending, false);
      this.#path.pending = 0;
      return;
    }
    if (frame === 0) {
      this.#path.settle(slot, this.#path.isDirty);
      return;
    }
    const event = this.#blocks.event[frame]!;
    if (this.#blocks.isLoop[frame]) {
      const mustSettle = this.#path.isDirty && !this.#labels.isDirty(event) && !this.#isLocal(frame);
      if (mustSettle) {
        this.#labels.lower(event, this.#path.pending);
        const excess = this.#path.pending - this.#labels.owed(event);
        this.#path.put(slot, EDIT.settle, excess, true);
        this.#path.pending -= excess;
        this.#path.isDirty = false;
      } else {
        const needsCheck = this.#path.checked < this.#blocks.loops[frame]!;
        if (needsCheck) this.#backChecks.set(event, (this.#backChecks.get(event) ?? 0) + 1);
        this.#reduceTo(event, slot, needsCheck);
      }
      return;
    }
    // Paying more costs nothing where something is paid anyway.
    if (!isSole) this.#labels.refusePrepayment(event);
    else if (!this.#slots.isOpen) this.#labels.noteUnpaid(event, this.#path.pending);
    this.#reduceTo(event, slot, false);
    this.#labels.arrive(event, this.#path.since, this.#path.checked, this.#path.isDirty);
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
    let least = this.#path.pending;
    for (let i = from; i <= to; i++) {
      const frame = this.#depth - args[i]!;
      least = frame === 0 ? 0 : Math.min(least, this.#labels.owed(this.#blocks.event[frame]!));
      if (frame === 0) break;
    }
    for (let i = from; i <= to; i++) {
      const frame = this.#depth - args[i]!;
      if (frame > 0) this.#labels.lower(this.#blocks.event[frame]!, least);
    }
    for (let i = from; i <= to; i++) this.#arrive(this.#depth - args[i]!, slot, false);
    this.#path.isDead = true;
    return to;
  }

  #handler(frame: number): void {
    if (this.#path.isDead || frame === 0) return;
    const event = this.#blocks.event[frame]!;
    this.#labels.refusePrepayment(event);
    this.#labels.lower(event, 0);
    if (this.#blocks.isLoop[frame]) {
      if (!this.#isHandler.has(event)) {
        this.#isHandler.add(event);
        this.#labels.isChanged = true;
      }
      return;
    }
    this.#labels.arrive(event, FAR, -1, false);
  }
}
