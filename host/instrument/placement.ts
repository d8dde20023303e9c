/**
 * Decides where a function is charged and checked, by walking its control flow (flow.ts) from its entry to its end.
 *
 * Cost is carried along as `pending` until something demands it: a call, an exit, or a label at which less is owed.
 * What is owed at a label is the least that any arrival brings. Since later arrivals can bring less than earlier ones
 * relied on, debt-estimate.ts finds out beforehand; where it was wrong, the walk is repeated, and labels in dispute are
 * owed nothing.
 *
 * Invariants (`docs/fuel.md` is the definition):
 * 1. Along any path that is completed, charges sum up to the cost of its instructions. None is negative, and none is for
 *    more than the way ahead is certain to cost, so that a budget of exactly what is needed suffices.
 * 2. At a call and at a `throw`, nothing is pending; before one that does not take the counter, nothing is in it
 *    (`isDirty` is false where the counter is certain to be zero).
 * 3. `since` is at least what any path has charged or carried in this function since its last check; above CHECK_INTERVAL
 *    a check is added. `checked` is the depth of loops up to which every path has met a check since their heads; -1
 *    means not even since the entry. A branch to a loop's head needs the loop's own depth, a call needs 0.
 * 4. What callers paid ahead (least-costs.ts) is used up at every call and exit.
 * 5. A charge may be enlarged (`openSlot`) only by the straight code it stands in and, where that ends at a label, by the
 *    straight code behind the label.
 * 6. A check of the local counter finds what was counted since it was emptied. So whatever empties it on the way to a call or a
 *    handler looks at the account: otherwise a turn of a loop, or of a recursion, could be checked each time and be found out never.
 */
import { ChargeSlots } from './charge-slots.ts';
import * as costs from './cost-model.ts';
import type { CountedLoop } from './counted-loop.ts';
import { DebtEstimate } from './debt-estimate.ts';
import * as flows from './flow.ts';
import type { FunctionFlow } from './function-flow.ts';
import { GatheredChecks } from './gathered-checks.ts';
import * as inserted from './insertions.ts';
import { Labels } from './labels.ts';
import { PathAccount } from './path-account.ts';
import { StraightLoops } from './straight-loops.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { CHECK_INTERVAL } = costs;
const { ARG, BODY, BOUND_MASK, EVENT_WIDTH, FLOW, FLOW_COST_SHIFT, FLOW_KIND_MASK } = flows;
const { KIND_AND_COST, LABEL_TRAIT, LEAST_SHIFT } = flows;
const { INSERTION, slotBehind } = inserted;

/** Beyond any `since` that counts. */
const FAR: number = CHECK_INTERVAL + 1;
/** Walks after which nothing is owed at any label. Of two million events of compilers' code, none is walked twice. */
const PATIENCE = 4;
/** The label of no loop. */
const NOWHERE = -1;

/** One object serves all functions of a module; the state at merges and forks is in `#labels`. */
export class ChargePlacement {
  readonly #flow: FunctionFlow;
  readonly #slots: ChargeSlots;
  readonly #labels = new Labels();
  readonly #checks = new GatheredChecks();
  readonly #estimate: DebtEstimate;
  readonly #straight: StraightLoops;
  readonly #path: PathAccount;
  /** The label of each loop around, by how many are around it. */
  readonly #loops: Int32Array;
  /** Label of the block whose code counts in `c`: the body's, that of a loop, or NOWHERE. Blocks in it have higher ones. */
  #localFrame = NOWHERE;
  #mayUseLocal = true;
  #isPassing = false;
  /** Whether all of the function counts in the local counter. */
  #countsThroughout = false;
  /** Loops that a handler leads to: control arrives at their head by a way that nothing can be written on. */
  readonly #isHandler = new Set<number>();

