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
import { CHECK_INTERVAL } from '../cost-model.ts';
import { Ints } from './arrays.ts';
import { ChargeSlots } from './charge-slots.ts';
import { CountedLoops } from './counted-loop.ts';
import { DebtEstimate } from './debt-estimate.ts';
import { BODY, BOUND_MASK, EVENT_WIDTH, FlowKind, LabelTrait, LEAST_SHIFT } from './flow.ts';
import { FunctionFlow } from './function-flow.ts';
import { GatheredChecks } from './gathered-checks.ts';
import { Insertion, slotBehind } from './insertions.ts';
import { Labels } from './labels.ts';
import { PathAccount } from './path-account.ts';
import { StraightLoops } from './straight-loops.ts';

/** Beyond any `since` that counts. */
const FAR: i32 = CHECK_INTERVAL + 1;
/** Walks after which nothing is owed at any label. Of two million events of compilers' code, none is walked twice. */
const PATIENCE = 4;
/** The label of no loop. */
const NOWHERE = -1;

/** One object serves all functions of a module; the state at merges and forks is in `labels`. */
@final
export class ChargePlacement {
  private readonly flow: FunctionFlow;
  private readonly slots: ChargeSlots;
  private readonly labels: Labels;
  private readonly checks: GatheredChecks;
  private readonly estimate: DebtEstimate;
  private readonly straight: StraightLoops;
  private readonly path: PathAccount;
  /** The label of each loop around, by how many are around it. */
  private readonly loops: Ints;
  /** Label of the block whose code counts in `c`: the body's, that of a loop, or NOWHERE. Blocks in it have higher ones. */
  private localFrame: i32 = NOWHERE;
  private mayUseLocal: bool = true;
  private isPassing: bool = false;
  /** Whether all of the function counts in the local counter. */
  private countsThroughout: bool = false;

  constructor(flow: FunctionFlow, maxDepth: i32) {
    const slots = new ChargeSlots(flow);
    const labels = new Labels(flow);
    const checks = new GatheredChecks();
    const straight = new StraightLoops(flow, slots);
    const loops = Ints.of(maxDepth + 2);
    this.flow = flow;
    this.slots = slots;
    this.labels = labels;
    this.checks = checks;
    this.straight = straight;
    this.loops = loops;
    this.path = new PathAccount(slots);
    this.estimate = new DebtEstimate(flow, labels, checks, straight, loops);
  }

  /** Whether the function placed last counts in a local. */
  get usesCounter(): bool {
    return this.slots.usesCounter;
  }

  /** Of the function placed last: its loops that are charged for many turns at once. */
  get countedLoops(): CountedLoops {
    return this.straight.counted;
  }

  /** Fills the insertions of the function that `flow` holds. */
  place(mayUseLocal: bool, isPassing: bool): void {
    if (this.flow.isFree) return;
    this.isPassing = isPassing;
    this.mayUseLocal = mayUseLocal;
    this.checks.enter(this.flow);
    this.labels.enter(this.flow);
    this.estimate.run(mayUseLocal, isPassing);
    this.countsThroughout = mayUseLocal && this.flow.countsThroughout(isPassing);
    for (let walk = 0; ; walk++) {
      if (walk === PATIENCE) this.labels.remit();
      if (walk > 0) this.flow.clearInsertions();
      this.walk();
      if (!this.checks.gather(this.path.callChecks) && !this.labels.isChanged) return;
    }
  }

