/**
 * Finds out what is owed at the labels of a function, and where its checks are gathered, before placement.ts walks it: that
 * would take three to four walks with all that belongs to one. It follows the same rules, but knows nothing of where the
 * counter is. Placement holds on to what it finds itself: where this is wrong, that takes another walk.
 *
 * Whatever is pending at a point is the debt of the last label that control passed, and what was executed since: behind a
 * branch that may go elsewhere, no more is pending than is owed there, and what is owed there is no more than that. So debts
 * are shortest ways from where nothing is pending (the entry, the last call), each arrival at a label being an edge. One walk
 * writes the edges down; going over them, which does not touch the code, lowers debts until nothing changes.
 *
 * Where all that lead to a label pay something anyway, and go nowhere else, they pay for the straight code behind it, too
 * (owed is negative then): one addition for all of what would be two on each way, which wait for each other.
 *
 * What callers paid ahead (least-costs.ts) is pending at the entry as a negative number, and may still be at a label.
 *
 * Invariant, which placement relies on: more is paid ahead here only for labels that nothing leads to which might go elsewhere.
 * So the last walk sees every arrival, and no edge begins at such a label but behind all that was paid ahead.
 */
import { CALL_SHARE, CHECK_INTERVAL } from '../cost-model.ts';
import { Ints } from './arrays.ts';
import { DebtEdges, EDGE_WIDTH, putEdge, UNPAID_EDGE, unpaidLabel } from './debt-edges.ts';
import { BODY, BOUND_MASK, EVENT_WIDTH, FlowKind, LabelTrait } from './flow.ts';
import { FunctionFlow } from './function-flow.ts';
import { GatheredChecks, MAX_CALL_CHECKS } from './gathered-checks.ts';
import { LabelPath, PATH_SHIFT, REACHED, WAS_DEAD } from './label-path.ts';
import { Labels, UNSET } from './labels.ts';
import { StraightLoops } from './straight-loops.ts';

/** The label of no loop. */
const NOWHERE = -1;
/** A check at the head of one loop can make one at that of another unnecessary. A walk that is cut short is never the last. */
const MAX_WALKS = 6;
/** Beyond any distance from a check that counts. */
const FAR: i32 = CHECK_INTERVAL + 1;
const REFUSED: i32 = -UNSET;

@final
export class DebtEstimate {
  private readonly flow: FunctionFlow;
  private readonly labels: Labels;
  private readonly checks: GatheredChecks;
  private readonly straight: StraightLoops;
  /** The label of each loop around, by how many are around it. */
  private readonly loops: Ints;
  private mayUseLocal: bool = true;
  private branchesPay: bool = false;
  private paths: Ints = Ints.of(256 << PATH_SHIFT);
  private readonly edges: DebtEdges = new DebtEdges();

  constructor(
    flow: FunctionFlow,
    labels: Labels,
    checks: GatheredChecks,
    straight: StraightLoops,
    loops: Ints,
  ) {
    this.flow = flow;
    this.labels = labels;
    this.checks = checks;
    this.straight = straight;
    this.loops = loops;
  }

  /** Fills the debts of the labels of the function that `flow` holds. `isPassing` if it takes the counter and gives it back. */
  run(mayUseLocal: bool, isPassing: bool): void {
    const flow = this.flow;
    const labels = flow.labels;
    this.mayUseLocal = mayUseLocal;
    this.branchesPay = mayUseLocal && flow.countsThroughout(isPassing);
    if (this.paths.length < labels << PATH_SHIFT)
      this.paths = Ints.of(max(labels << PATH_SHIFT, this.paths.length * 2));
    this.edges.reserve(flow.events, labels);
    for (let walk = 0, isCut = false; walk < MAX_WALKS || isCut; walk++) {
      this.start();
      const isAtEntry = this.checks.isAtEntry;
      if (!this.checks.gather(this.walk())) break;
      isCut = isAtEntry !== this.checks.isAtEntry;
    }
    const debts = this.labels.debts;
    this.edges.lower(debts, labels);
    if ((isPassing || flow.hasPassingCalls) && this.prepay()) this.edges.lower(debts, labels);
  }

  private start(): void {
    this.labels.forget();
    this.checks.startWalk();
    for (let label = 0; label < this.flow.labels; label++) {
      const path = this.pathTo(label);
      path.since = 0;
      path.checked = UNSET;
      path.flags = 0;
      path.unpaid = UNSET;
    }
  }

  @inline
  private pathTo(label: i32): LabelPath {
    return changetype<LabelPath>(this.paths.addressOf(label << PATH_SHIFT, 1 << PATH_SHIFT));
  }