  constructor(bytes: Uint8Array, flow: FunctionFlow, maxDepth: number) {
    this.#flow = flow;
    this.#slots = new ChargeSlots(flow);
    this.#path = new PathAccount(this.#slots);
    this.#straight = new StraightLoops(bytes, flow, this.#slots);
    this.#loops = new Int32Array(maxDepth + 2);
    this.#estimate = new DebtEstimate(flow, this.#labels, this.#checks, this.#straight, this.#loops);
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
    this.#checks.enter(this.#flow);
    this.#labels.enter(this.#flow);
    this.#straight.enter();
    this.#estimate.run(mayUseLocal, isPassing);
    if (this.#flow.isFree) return;
    this.#countsThroughout = mayUseLocal && this.#flow.countsThroughout(isPassing);
    for (let walk = 0; ; walk++) {
      if (walk === PATIENCE) this.#labels.remit();
      if (walk > 0) this.#flow.clearInsertions();
      this.#walk();
      if (!this.#checks.gather(this.#path.callChecks) && !this.#labels.isChanged) return;
    }
  }

  #walk(): void {
    const path = this.#path;
    const slots = this.#slots;
    const flow = this.#flow;
    const { rows, end } = flow;
    this.#labels.startWalk();
    slots.reset();
    if (this.#straight.counted.length > 0) this.#straight.counted.length = 0;
    this.#checks.startWalk();
    path.enter(this.#isPassing, flow.prepaid);
    this.#countLocallyIn(this.#countsThroughout ? BODY : NOWHERE);
    for (let event = 0; event < end; event += EVENT_WIDTH) {
      const arg = rows[event + ARG]!;
      const kindAndCost = rows[event + KIND_AND_COST]!;
      if (!path.isDead) path.pass(kindAndCost >>> FLOW_COST_SHIFT, event);
      switch (kindAndCost & FLOW_KIND_MASK) {
        case FLOW.entry:
          slots.close(event);
          if (this.#checks.isAtEntry) path.charge(event, 0, true);
          break;
        case FLOW.try:
          if (path.isDead) this.#labels.openDead(arg);
          break;
        case FLOW.loop:
          if (this.#mayUseLocal && !path.isDead && this.#straight.has(event))
            event = this.#straightLoop(event);
          else this.#loop(arg, event);
          break;
        case FLOW.if:
          this.#if(arg, event);
          break;
        case FLOW.else:
          if (!path.isDead) this.#arrive(arg, event);
          this.#otherArm(arg);
          slots.close(slotBehind(event));
          break;
        case FLOW.catch:
          this.#catch(arg, event);
          break;
        case FLOW.end:
          if (arg === BODY) path.leave(event, !flow.isBodyTarget);
          else this.#end(arg, event);
          break;
        case FLOW.branch:
          if (arg === BODY) path.leave(event, false);
          else if (!path.isDead) this.#arrive(arg, event);
          path.isDead = true;
          break;
        case FLOW.payingBranch:
          if (path.isDead) break;
          if (!this.#countsThroughout || !this.#payingBranch(arg, event)) this.#arrive(arg, event);
          slots.close(slotBehind(event));
          break;
        case FLOW.branchIf:
          if (path.isDead) break;
          this.#arrive(arg, event);
          slots.close(slotBehind(event));
          break;
        case FLOW.branchTableLabel:
        case FLOW.branchTable:
          if (!path.isDead) event = this.#branchTable(event);
          break;
        case FLOW.leave:
          path.leave(event, true);
          break;
        case FLOW.tailCall:
          path.call(event);
          path.isDead = true;
          break;
        case FLOW.trap:
          path.isDead = true;
          break;
        case FLOW.throw:
          path.throw(event);
          break;
        case FLOW.call:
          path.call(event);
          this.#noteCall();
          break;
        case FLOW.passingCall:
          if (path.isDead) break;
          path.passingCall(event, arg & BOUND_MASK, arg >>> LEAST_SHIFT);
          this.#noteCall();
          path.isDirty = true;
          slots.usesCounter = true;
          break;
        case FLOW.handler:
          this.#handler(arg);
          break;
        default:
      }
    }
  }

  /** Which loop the check before a call stands in, if that one is the only one. */
  #noteCall(): void {
    const { callChecks, loopDepth } = this.#path;
    if (callChecks === 1) this.#checks.noteCall(loopDepth > 0 ? this.#loops[loopDepth]! : NOWHERE);
  }

  #countLocallyIn(frame: number): void {
    this.#localFrame = frame;
    this.#path.isLocal = frame >= BODY;
  }

  #loop(label: number, slot: number): void {
    const path = this.#path;
    const isCallFree = (this.#flow.traits[label]! & LABEL_TRAIT.calls) === 0;
    if (path.isDead) {
      path.loopDepth++;
      return;
    }
    // Arriving from above is an arrival like any other, but that it needs no check.
    this.#reduceTo(label, slot, false);
    this.#labels.openLoop(label, ++path.loopDepth, path.isDirty);
    this.#loops[path.loopDepth] = label;
    if (this.#localFrame < BODY && isCallFree && this.#mayUseLocal) this.#countLocallyIn(label);
    // Its second turn starts with what the first one counted.
    if (this.#localFrame >= BODY) path.isDirty = true;
    this.#slots.close(slot + 1);
    if (this.#isHandler.has(label) || this.#checks.isAtHead(label)) path.charge(slot + 1, 0, true);
  }

  /** A loop that straight-loops.ts knows. Returns the event of its end. */
  #straightLoop(event: number): number {
    const branch = event + EVENT_WIDTH;
    const end = branch + EVENT_WIDTH;
    this.#straight.place(event);
    this.#path.isDirty = true;
    this.#path.pending += this.#flow.costOf(end);
    this.#path.noteCheck();
    this.#path.since = this.#straight.counts(event) ? 0 : this.#flow.costOf(branch);
    this.#slots.close(slotBehind(end));
    return end;
  }

  #if(label: number, slot: number): void {
    const path = this.#path;
    if (path.isDead) this.#labels.openDead(label);
    // Without an `else`, this is where control arrives at the end from.
    else if (this.#labels.hasOneArm(label)) this.#reduceTo(label, slot, false);
    this.#labels.openArm(label, path.pending, path.since, path.checked, path.isDirty);
    this.#slots.close(slot + 1);
  }

  #otherArm(label: number): void {
    const path = this.#path;
    const labels = this.#labels;
    path.pending = labels.testPending(label);
    path.since = labels.testSince(label);
    path.checked = labels.testChecked(label);
    path.isDirty = labels.testDirty(label);
    path.isDead = labels.wasDead(label);
  }

  #catch(label: number, slot: number): void {
    const path = this.#path;
    if (!path.isDead) this.#arrive(label, slot);
    path.isDead = this.#labels.wasDead(label);
    // Whatever threw had nothing pending.
    path.pending = 0;
    path.since = FAR;
    path.checked = -1;
    path.isDirty = false;
    this.#slots.close(slot + 1);
  }

  #end(label: number, slot: number): void {
    const path = this.#path;
    const labels = this.#labels;
    if (labels.isLoop(label)) {
      path.loopDepth--;
      path.checked = Math.min(path.checked, path.loopDepth);
      if (this.#localFrame === label) this.#countLocallyIn(NOWHERE);
      return;
    }
    if (labels.hasOneArm(label) && !labels.wasDead(label)) labels.arriveFromTest(label);
    if (!labels.isReached(label)) return;
    if (!path.isDead) this.#arrive(label, slot);
    path.isDead = false;
    path.pending = labels.owed(label);
    path.since = labels.since(label);
    path.checked = Math.min(labels.checked(label), path.loopDepth);
    path.isDirty = labels.isDirty(label);
    this.#slots.close(slot + 1);
  }

  #reduceTo(label: number, slot: number, needsCheck: boolean): void {
    const path = this.#path;
    const excess = path.pending - this.#labels.lower(label, path.pending);
    if (excess > 0 || needsCheck) path.charge(slot, excess, needsCheck);
    path.pending -= excess;
  }

  /** Control may go from here to a label; `slot` is before the instruction. */
  #arrive(label: number, slot: number): void {
    const path = this.#path;
    const labels = this.#labels;
    if (label === BODY && this.#isPassing) {
      path.payAll(slot);
      return;
    }
    if (label === BODY) {
      path.settle(slot);
      return;
    }
    if (labels.isLoop(label)) {
      const mustSettle = path.isDirty && !labels.isDirty(label) && !this.#isLocal(label);
      if (mustSettle) {
        const excess = path.pending - labels.lower(label, path.pending);
        path.put(slot, INSERTION.settle, excess, true);
        path.pending -= excess;
        path.isDirty = false;
      } else {
        const needsCheck = path.checked < labels.loops(label);
        if (needsCheck) this.#checks.noteBranch(label);
        this.#reduceTo(label, slot, needsCheck);
      }
      return;
    }
    this.#reduceTo(label, slot, false);
    labels.arrive(label, path.since, path.checked, path.isDirty);
  }

  /** A branch that may go on, and pays what it has to if it goes. False if something else stands in its place. */
  #payingBranch(label: number, slot: number): boolean {
    const path = this.#path;
    const labels = this.#labels;
    if (!this.#slots.isFree(slot)) return false;
    const excess = path.pending - labels.lower(label, path.pending);
    if (excess > 0) {
      this.#slots.set(slot, INSERTION.payingBranch, excess);
      this.#slots.usesCounter = true;
    }
    labels.arrive(label, path.since, path.checked, path.isDirty || excess > 0);
    return true;
  }

  #isLocal(label: number): boolean {
    return this.#localFrame >= BODY && label >= this.#localFrame;
  }

  #branchTable(from: number): number {
    const to = this.#labels.lowerAll(this.#flow, from, this.#path.pending);
    for (let event = from; event <= to; event += EVENT_WIDTH) this.#arrive(this.#flow.argOf(event), from);
    this.#path.isDead = true;
    return to;
  }

  #handler(label: number): void {
    const labels = this.#labels;
    if (this.#path.isDead || label === BODY) return;
    labels.lower(label, 0);
    if (labels.isLoop(label)) {
      if (!this.#isHandler.has(label)) {
        this.#isHandler.add(label);
        labels.isChanged = true;
      }
      return;
    }
    labels.arrive(label, FAR, -1, false);
  }
}
