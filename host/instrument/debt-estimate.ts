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
import * as costs from './cost-model.ts';
import * as edges from './debt-edges.ts';
import * as flows from './flow.ts';
import type { FunctionFlow } from './function-flow.ts';
import type { GatheredChecks } from './gathered-checks.ts';
import * as gathered from './gathered-checks.ts';
import type { Labels } from './labels.ts';
import * as labels from './labels.ts';
import type { StraightLoops } from './straight-loops.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { CALL_SHARE, CHECK_INTERVAL } = costs;
const { DebtEdges, EDGE_WIDTH, putEdge, UNPAID_EDGE, unpaidLabel } = edges;
const { ARG, BODY, BOUND_MASK, EVENT_WIDTH, FLOW, FLOW_COST_SHIFT, FLOW_KIND_MASK } = flows;
const { KIND_AND_COST, LABEL_TRAIT } = flows;
const { MAX_CALL_CHECKS } = gathered;
const { UNSET } = labels;

/** A check at the head of one loop can make one at that of another unnecessary. A walk that is cut short is never the last. */
const MAX_WALKS = 6;
/** Beyond any distance from a check that counts. */
const FAR: number = CHECK_INTERVAL + 1;
const REFUSED = -UNSET;

/** Of the numbers for each label: what has arrived there, and where control was at the test of an `if`. */
const WIDTH_SHIFT = 3;
const SINCE = 0;
const CHECKED = 1;
const FLAGS = 2;
/** The least that an arrival brings which pays nothing of what comes before; REFUSED if there is one that should not pay. */
const UNPAID = 3;
/** What the straight code behind it costs. */
const AHEAD = 4;
const TEST_FROM = 4;
const TEST_COST = 5;
const TEST_SINCE = 6;
const TEST_CHECKED = 7;
/** Of a loop: how many are around its inside. */
const LOOPS = 5;
/** Of FLAGS. */
const REACHED = 1;
const WAS_DEAD = 2;

export class DebtEstimate {
  readonly #flow: FunctionFlow;
  readonly #labels: Labels;
  readonly #checks: GatheredChecks;
  readonly #straight: StraightLoops;
  /** The label of each loop around, by how many are around it. */
  readonly #loops: Int32Array;
  #mayUseLocal = true;
  #branchesPay = false;
  #paths = new Int32Array(256 << WIDTH_SHIFT);
  readonly #edges = new DebtEdges();

  constructor(
    flow: FunctionFlow,
    labels: Labels,
    checks: GatheredChecks,
    straight: StraightLoops,
    loops: Int32Array,
  ) {
    this.#flow = flow;
    this.#labels = labels;
    this.#checks = checks;
    this.#straight = straight;
    this.#loops = loops;
  }

