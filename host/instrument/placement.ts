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
import { FLOW } from './flow.ts';
import type { FunctionFlow } from './function-flow.ts';
import { GatheredChecks } from './gathered-checks.ts';
import { INSERTION, type Insertions, slotBefore, slotBehind } from './insertions.ts';
import { LabelDebts } from './label-debts.ts';
import { OpenBlocks } from './open-blocks.ts';
import { PathAccount } from './path-account.ts';
import { StraightLoops } from './straight-loops.ts';

/** Passes after which labels that are still in dispute carry nothing. */
const PATIENCE = 2;
/** Beyond any `since` that counts. */
const FAR: number = CHECK_INTERVAL + 1;

/** One object serves all functions of a module; the state at forks is in `#blocks`, that at merges in `#labels`. */
export class ChargePlacement {
  readonly #flow: FunctionFlow;
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
  readonly #checks = new GatheredChecks();
  /** Loops that a handler leads to: control arrives at their head by a way that nothing can be written on. */
  readonly #isHandler = new Set<number>();

  constructor(bytes: Uint8Array, flow: FunctionFlow, insertions: Insertions, maxDepth: number) {
    this.#flow = flow;
    this.#slots = new ChargeSlots(insertions);
    this.#path = new PathAccount(this.#slots);
    this.#straight = new StraightLoops(bytes, flow, insertions, this.#slots);
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

  /** Fills the insertions of the function that `flow` holds. */
  place(mayUseLocal: boolean, isPassing: boolean): void {
    this.#isPassing = isPassing;
    this.#mayUseLocal = mayUseLocal;
    if (this.#isHandler.size > 0) this.#isHandler.clear();
    this.#checks.enter();
    this.#labels.enter(this.#flow.length);
    this.#straight.enter();
    for (let pass = 0; ; pass++) {
      this.#labels.isImpatient = pass >= PATIENCE;
      this.#prepays = pass === 0 && (isPassing || this.#flow.hasPassingCalls);
      this.#walk();
      // Not only once the debts are settled: one walk less.
      if (!this.#checks.gather(this.#path.callChecks) && !this.#labels.isChanged) return;
    }
  }

  #walk(): void {
    const path = this.#path;
    const slots = this.#slots;
    const flow = this.#flow;
    const { length, kinds, costs, args } = flow;
    this.#labels.startPass();
    slots.reset(length);
    if (this.#straight.counted.length > 0) this.#straight.counted.length = 0;
    this.#checks.startPass();
    this.#depth = 0;
    path.enter(this.#isPassing);
    const countsThroughout = this.#isPassing || flow.hasPassingCalls || (flow.hasLoops && !flow.hasCalls);
    this.#countLocallyIn(this.#mayUseLocal && countsThroughout ? 0 : -1);
    for (let event = 0; event < length; event++) {
      const slot = slotBefore(event);
      const arg = args[event]!;
      if (!path.isDead) path.pass(costs[event]!, slot);
      switch (kinds[event]) {
        case FLOW.entry:
          slots.close(slot);
          if (this.#checks.isAtEntry) path.charge(slot, 0, true);
          break;
        case FLOW.block:
          this.#push(event, false);
          break;
        case FLOW.loop:
          if (this.#mayUseLocal && !path.isDead && this.#straight.has(event))
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
          if (this.#depth === 0) path.leave(event, !flow.isBodyTarget);
          else this.#end(slot, costs[event + 1]!);
          break;
        case FLOW.branch:
          if (arg === this.#depth) path.leave(event, false);
          else if (!path.isDead) this.#arrive(this.#depth - arg, slot, true);
          path.isDead = true;
          break;
        case FLOW.branchIf:
          if (path.isDead) break;
          this.#arrive(this.#depth - arg, slot, false);
          slots.close(slot + 1);
          break;
        case FLOW.branchTableLabel:
        case FLOW.branchTable:
          if (!path.isDead) event = this.#branchTable(event);
          break;
        case FLOW.leave:
          path.leave(event, true);
          break;
        case FLOW.tailCall:
          path.call(slot);
          path.isDead = true;
          break;
        case FLOW.trap:
          path.isDead = true;
          break;
        case FLOW.throw:
          if (!path.isDead) path.settle(slot, path.isDirty);
          path.isDead = true;
          break;
        case FLOW.call:
          path.call(slot);
          this.#noteCall();
          break;
        case FLOW.passingCall:
          if (path.isDead) break;
          path.passingCall(event, arg);
          this.#noteCall();
          path.isDirty = true;
          slots.usesCounter = true;
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
    const { callChecks, loopDepth } = this.#path;
    if (callChecks === 1) this.#checks.noteCall(this.#blocks.innermostLoop(loopDepth));
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
    const path = this.#path;
    const blocks = this.#blocks;
    if (path.isDead) {
      this.#push(event, true);
      path.loopDepth++;
      return;
    }
    // Arriving from above is an arrival like any other, but that it needs no check.
    this.#reduceTo(event, slot, false);
    this.#push(event, true);
    blocks.loops[this.#depth] = ++path.loopDepth;
    blocks.enterLoop(path.loopDepth, event);
    this.#labels.setDirty(event, path.isDirty);
    if (this.#localFrame < 0 && isCallFree && this.#mayUseLocal) this.#countLocallyIn(this.#depth);
    // Its second turn starts with what the first one counted.
    if (this.#localFrame >= 0) path.isDirty = true;
    this.#slots.close(slot + 1);
    if (this.#isHandler.has(event) || this.#checks.isAtHead(event)) path.charge(slot + 1, 0, true);
  }

  /** A loop that straight-loops.ts knows. Returns the event of its end. */
  #straightLoop(event: number): number {
    const { costs } = this.#flow;
    const since = this.#straight.place(event);
    this.#path.isDirty = true;
    this.#path.pending += costs[event + 2]!;
    this.#path.noteCheck();
    this.#path.since = since;
    this.#slots.close(slotBehind(event + 2));
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
    const path = this.#path;
    const frame = this.#depth;
    if (!path.isDead) this.#arrive(frame, slot, false);
    path.isDead = this.#blocks.wasDead[frame] === 1;
    // Whatever threw had nothing pending.
    path.pending = 0;
    path.since = FAR;
    path.checked = -1;
    path.isDirty = false;
    this.#slots.close(slot + 1);
  }

  /** `ahead` is what the straight code behind it costs. */
  #end(slot: number, ahead: number): void {
    const path = this.#path;
    const labels = this.#labels;
    const blocks = this.#blocks;
    const frame = this.#depth;
    const event = blocks.event[frame]!;
    if (blocks.isLoop[frame]) {
      this.#depth--;
      path.loopDepth--;
      path.checked = Math.min(path.checked, path.loopDepth);
      if (this.#localFrame === frame) this.#countLocallyIn(-1);
      return;
    }
    if (blocks.hasOtherArm[frame]) {
      // The arm that is not there: control arrives from the test, where nothing can be charged.
      if (blocks.wasDead[frame] === 0) {
        const pending = blocks.testPending[frame]!;
        const isDirty = blocks.testDirty[frame] === 1;
        labels.refusePrepayment(event);
        if (pending > labels.lower(event, pending)) labels.dispute(event);
        labels.arrive(event, blocks.testSince[frame]!, blocks.testChecked[frame]!, isDirty);
      }
    }
    if (!labels.isReached(event)) {
      this.#depth--;
      return;
    }
    if (!path.isDead) this.#arrive(frame, slot, true);
    this.#depth--;
    path.isDead = false;
    if (this.#prepays && ahead > 0 && ahead <= CHECK_INTERVAL) labels.prepay(event, ahead);
    path.pending = labels.owed(event);
    path.since = labels.since(event);
    path.checked = Math.min(labels.checked(event), path.loopDepth);
    path.isDirty = labels.isDirty(event);
    this.#slots.close(slot + 1);
  }

  #reduceTo(event: number, slot: number, needsCheck: boolean): void {
    const path = this.#path;
    const excess = path.pending - this.#labels.lower(event, path.pending);
    if (excess > 0 || needsCheck) path.charge(slot, excess, needsCheck);
    path.pending -= excess;
  }

  /** Control may go from here to the label of `frame`, nowhere else if `isSole`; `slot` is before the instruction. */
  #arrive(frame: number, slot: number, isSole: boolean): void {
    const path = this.#path;
    const labels = this.#labels;
    const blocks = this.#blocks;
    if (frame === 0 && this.#isPassing) {
      if (path.pending > 0) path.charge(slot, path.pending, false);
      path.pending = 0;
      return;
    }
    if (frame === 0) {
      path.settle(slot, path.isDirty);
      return;
    }
    const event = blocks.event[frame]!;
    if (blocks.isLoop[frame]) {
      const mustSettle = path.isDirty && !labels.isDirty(event) && !this.#isLocal(frame);
      if (mustSettle) {
        const excess = path.pending - labels.lower(event, path.pending);
        path.put(slot, INSERTION.settle, excess, true);
        path.pending -= excess;
        path.isDirty = false;
      } else {
        const needsCheck = path.checked < blocks.loops[frame]!;
        if (needsCheck) this.#checks.noteBranch(event);
        this.#reduceTo(event, slot, needsCheck);
      }
      return;
    }
    // Paying more costs nothing where something is paid anyway.
    if (!isSole) labels.refusePrepayment(event);
    else if (!this.#slots.isOpen) labels.noteUnpaid(event, path.pending);
    this.#reduceTo(event, slot, false);
    labels.arrive(event, path.since, path.checked, path.isDirty);
  }

  #isLocal(frame: number): boolean {
    return this.#localFrame >= 0 && frame >= this.#localFrame;
  }

  #branchTable(from: number): number {
    const path = this.#path;
    const labels = this.#labels;
    const blocks = this.#blocks;
    const { kinds, args } = this.#flow;
    const slot = slotBefore(from);
    let to = from;
    while (kinds[to] === FLOW.branchTableLabel) to++;
    // All targets are owed the same, since one charge serves all.
    let least = path.pending;
    for (let i = from; i <= to; i++) {
      const frame = this.#depth - args[i]!;
      least = frame === 0 ? 0 : Math.min(least, labels.owed(blocks.event[frame]!));
      if (frame === 0) break;
    }
    for (let i = from; i <= to; i++) {
      const frame = this.#depth - args[i]!;
      if (frame > 0) labels.lower(blocks.event[frame]!, least);
    }
    for (let i = from; i <= to; i++) this.#arrive(this.#depth - args[i]!, slot, false);
    path.isDead = true;
    return to;
  }

  #handler(frame: number): void {
    const labels = this.#labels;
    const blocks = this.#blocks;
    if (this.#path.isDead || frame === 0) return;
    const event = blocks.event[frame]!;
    labels.refusePrepayment(event);
    labels.lower(event, 0);
    if (blocks.isLoop[frame]) {
      if (!this.#isHandler.has(event)) {
        this.#isHandler.add(event);
        labels.isChanged = true;
      }
      return;
    }
    labels.arrive(event, FAR, -1, false);
  }
}
