/**
 * Finds out what is owed at the labels of a function, and where its checks are gathered, before placement.ts walks it: that
 * would take three to four walks with all that belongs to one. It follows the same rules, but knows nothing of where the
 * counter is. Placement holds on to what it finds itself: where this is wrong, that takes another walk.
 *
 * Its walk is the first over a function, and so takes the records of code-recorder.ts apart into the rows of the flow, now that it is
 * known which calls pass the counter: a walk for that alone took a tenth of all the time.
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
import * as records from './code-records.ts';
import * as costs from './cost-model.ts';
import * as edges from './debt-edges.ts';
import * as flows from './flow.ts';
import type { FunctionFlow } from './function-flow.ts';
import * as taken from './function-flow.ts';
import type { GatheredChecks } from './gathered-checks.ts';
import * as gathered from './gathered-checks.ts';
import * as inserted from './insertions.ts';
import type { Labels } from './labels.ts';
import * as labels from './labels.ts';
import type { StraightLoops } from './straight-loops.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { ARGUMENT_SHIFT, COST_SHIFT, DISTANCE_SHIFT, KIND_BITS, KIND_MASK, LAST_EVENT } = records;
const { MAX_DISTANCE, MAX_RECORD_COST, RECORD } = records;
const { CALL_SHARE, CHECK_INTERVAL } = costs;
const { DebtEdges, EDGE_WIDTH, putEdge, UNPAID_EDGE, unpaidLabel } = edges;
const { ARG, BODY, BOUND_MASK, EVENT_WIDTH, FLOW, FLOW_COST_SHIFT, KIND_AND_COST, LABEL_TRAIT, OFFSET } =
  flows;
const { NOT_PASSING } = taken;
const { MAX_CALL_CHECKS } = gathered;
const { clearRow } = inserted;
const { UNSET } = labels;

/** A check at the head of one loop can make one at that of another unnecessary. A walk that is cut short is never the last. */
const MAX_WALKS = 6;
/** Beyond any distance from a check that counts. */
const FAR: number = CHECK_INTERVAL + 1;
const REFUSED = -UNSET;
/** Far from all. */
const NO_EVENT = -4 * EVENT_WIDTH;

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
/** Of a loop: how many are around its inside, and how many calls stand before it that know nothing of the counter, or throws. */
const LOOPS = 5;
const CALLS_BEFORE = 6;
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
   * Fills the rows of the function that `flow` holds, with nothing inserted, and the debts of its labels. `isPassing` if it takes the
   * counter and gives it back.
   */
  run(mayUseLocal: boolean, isPassing: boolean): void {
    const flow = this.#flow;
    const { labels } = flow;
    this.#mayUseLocal = mayUseLocal;
    // What most functions do; found wrong, it takes another walk.
    this.#branchesPay = mayUseLocal;
    if (this.#paths.length < labels << WIDTH_SHIFT) this.#paths = new Int32Array(labels << (WIDTH_SHIFT + 1));
    for (let walk = 0, isCut = false; walk < MAX_WALKS || isCut; walk++) {
      this.#start();
      const { isAtEntry } = this.#checks;
      const isMoved = this.#checks.gather(this.#walk());
      isCut = isAtEntry !== this.#checks.isAtEntry;
      if (isCut) continue;
      const branchesPay = mayUseLocal && flow.countsThroughout(isPassing);
      if (!isMoved && (branchesPay === this.#branchesPay || !flow.hasLoops)) break;
      this.#branchesPay = branchesPay;
    }
    const { debts } = this.#labels;
    this.#edges.lower(debts, labels);
    if ((isPassing || flow.hasPassingCalls) && this.#prepay()) this.#edges.lower(debts, labels);
  }

  #start(): void {
    const { labels, wordsFrom, wordsTo } = this.#flow;
    this.#labels.forget();
    this.#checks.startWalk();
    const paths = this.#paths;
    for (let at = 0; at < labels << WIDTH_SHIFT; at += 1 << WIDTH_SHIFT) {
      paths[at + SINCE] = 0;
      paths[at + CHECKED] = UNSET;
      paths[at + FLAGS] = 0;
      paths[at + UNPAID] = UNSET;
    }
    // Each word is one event at most.
    this.#edges.reserve(wordsTo - wordsFrom, labels);
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
    const { words, wordsFrom, wordsTo, rows, traits } = flow;
    const { numbers } = this.#edges;
    let event = 0;
    let offset = flow.codeStart;
    /** Of the next record, what it costs, and its argument, as far as it has no room for them itself. */
    let own = 0;
    let more = 0;
    /** Calls so far that know nothing of the counter, and throws; and those that pass it. */
    let calls = 0;
    let passingCalls = 0;
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
    /** Where it is noted what the next straight code costs: of the label that it follows, or of the body's, where nobody looks. */
    let ahead = AHEAD;
    /** The loop that opened last, if control comes to it, and what was pending there: it may turn out to be a straight one. */
    let head = NO_EVENT;
    let headFrom = BODY;
    let headCost = 0;
    let headEdges = 0;
    for (let i = wordsFrom; i < wordsTo; i++) {
      const word = words[i]!;
      const kind = word & KIND_MASK;
      if (kind > LAST_EVENT) {
        if (kind === RECORD.moreCost) own += word >>> KIND_BITS;
        else if (kind === RECORD.moreDistance) offset += word >>> KIND_BITS;
        else if (kind === RECORD.moreArgument) more = word >>> KIND_BITS;
        else if (kind !== RECORD.oddLength) {
          offset += (word >>> DISTANCE_SHIFT) & MAX_DISTANCE;
          if (kind === RECORD.edit) i++;
        }
        continue;
      }
      offset += (word >>> DISTANCE_SHIFT) & MAX_DISTANCE;
      own += (word >>> COST_SHIFT) & MAX_RECORD_COST;
      const label = more + (word >>> ARGUMENT_SHIFT);
      more = 0;
      clearRow(rows, event);
      rows[event + OFFSET] = offset;
      rows[event + KIND_AND_COST] = kind | (own << FLOW_COST_SHIFT);
      rows[event + ARG] = label;
      paths[ahead] = own;
      ahead = AHEAD;
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
          paths[at + CALLS_BEFORE] = calls;
          if (isDead) break;
          pays = false;
          head = event;
          headFrom = from;
          headCost = cost;
          headEdges = edgesEnd;
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
            if (calls > paths[at + CALLS_BEFORE]!) traits[label]! |= LABEL_TRAIT.calls;
            if (head + 2 * EVENT_WIDTH !== event || !this.#mayUseLocal || !flow.isStraightLoop(head)) break;
            from = headFrom;
            cost = headCost + own;
            edgesEnd = headEdges;
            since = this.#straight.counts(head) ? 0 : flow.costOf(head + EVENT_WIDTH);
            checked = loopDepth;
            pays = false;
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
          ahead = at + AHEAD;
          break;
        case FLOW.branch:
        case FLOW.branchIf:
        case FLOW.payingBranch:
        case RECORD.castBranch:
          if (kind === RECORD.castBranch)
            rows[event + KIND_AND_COST] = FLOW.branchIf | (own << FLOW_COST_SHIFT);
          if (isDead) break;
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
        case FLOW.branchTable: {
          const first = words[i + 1]!;
          // The argument says how many labels there are but for the last. Each is an event; the first has the cost of all.
          for (let left = label; ; left--) {
            const to = words[++i]!;
            const row = event + KIND_AND_COST;
            rows[row] = (left > 0 ? FLOW.branchTableLabel : FLOW.branchTable) | (own << FLOW_COST_SHIFT);
            rows[event + ARG] = to;
            if (!isDead) {
              if (to !== BODY) {
                edgesEnd = putEdge(numbers, edgesEnd, from, cost, to);
                if ((traits[to]! & LABEL_TRAIT.loop) === 0) {
                  paths[(to << WIDTH_SHIFT) + UNPAID] = REFUSED;
                  this.#arrive(to, since, checked);
                } else if (checked < paths[(to << WIDTH_SHIFT) + LOOPS]!) {
                  checks.noteBranch(to);
                  since = 0;
                  checked = loopDepth;
                }
              }
              // One charge serves all: no more is owed at each than at the one before, and at the first than at the last.
              from = to;
              cost = 0;
            }
            if (left === 0) break;
            own = 0;
            event += EVENT_WIDTH;
            clearRow(rows, event);
            rows[event + OFFSET] = offset;
          }
          pays = false;
          if (!isDead && label > 0 && first !== BODY) edgesEnd = putEdge(numbers, edgesEnd, from, 0, first);
          isDead = true;
          break;
        }
        case FLOW.tailCall:
        case FLOW.call:
        case RECORD.directCall: {
          let bound = 0;
          const passed = kind === RECORD.directCall ? flow.passedTo(label) : NOT_PASSING;
          if (passed === NOT_PASSING) {
            calls++;
            if (kind === RECORD.directCall) {
              rows[event + KIND_AND_COST] = FLOW.call | (own << FLOW_COST_SHIFT);
              rows[event + ARG] = 0;
            }
          } else {
            passingCalls++;
            rows[event + KIND_AND_COST] = FLOW.passingCall | (own << FLOW_COST_SHIFT);
            rows[event + ARG] = passed;
            bound = passed & BOUND_MASK;
          }
          if (isDead) break;
          from = BODY;
          cost = 0;
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
        case FLOW.throw:
          calls++;
          isDead = true;
          break;
        case FLOW.leave:
        case FLOW.trap:
          isDead = true;
          break;
        case FLOW.handler:
          if (isDead || label === BODY) break;
          paths[at + UNPAID] = REFUSED;
          edgesEnd = putEdge(numbers, edgesEnd, BODY, 0, label);
          if ((traits[label]! & LABEL_TRAIT.loop) === 0) this.#arrive(label, FAR, -1);
          break;
        default:
      }
      event += EVENT_WIDTH;
      own = 0;
    }
    flow.end = event;
    flow.hasCalls = calls > 0;
    flow.hasPassingCalls = passingCalls > 0;
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