  private walk(): void {
    const path = this.path;
    const slots = this.slots;
    const flow = this.flow;
    const end = flow.end;
    this.labels.startWalk();
    slots.reset();
    this.straight.startWalk();
    this.checks.startWalk();
    path.enter(this.isPassing, flow.prepaid);
    this.countLocallyIn(this.countsThroughout ? BODY : NOWHERE);
    for (let event = 0; event < end; event += EVENT_WIDTH) {
      const row = flow.at(event);
      const arg = row.arg;
      if (!path.isDead) path.pass(row.cost, event);
      switch (row.kind) {
        case FlowKind.Entry:
          slots.close(event);
          if (this.checks.isAtEntry) path.charge(event, 0, true);
          break;
        case FlowKind.Try:
          if (path.isDead) this.labels.openDead(arg);
          break;
        case FlowKind.Loop:
          if (this.mayUseLocal && !path.isDead && this.straight.has(event)) event = this.straightLoop(event);
          else this.loop(arg, event);
          break;
        case FlowKind.If:
          this.if(arg, event);
          break;
        case FlowKind.Else:
          if (!path.isDead) this.arrive(arg, event);
          this.otherArm(arg);
          slots.close(slotBehind(event));
          break;
        case FlowKind.Catch:
          this.catch(arg, event);
          break;
        case FlowKind.End:
          if (arg === BODY) path.leave(event, !flow.isBodyTarget);
          else this.end(arg, event);
          break;
        case FlowKind.Branch:
          if (arg === BODY) path.leave(event, false);
          else if (!path.isDead) this.arrive(arg, event);
          path.isDead = true;
          break;
        case FlowKind.PayingBranch:
          if (path.isDead) break;
          if (!this.countsThroughout || !this.payingBranch(arg, event)) this.arrive(arg, event);
          slots.close(slotBehind(event));
          break;
        case FlowKind.BranchIf:
          if (path.isDead) break;
          this.arrive(arg, event);
          slots.close(slotBehind(event));
          break;
        case FlowKind.BranchTableLabel:
        case FlowKind.BranchTable:
          if (!path.isDead) event = this.branchTable(event);
          break;
        case FlowKind.Leave:
          path.leave(event, true);
          break;
        case FlowKind.TailCall:
          path.call(event);
          path.isDead = true;
          break;
        case FlowKind.Trap:
          path.isDead = true;
          break;
        case FlowKind.Throw:
          path.throw(event);
          break;
        case FlowKind.Call:
          path.call(event);
          this.noteCall();
          break;
        case FlowKind.PassingCall:
          if (path.isDead) break;
          path.passingCall(event, arg & BOUND_MASK, arg >>> LEAST_SHIFT);
          this.noteCall();
          path.isDirty = true;
          slots.usesCounter = true;
          break;
        case FlowKind.Handler:
          this.handler(arg);
          break;
        default:
      }
    }
  }

  /** Which loop the check before a call stands in, if that one is the only one. */
  private noteCall(): void {
    const loopDepth = this.path.loopDepth;
    if (this.path.callChecks === 1) this.checks.noteCall(loopDepth > 0 ? this.loops[loopDepth] : NOWHERE);
  }

  private countLocallyIn(frame: i32): void {
    this.localFrame = frame;
    this.path.isLocal = frame >= BODY;
  }

  private loop(label: i32, slot: i32): void {
    const path = this.path;
    const isCallFree = (this.flow.traits[label] & LabelTrait.Calls) === 0;
    if (path.isDead) {
      path.loopDepth++;
      return;
    }
    // Arriving from above is an arrival like any other, but that it needs no check.
    this.reduceTo(label, slot, false);
    this.labels.openLoop(label, ++path.loopDepth, path.isDirty);
    this.loops[path.loopDepth] = label;
    if (this.localFrame < BODY && isCallFree && this.mayUseLocal) this.countLocallyIn(label);
    // Its second turn starts with what the first one counted.
    if (this.localFrame >= BODY) path.isDirty = true;
    this.slots.close(slot + 1);
    if (this.isHandled(label) || this.checks.isAtHead(label)) path.charge(slot + 1, 0, true);
  }

  /** A loop that straight-loops.ts knows. Returns the event of its end. */
  private straightLoop(event: i32): i32 {
    const end = event + 2 * EVENT_WIDTH;
    const since = this.straight.place(event);
    this.path.isDirty = true;
    this.path.pending += this.flow.at(end).cost;
    this.path.noteCheck();
    this.path.since = since;
    this.slots.close(slotBehind(end));
    return end;
  }

  private if(label: i32, slot: i32): void {
    const path = this.path;
    if (path.isDead) this.labels.openDead(label);
    // Without an `else`, this is where control arrives at the end from.
    else if (this.labels.hasOneArm(label)) this.reduceTo(label, slot, false);
    this.labels.openArm(label, path.pending, path.since, path.checked, path.isDirty);
    this.slots.close(slot + 1);
  }