  /** Returns how many calls have to be checked themselves; not all of them if these are enough for a check at the entry. */
  private walk(): i32 {
    const flow = this.flow;
    const checks = this.checks;
    const end = flow.end;
    const traits = flow.traits;
    const numbers = this.edges.numbers;
    const isAtEntry = checks.isAtEntry;
    const branchesPay = this.branchesPay;
    let edgesEnd = 0;
    /** Calls so far that know nothing of the counter, and throws. */
    let calls = 0;
    /** What is pending: the debt of a label, and the cost since. */
    let from = BODY;
    let cost = 0 - flow.prepaid;
    /** The most that was executed since the last check, and the depth of loops up to which there was one. */
    let since = 0;
    let checked = isAtEntry ? 0 : -1;
    let loopDepth = 0;
    /** Whether something is paid in this straight piece of code. */
    let pays = isAtEntry;
    let isDead = false;
    let callChecks = 0;
    /** The label that the next straight code follows, where it is noted what that costs; else the body's, where nobody looks. */
    const body = this.pathTo(BODY);
    let before = body;
    for (let event = 0; event < end; event += EVENT_WIDTH) {
      const row = flow.at(event);
      const label = row.arg;
      const kind = row.kind;
      const own = row.cost;
      before.ahead = own;
      before = body;
      if (!isDead) {
        cost += own;
        since += own;
        if (since > CHECK_INTERVAL) {
          from = BODY;
          cost = 0;
          since = 0;
          checked = loopDepth;
          pays = true;
        }
      }
      switch (kind) {
        case FlowKind.Entry:
          if (isAtEntry) since = 0;
          break;
        case FlowKind.Try:
          if (isDead) this.pathTo(label).flags = WAS_DEAD;
          break;
        case FlowKind.Loop: {
          if (!isDead && this.mayUseLocal && flow.isStraightLoop(event)) {
            since = this.straight.sinceCheck(event);
            checked = loopDepth;
            pays = false;
            event += 2 * EVENT_WIDTH;
            cost += flow.at(event).cost;
            break;
          }
          const path = this.pathTo(label);
          loopDepth++;
          path.callsBefore = calls;
          if (isDead) break;
          pays = false;
          edgesEnd = putEdge(numbers, edgesEnd, from, cost, label);
          from = label;
          cost = 0;
          path.loops = loopDepth;
          this.loops[loopDepth] = label;
          if (checks.isAtHead(label)) {
            since = 0;
            checked = loopDepth;
            pays = true;
          }
          break;
        }
        case FlowKind.If: {
          const path = this.pathTo(label);
          if (isDead) path.flags = WAS_DEAD;
          else if ((traits[label] & LabelTrait.OneArm) !== 0) {
            // This is where control arrives at the end from.
            edgesEnd = putEdge(numbers, edgesEnd, from, cost, label);
            from = label;
            cost = 0;
          }
          path.testFrom = from;
          path.testCost = cost;
          path.testSince = since;
          path.testChecked = checked;
          pays = false;
          break;
        }
        case FlowKind.Else:
        case FlowKind.Catch: {
          const path = this.pathTo(label);
          if (!isDead) {
            if (kind === FlowKind.Catch) path.unpaid = REFUSED;
            edgesEnd = putEdge(numbers, edgesEnd, from, cost, pays ? label : label | UNPAID_EDGE);
            path.arrive(since, checked);
          }
          isDead = (path.flags & WAS_DEAD) !== 0;
          pays = false;
          if (kind === FlowKind.Else) {
            from = path.testFrom;
            cost = path.testCost;
            since = path.testSince;
            checked = path.testChecked;
          } else {
            from = BODY;
            cost = 0;
            since = FAR;
            checked = -1;
          }
          break;
        }
        case FlowKind.End: {
          if (label === BODY) break;
          const path = this.pathTo(label);
          if ((traits[label] & LabelTrait.Loop) !== 0) {
            loopDepth--;
            checked = min(checked, loopDepth);
            if (calls > path.callsBefore) traits[label] |= LabelTrait.Calls;
            break;
          }
          if ((traits[label] & LabelTrait.OneArm) !== 0 && (path.flags & WAS_DEAD) === 0) {
            path.unpaid = REFUSED;
            path.arrive(path.testSince, path.testChecked);
          }
          if ((path.flags & REACHED) === 0) break;
          if (!isDead) {
            edgesEnd = putEdge(numbers, edgesEnd, from, cost, pays ? label : label | UNPAID_EDGE);
            path.arrive(since, checked);
          }
          isDead = false;
          from = label;
          cost = 0;
          since = path.since;
          checked = min(path.checked, loopDepth);
          pays = false;
          before = path;
          break;
        }
        case FlowKind.Branch:
        case FlowKind.BranchIf:
        case FlowKind.PayingBranch:
          if (isDead) break;
          if (label !== BODY) {
            const path = this.pathTo(label);
            if ((traits[label] & LabelTrait.Loop) !== 0) {
              edgesEnd = putEdge(numbers, edgesEnd, from, cost, label);
              if (checked < path.loops) {
                checks.noteBranch(label);
                since = 0;
                checked = loopDepth;
              }
            } else {
              if (kind !== FlowKind.Branch) path.unpaid = REFUSED;
              edgesEnd = putEdge(numbers, edgesEnd, from, cost, pays ? label : label | UNPAID_EDGE);
              path.arrive(since, checked);
            }
          }
          pays = false;
          if (branchesPay && kind === FlowKind.PayingBranch) break;
          from = label;
          cost = 0;
          isDead = kind === FlowKind.Branch;
          break;
        case FlowKind.BranchTableLabel:
        case FlowKind.BranchTable: {
          if (isDead) break;
          const first = event;
          for (;;) {
            const to = flow.at(event).arg;
            if (to !== BODY) {
              const path = this.pathTo(to);
              edgesEnd = putEdge(numbers, edgesEnd, from, cost, to);
              if ((traits[to] & LabelTrait.Loop) === 0) {
                path.unpaid = REFUSED;
                path.arrive(since, checked);
              } else if (checked < path.loops) {
                checks.noteBranch(to);
                since = 0;
                checked = loopDepth;
              }
            }
            // One charge serves all: no more is owed at each than at the one before, and at the first than at the last.
            from = to;
            cost = 0;
            if (flow.at(event).kind === FlowKind.BranchTable) break;
            event += EVENT_WIDTH;
          }
          if (event > first && label !== BODY) edgesEnd = putEdge(numbers, edgesEnd, from, 0, label);
          isDead = true;
          break;
        }
        case FlowKind.TailCall:
        case FlowKind.Call:
        case FlowKind.PassingCall: {
          if (kind !== FlowKind.PassingCall) calls++;
          if (isDead) break;
          from = BODY;
          cost = 0;
          const bound = kind === FlowKind.PassingCall ? label & BOUND_MASK : 0;
          if (bound > 0 && checked < 0 && since + bound <= CHECK_INTERVAL) {
            since += bound;
            pays = false;
            break;
          }
          if (checked < 0 || since + CALL_SHARE > CHECK_INTERVAL) {
            if (checked < 0 && ++callChecks === 1)
              checks.noteCall(loopDepth > 0 ? this.loops[loopDepth] : NOWHERE);
            // There will be a check at the entry: all that follows is different.
            if (callChecks > MAX_CALL_CHECKS) return callChecks;
            since = 0;
            checked = loopDepth;
          }
          since += CALL_SHARE;
          pays = true;
          isDead = kind === FlowKind.TailCall;
          break;
        }
        case FlowKind.Throw:
          calls++;
          isDead = true;
          break;
        case FlowKind.Leave:
        case FlowKind.Trap:
          isDead = true;
          break;
        case FlowKind.Handler: {
          if (isDead || label === BODY) break;
          const path = this.pathTo(label);
          path.unpaid = REFUSED;
          edgesEnd = putEdge(numbers, edgesEnd, BODY, 0, label);
          if ((traits[label] & LabelTrait.Loop) === 0) path.arrive(FAR, -1);
          break;
        }
        default:
      }
    }
    this.edges.end = edgesEnd;
    return callChecks;
  }

  /** Makes labels be paid for ahead; whether there are any. */
  private prepay(): bool {
    const debts = this.labels.debts;
    const numbers = this.edges.numbers;
    const end = this.edges.end;
    for (let edge = 0; edge < end; edge += EDGE_WIDTH) {
      const pending = debts[numbers[edge]] + numbers[edge + 1];
      // Without a branch: what pays is noted of the body's label, where nobody looks.
      const path = this.pathTo(unpaidLabel(numbers[edge + 2]));
      path.unpaid = min(path.unpaid, pending);
    }
    let isAny = false;
    for (let label = 1; label < this.flow.labels; label++) {
      const path = this.pathTo(label);
      if (debts[label] < 0 || debts[label] >= path.unpaid || (path.flags & REACHED) === 0) continue;
      const ahead = path.ahead;
      if (ahead === 0 || ahead > CHECK_INTERVAL) continue;
      debts[label] = -ahead;
      isAny = true;
    }
    return isAny;
  }
}
