import { CHECK_INTERVAL } from '../cost-model.ts';
import { Bytes, Ints } from './arrays.ts';
import { CodeRecorder, Trait } from './code-recorder.ts';
import { LAST_EVENT, RecordKind } from './code-records.ts';
import { EVENT_WIDTH, FLOW_COST_SHIFT, FlowEvent, FlowKind, LabelTrait, LEAST_SHIFT } from './flow.ts';
import { LeastCosts } from './least-costs.ts';
import { ModuleFacts } from './module-facts.ts';
import {
  ARGUMENT_SHIFT,
  COST_SHIFT,
  DISTANCE_SHIFT,
  KIND_BITS,
  KIND_MASK,
  MAX_DISTANCE,
  MAX_RECORD_COST,
} from './record-layout.ts';

/**
 * The control flow of one function as a flat array, and what is inserted at each of its events: plain data, which placement.ts
 * and debt-estimate.ts read several times over. One object serves all functions of a module.
 */
@final
export class FunctionFlow {
  /** EVENT_WIDTH numbers for each event (flow.ts, insertions.ts), and where they end. */
  rows: Ints = Ints.of(1_024 * EVENT_WIDTH);
  end: i32 = 0;
  /** What callers have paid ahead for this function. */
  prepaid: i32 = 0;
  /** How many labels it has, and LabelTrait bits of each. */
  labels: i32 = 0;
  traits: Bytes = Bytes.of(256);
  /** Whether anything calls what knows nothing of the counter, or throws. */
  hasCalls: bool = false;
  hasPassingCalls: bool = false;
  /** Whether a branch leads to the end of the body. */
  isBodyTarget: bool = false;
  hasLoops: bool = false;
  /** Whether anything in it costs: nothing is placed in one that is free. */
  isFree: bool = false;
  private readonly recorder: CodeRecorder;
  private readonly facts: ModuleFacts;
  private readonly callBounds: Ints;
  private readonly leastCosts: LeastCosts;

  constructor(recorder: CodeRecorder, facts: ModuleFacts, callBounds: Ints, leastCosts: LeastCosts) {
    this.recorder = recorder;
    this.facts = facts;
    this.callBounds = callBounds;
    this.leastCosts = leastCosts;
  }

  /** Takes up the defined function `index`, which all functions together know as `functionIndex`, with nothing inserted. */
  enter(index: i32, functionIndex: i32): void {
    const traits = this.recorder.traits[index];
    this.prepaid = this.leastCosts.of(functionIndex);
    this.isBodyTarget = (traits & Trait.IsBodyTarget) !== 0;
    this.hasLoops = (traits & Trait.HasLoops) !== 0;
    this.isFree = (traits & Trait.Costs) === 0;
    this.takeLabels(index);
    this.takeEvents(index);
  }

  /** Whether all of the function can count in the local counter. */
  countsThroughout(isPassing: bool): bool {
    return isPassing || this.hasPassingCalls || (this.hasLoops && !this.hasCalls);
  }

  /** Whether the loop that `event` opens is one piece of straight code with the branch to its head behind it. */
  isStraightLoop(event: i32): bool {
    const label = this.at(event).arg;
    const branch = this.at(event + EVENT_WIDTH);
    if (branch.kind !== FlowKind.BranchIf || branch.arg !== label || branch.cost > CHECK_INTERVAL)
      return false;
    const end = this.at(event + 2 * EVENT_WIDTH);
    return (
      end.kind === FlowKind.End &&
      end.arg === label &&
      this.traits[label] === (LabelTrait.Loop | LabelTrait.Branched)
    );
  }

  get events(): i32 {
    return this.end / EVENT_WIDTH;
  }

  @inline
  at(event: i32): FlowEvent {
    return changetype<FlowEvent>(this.rows.addressOf(event, EVENT_WIDTH));
  }

  /** Takes back all that was inserted. */
  clearInsertions(): void {
    for (let event = 0; event < this.end; event += EVENT_WIDTH) this.at(event).clear();
  }

  private takeLabels(index: i32): void {
    const from = this.recorder.labelStarts[index];
    const count = this.recorder.labelStarts[index + 1] - from;
    if (count > this.traits.length) this.traits = Bytes.of(max(count, this.traits.length * 2));
    // Of 20 labels in the mean: calling `memory.copy` takes longer.
    const to = this.traits;
    const labelTraits = this.recorder.labelTraits;
    for (let label = 0; label < count; label++) to[label] = labelTraits[from + label];
    this.labels = count;
  }

  /** Takes the records apart, now that it is known which calls pass the counter. */
  private takeEvents(index: i32): void {
    const words = this.recorder.words;
    const to = this.recorder.starts[index + 1];
    let i = this.recorder.starts[index];
    // Each word is one event at most.
    this.reserve(to - i);
    let event = 0;
    let offset = this.recorder.codeStarts[index];
    /** Of the next event, as far as its own record has no room for them. */
    let cost = 0;
    let arg = 0;
    this.hasCalls = false;
    this.hasPassingCalls = false;
    for (; i < to; i++) {
      const word = words[i];
      let kind = word & KIND_MASK;
      if (kind > LAST_EVENT) {
        if (kind === RecordKind.MoreCost) cost += word >>> KIND_BITS;
        else if (kind === RecordKind.MoreDistance) offset += word >>> KIND_BITS;
        else if (kind === RecordKind.MoreArgument) arg += word >>> KIND_BITS;
        else if (kind !== RecordKind.OddLength) {
          offset += (word >>> DISTANCE_SHIFT) & MAX_DISTANCE;
          if (kind === RecordKind.Edit) i++;
        }
        continue;
      }
      offset += (word >>> DISTANCE_SHIFT) & MAX_DISTANCE;
      cost += (word >>> COST_SHIFT) & MAX_RECORD_COST;
      arg += word >>> ARGUMENT_SHIFT;
      if (kind === RecordKind.BranchTable) {
        // Each label is an event; the first has the cost of all.
        for (let left = arg; left > 0; left--) {
          event = this.put(event, FlowKind.BranchTableLabel, cost, words[++i], offset);
          cost = 0;
        }
        arg = words[++i];
      } else if (kind === RecordKind.DirectCall) {
        const isPassing = this.facts.isPassing(arg);
        kind = isPassing ? FlowKind.PassingCall : FlowKind.Call;
        arg = isPassing ? this.callBounds[arg] | (this.leastCosts.of(arg) << LEAST_SHIFT) : 0;
        if (isPassing) this.hasPassingCalls = true;
        else this.hasCalls = true;
      } else if (kind === RecordKind.CastBranch) kind = FlowKind.BranchIf;
      else if (kind === RecordKind.Call || kind === RecordKind.TailCall || kind === RecordKind.Throw)
        this.hasCalls = true;
      event = this.put(event, kind, cost, arg, offset);
      cost = 0;
      arg = 0;
    }
    this.end = event;
  }

  /** Writes the row of an event, and returns where the next one goes. */
  @inline
  private put(event: i32, kind: i32, cost: i32, arg: i32, offset: i32): i32 {
    const row = this.at(event);
    row.clear();
    row.kindAndCost = kind | (cost << FLOW_COST_SHIFT);
    row.arg = arg;
    row.offset = offset;
    return event + EVENT_WIDTH;
  }

  private reserve(events: i32): void {
    const needed = events * EVENT_WIDTH;
    if (needed > this.rows.length) this.rows = Ints.of(max(needed, this.rows.length * 2));
  }
}