  private otherArm(label: i32): void {
    const path = this.path;
    const labels = this.labels;
    path.pending = labels.testPending(label);
    path.since = labels.testSince(label);
    path.checked = labels.testChecked(label);
    path.isDirty = labels.testDirty(label);
    path.isDead = labels.wasDead(label);
  }

  private catch(label: i32, slot: i32): void {
    const path = this.path;
    if (!path.isDead) this.arrive(label, slot);
    path.isDead = this.labels.wasDead(label);
    // Whatever threw had nothing pending.
    path.pending = 0;
    path.since = FAR;
    path.checked = -1;
    path.isDirty = false;
    this.slots.close(slot + 1);
  }

  private end(label: i32, slot: i32): void {
    const path = this.path;
    const labels = this.labels;
    if (labels.isLoop(label)) {
      path.loopDepth--;
      path.checked = min(path.checked, path.loopDepth);
      if (this.localFrame === label) this.countLocallyIn(NOWHERE);
      return;
    }
    if (labels.hasOneArm(label) && !labels.wasDead(label)) labels.arriveFromTest(label);
    if (!labels.isReached(label)) return;
    if (!path.isDead) this.arrive(label, slot);
    path.isDead = false;
    path.pending = labels.owed(label);
    path.since = labels.since(label);
    path.checked = min(labels.checked(label), path.loopDepth);
    path.isDirty = labels.isDirty(label);
    this.slots.close(slot + 1);
  }

  private reduceTo(label: i32, slot: i32, needsCheck: bool): void {
    const path = this.path;
    const excess = path.pending - this.labels.lower(label, path.pending);
    if (excess > 0 || needsCheck) path.charge(slot, excess, needsCheck);
    path.pending -= excess;
  }

  /** Control may go from here to a label; `slot` is before the instruction. */
  private arrive(label: i32, slot: i32): void {
    const path = this.path;
    const labels = this.labels;
    if (label === BODY && this.isPassing) {
      path.payAll(slot);
      return;
    }
    if (label === BODY) {
      path.settle(slot);
      return;
    }
    if (labels.isLoop(label)) {
      const mustSettle = path.isDirty && !labels.isDirty(label) && !this.isLocal(label);
      if (mustSettle) {
        const excess = path.pending - labels.lower(label, path.pending);
        path.put(slot, Insertion.Settle, excess, true);
        path.pending -= excess;
        path.isDirty = false;
      } else {
        const needsCheck = path.checked < labels.loops(label);
        if (needsCheck) this.checks.noteBranch(label);
        this.reduceTo(label, slot, needsCheck);
      }
      return;
    }
    this.reduceTo(label, slot, false);
    labels.arrive(label, path.since, path.checked, path.isDirty);
  }

  /** A branch that may go on, and pays what it has to if it goes. False if something else stands in its place. */
  private payingBranch(label: i32, slot: i32): bool {
    const path = this.path;
    const labels = this.labels;
    if (!this.slots.isFree(slot)) return false;
    const excess = path.pending - labels.lower(label, path.pending);
    if (excess > 0) {
      this.slots.set(slot, Insertion.PayingBranch, excess);
      this.slots.usesCounter = true;
    }
    labels.arrive(label, path.since, path.checked, path.isDirty || excess > 0);
    return true;
  }

  private isHandled(label: i32): bool {
    return (this.flow.traits[label] & LabelTrait.Handled) !== 0;
  }

  private isLocal(label: i32): bool {
    return this.localFrame >= BODY && label >= this.localFrame;
  }

  private branchTable(from: i32): i32 {
    const to = this.labels.lowerAll(this.flow, from, this.path.pending);
    for (let event = from; event <= to; event += EVENT_WIDTH) this.arrive(this.flow.at(event).arg, from);
    this.path.isDead = true;
    return to;
  }

  private handler(label: i32): void {
    const labels = this.labels;
    if (this.path.isDead || label === BODY) return;
    labels.lower(label, 0);
    if (labels.isLoop(label)) {
      if (!this.isHandled(label)) {
        this.flow.traits[label] |= LabelTrait.Handled;
        labels.isChanged = true;
      }
      return;
    }
    labels.arrive(label, FAR, -1, false);
  }
}