  /**
   * Fills the debts of the function that `flow` holds; `prepays` if labels may come to be paid for ahead, `countsThroughout` if
   * all of it counts in the local counter, so that branches can pay where they go.
   */
  run(mayUseLocal: boolean, prepays: boolean, countsThroughout: boolean): void {
    this.#mayUseLocal = mayUseLocal;
    this.#branchesPay = countsThroughout;
    const { labels } = this.#flow;
    if (this.#paths.length < labels << WIDTH_SHIFT) this.#paths = new Int32Array(labels << (WIDTH_SHIFT + 1));
    for (let walk = 0, isCut = false; walk < MAX_WALKS || isCut; walk++) {
      this.#start();
      const { isAtEntry } = this.#checks;
      if (!this.#checks.gather(this.#walk())) break;
      isCut = isAtEntry !== this.#checks.isAtEntry;
    }
    const { debts } = this.#labels;
    this.#edges.lower(debts, labels);
    if (prepays && this.#prepay()) this.#edges.lower(debts, labels);
  }

  #start(): void {
    const { labels, events } = this.#flow;
    this.#labels.forget();
    this.#checks.startWalk();
    const paths = this.#paths;
    for (let at = 0; at < labels << WIDTH_SHIFT; at += 1 << WIDTH_SHIFT) {
      paths[at + SINCE] = 0;
      paths[at + CHECKED] = UNSET;
      paths[at + FLAGS] = 0;
      paths[at + UNPAID] = UNSET;
    }
    this.#edges.reserve(events, labels);
  }

  #arrive(label: number, since: number, checked: number): void {
    const paths = this.#paths;
    const at = label << WIDTH_SHIFT;
    // Without branches, which the machine cannot foresee.
    paths[at] = Math.max(since | 0, paths[at]!);
    paths[at + CHECKED] = Math.min(checked | 0, paths[at + CHECKED]!);
    paths[at + FLAGS]! |= REACHED;
  }

  /** Returns how many calls have to be checked themselves; not all of them if these are enough for a check at the entry. */
  #walk(): number {
    const flow = this.#flow;
    const checks = this.#checks;
    const paths = this.#paths;
    const { rows, end, traits } = flow;
    const { numbers } = this.#edges;
    let edgesEnd = 0;
    const { isAtEntry } = checks;
    const branchesPay = this.#branchesPay;
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
    /** The first event of a `br_table`; -1 outside of one. */
    let tableStart = -1;
    for (let event = 0; event < end; event += EVENT_WIDTH) {
      const kindAndCost = rows[event + KIND_AND_COST]!;
      const kind = kindAndCost & FLOW_KIND_MASK;
      const label = rows[event + ARG]!;
      if (!isDead) {
        const own = kindAndCost >>> FLOW_COST_SHIFT;
        cost += own;
        since += own;
        if (since > CHECK_INTERVAL) {
          from = BODY;
          cost = 0;
          since = 0;
          checked = loopDepth;
          pays = true;
        }
      } else if (kind > FLOW.end) continue;
      const at = label << WIDTH_SHIFT;
      switch (kind) {
        case FLOW.entry:
          if (isAtEntry) since = 0;
          break;
        case FLOW.try:
          if (isDead) paths[at + FLAGS] = WAS_DEAD;
          break;
        case FLOW.loop:
          loopDepth++;
          if (isDead) break;
          pays = false;
          if (this.#mayUseLocal && flow.isStraightLoop(event)) {
            since = this.#straight.counts(event) ? 0 : flow.costOf(event + EVENT_WIDTH);
            event += 2 * EVENT_WIDTH;
            cost += flow.costOf(event);
            checked = --loopDepth;
            break;
          }
          edgesEnd = putEdge(numbers, edgesEnd, from, cost, label);
          from = label;
          cost = 0;
          paths[at + LOOPS] = loopDepth;
          this.#loops[loopDepth] = label;
          if (checks.isAtHead(label)) {
            since = 0;
            checked = loopDepth;
            pays = true;
          }
          break;
        case FLOW.if:
          if (isDead) paths[at + FLAGS] = WAS_DEAD;
          else if ((traits[label]! & LABEL_TRAIT.oneArm) !== 0) {
            // This is where control arrives at the end from.
            edgesEnd = putEdge(numbers, edgesEnd, from, cost, label);
            from = label;
            cost = 0;
          }
          paths[at + TEST_FROM] = from;
          paths[at + TEST_COST] = cost;
          paths[at + TEST_SINCE] = since;
          paths[at + TEST_CHECKED] = checked;
          pays = false;
          break;
        case FLOW.else:
        case FLOW.catch:
          if (!isDead) {
            if (kind === FLOW.catch) paths[at + UNPAID] = REFUSED;
            edgesEnd = putEdge(numbers, edgesEnd, from, cost, pays ? label : label | UNPAID_EDGE);
            this.#arrive(label, since, checked);
          }
          isDead = (paths[at + FLAGS]! & WAS_DEAD) !== 0;
          pays = false;
          if (kind === FLOW.else) {
            from = paths[at + TEST_FROM]!;
            cost = paths[at + TEST_COST]!;
            since = paths[at + TEST_SINCE]!;
            checked = paths[at + TEST_CHECKED]!;
          } else {
            from = BODY;
            cost = 0;
            since = FAR;
            checked = -1;
          }
          break;
        case FLOW.end:
          if (label === BODY) break;
          if ((traits[label]! & LABEL_TRAIT.loop) !== 0) {
            if (checked > --loopDepth) checked = loopDepth;
            break;
          }
          if ((traits[label]! & LABEL_TRAIT.oneArm) !== 0 && (paths[at + FLAGS]! & WAS_DEAD) === 0) {
            paths[at + UNPAID] = REFUSED;
            this.#arrive(label, paths[at + TEST_SINCE]!, paths[at + TEST_CHECKED]!);
          }
          if ((paths[at + FLAGS]! & REACHED) === 0) break;
          if (!isDead) {
            edgesEnd = putEdge(numbers, edgesEnd, from, cost, pays ? label : label | UNPAID_EDGE);
            this.#arrive(label, since, checked);
          }
          isDead = false;
          from = label;
          cost = 0;
          since = paths[at + SINCE]!;
          checked = paths[at + CHECKED]!;
          if (checked > loopDepth) checked = loopDepth;
          pays = false;
          paths[at + AHEAD] = flow.costOf(event + EVENT_WIDTH);
          break;
        case FLOW.branch:
        case FLOW.branchIf:
        case FLOW.payingBranch:
          if (label !== BODY) {
            if ((traits[label]! & LABEL_TRAIT.loop) !== 0) {
              edgesEnd = putEdge(numbers, edgesEnd, from, cost, label);
              if (checked < paths[at + LOOPS]!) {
                checks.noteBranch(label);
                since = 0;
                checked = loopDepth;
              }
            } else {
              if (kind !== FLOW.branch) paths[at + UNPAID] = REFUSED;
              edgesEnd = putEdge(numbers, edgesEnd, from, cost, pays ? label : label | UNPAID_EDGE);
              this.#arrive(label, since, checked);
            }
          }
          pays = false;
          if (branchesPay && kind === FLOW.payingBranch) break;
          from = label;
          cost = 0;
          isDead = kind === FLOW.branch;
          break;
        case FLOW.branchTableLabel:
        case FLOW.branchTable:
          if (label !== BODY) {
            edgesEnd = putEdge(numbers, edgesEnd, from, cost, label);
            if ((traits[label]! & LABEL_TRAIT.loop) === 0) {
              paths[at + UNPAID] = REFUSED;
              this.#arrive(label, since, checked);
            } else if (checked < paths[at + LOOPS]!) {
              checks.noteBranch(label);
              since = 0;
              checked = loopDepth;
            }
          }
          // One charge serves all: no more is owed at each than at the one before, and at the first than at the last.
          from = label;
          cost = 0;
          pays = false;
          if (kind === FLOW.branchTableLabel) {
            if (tableStart < 0) tableStart = event;
            break;
          }
          if (tableStart >= 0 && flow.argOf(tableStart) !== BODY)
            edgesEnd = putEdge(numbers, edgesEnd, label, 0, flow.argOf(tableStart));
          tableStart = -1;
          isDead = true;
          break;
        case FLOW.tailCall:
        case FLOW.call:
        case FLOW.passingCall: {
          from = BODY;
          cost = 0;
          const bound = label & BOUND_MASK;
          if (bound > 0 && checked < 0 && since + bound <= CHECK_INTERVAL) {
            since += bound;
            pays = false;
            break;
          }
          if (checked < 0 || since + CALL_SHARE > CHECK_INTERVAL) {
            if (checked < 0 && ++callChecks === 1)
              checks.noteCall(loopDepth > 0 ? this.#loops[loopDepth]! : -1);
            // There will be a check at the entry: all that follows is different.
            if (callChecks > MAX_CALL_CHECKS) return callChecks;
            since = 0;
            checked = loopDepth;
          }
          since += CALL_SHARE;
          pays = true;
          isDead = kind === FLOW.tailCall;
          break;
        }
        case FLOW.leave:
        case FLOW.trap:
        case FLOW.throw:
          isDead = true;
          break;
        case FLOW.handler:
          if (label === BODY) break;
          paths[at + UNPAID] = REFUSED;
          edgesEnd = putEdge(numbers, edgesEnd, BODY, 0, label);
          if ((traits[label]! & LABEL_TRAIT.loop) === 0) this.#arrive(label, FAR, -1);
          break;
        default:
      }
    }
    this.#edges.end = edgesEnd;
    return callChecks;
  }

  /** Makes labels be paid for ahead; whether there are any. */
  #prepay(): boolean {
    const { debts } = this.#labels;
    const { labels } = this.#flow;
    const paths = this.#paths;
    const { numbers, end } = this.#edges;
    for (let edge = 0; edge < end; edge += EDGE_WIDTH) {
      const pending = (debts[numbers[edge]!]! + numbers[edge + 1]!) | 0;
      // Without a branch: what pays is noted of the body's label, where nobody looks.
      const at = (unpaidLabel(numbers[edge + 2]!) << WIDTH_SHIFT) + UNPAID;
      paths[at] = Math.min(paths[at]!, pending);
    }
    let isAny = false;
    for (let label = 1; label < labels; label++) {
      const at = label << WIDTH_SHIFT;
      if (debts[label]! < 0 || debts[label]! >= paths[at + UNPAID]! || (paths[at + FLAGS]! & REACHED) === 0)
        continue;
      const ahead = paths[at + AHEAD]!;
      if (ahead === 0 || ahead > CHECK_INTERVAL) continue;
      debts[label] = -ahead;
      isAny = true;
    }
    return isAny;
  }
}
