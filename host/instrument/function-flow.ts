import type { CodeRecorder } from './code-recorder.ts';
import * as recording from './code-recorder.ts';
import * as records from './code-records.ts';
import * as costs from './cost-model.ts';
import * as flows from './flow.ts';
import * as inserted from './insertions.ts';
import type { LeastCosts } from './least-costs.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { TRAIT } = recording;
const { ARGUMENT_SHIFT, COST_SHIFT, DISTANCE_SHIFT, KIND_BITS, KIND_MASK, LAST_EVENT } = records;
const { MAX_DISTANCE, MAX_RECORD_COST, RECORD } = records;
const { CHECK_INTERVAL } = costs;
const { ARG, BOUND_MASK, EVENT_WIDTH, FLOW, FLOW_COST_SHIFT, FLOW_KIND_MASK } = flows;
const { KIND_AND_COST, LABEL_TRAIT, LEAST_SHIFT, OFFSET } = flows;
const { PUSHED, slotBehind } = inserted;

/** No bound of a callee's cost: it does not take the counter. */
const NOT_PASSING = -1;

/**
 * The control flow of one function as a flat array, and what is inserted at each of its events: plain data, which placement.ts
 * reads several times over. Made from the records of code-recorder.ts, now that it is known which calls pass the counter. One
 * object serves all functions of a module.
 */
export class FunctionFlow {
  /** EVENT_WIDTH numbers for each event (flow.ts, insertions.ts), and where they end. */
  rows: Int32Array = new Int32Array(1_024 * EVENT_WIDTH);
  end = 0;
  /** What callers have paid ahead for this function. */
  prepaid = 0;
  /** LABEL_TRAIT bits of each label. */
  labels = 0;
  traits: Uint8Array = new Uint8Array(256);
  /** Whether anything calls what knows nothing of the counter, or throws. */
  hasCalls = false;
  hasPassingCalls = false;
  /** Whether a branch leads to the end of the body. */
  isBodyTarget = false;
  hasLoops = false;
  /** Whether anything in it costs: nothing is placed in one that is free. */
  isFree = false;
  readonly #recorder: CodeRecorder;
  readonly #passing: Uint8Array;
  readonly #callBounds: Uint16Array;
  readonly #leastCosts: LeastCosts;
  /** By a loop's label: how many calls that know nothing of the counter, or throws, stand before it. */
  #callsBefore = new Int32Array(256);

  constructor(recorder: CodeRecorder, passing: Uint8Array, callBounds: Uint16Array, leastCosts: LeastCosts) {
    this.#leastCosts = leastCosts;
    this.#recorder = recorder;
    this.#passing = passing;
    this.#callBounds = callBounds;
  }

  /** Takes up the defined function `index`, which all functions together know as `functionIndex`. */
  read(index: number, functionIndex: number): void {
    this.prepaid = this.#leastCosts.of(functionIndex);
    const { words, starts, traits, codeStarts } = this.#recorder;
    const to = starts[index + 1]!;
    this.isBodyTarget = (traits[index]! & TRAIT.isBodyTarget) !== 0;
    this.hasLoops = (traits[index]! & TRAIT.hasLoops) !== 0;
    this.isFree = (traits[index]! & TRAIT.costs) === 0;
    this.hasPassingCalls = false;
    this.#takeLabels(index);
    // Each is one event at most, or a label of a `br_table`.
    this.#reserve(to - starts[index]!);
    const { rows } = this;
    let event = 0;
    let offset = codeStarts[index]!;
    let cost = 0;
    /** Of the next record, what it has no room for itself. */
    let more = 0;
    /** Of calls that know nothing of the counter, and throws. */
    let calls = 0;
    for (let i = starts[index]!; i < to; i++) {
      const word = words[i]!;
      const kind = word & KIND_MASK;
      if (kind > LAST_EVENT) {
        if (kind === RECORD.moreCost) cost += word >>> KIND_BITS;
        else if (kind === RECORD.moreDistance) offset += word >>> KIND_BITS;
        else if (kind === RECORD.moreArgument) more = word >>> KIND_BITS;
        else if (kind !== RECORD.oddLength) {
          offset += (word >>> DISTANCE_SHIFT) & MAX_DISTANCE;
          if (kind === RECORD.edit) i++;
        }
        continue;
      }
      offset += (word >>> DISTANCE_SHIFT) & MAX_DISTANCE;
      cost += (word >>> COST_SHIFT) & MAX_RECORD_COST;
      let argument = more + (word >>> ARGUMENT_SHIFT);
      more = 0;
      let flowKind: number = kind;
      switch (kind) {
        case FLOW.end:
          if (this.hasLoops) this.#close(argument, calls);
          break;
        case FLOW.loop:
          this.#callsBefore[argument] = calls;
          break;
        case RECORD.directCall:
          argument = this.#directCall(argument);
          flowKind = FLOW.passingCall;
          if (argument !== NOT_PASSING) break;
          argument = 0;
          flowKind = FLOW.call;
          calls++;
          break;
        case FLOW.tailCall:
        case FLOW.throw:
        case FLOW.call:
          calls++;
          break;
        case RECORD.castBranch:
          flowKind = FLOW.branchIf;
          break;
        case FLOW.branchTable:
          // All labels but for the last one. The first has the cost of all.
          for (; argument > 0; argument--) {
            this.#put(event, FLOW.branchTableLabel | (cost << FLOW_COST_SHIFT), words[++i]!, offset);
            event += EVENT_WIDTH;
            cost = 0;
          }
          argument = words[++i]!;
          break;
        default:
      }
      rows[event] = 0;
      rows[slotBehind(event)] = 0;
      rows[event + PUSHED] = 0;
      rows[event + KIND_AND_COST] = flowKind | (cost << FLOW_COST_SHIFT);
      // What a method gave may be anything to the engine: without an operation on integers it would come as a floating-point number.
      rows[event + ARG] = argument | 0;
      rows[event + OFFSET] = offset;
      event += EVENT_WIDTH;
      cost = 0;
    }
    this.end = event;
    this.hasCalls = calls > 0;
  }

  /** Whether the loop that `event` opens is one piece of straight code with the branch to its head behind it. */
  isStraightLoop(event: number): boolean {
    const branch = event + EVENT_WIDTH;
    const end = branch + EVENT_WIDTH;
    const { rows } = this;
    return (
      end < this.end &&
      (rows[branch + KIND_AND_COST]! & FLOW_KIND_MASK) === FLOW.branchIf &&
      (rows[end + KIND_AND_COST]! & FLOW_KIND_MASK) === FLOW.end &&
      rows[branch + ARG] === rows[event + ARG] &&
      this.traits[rows[event + ARG]!] === (LABEL_TRAIT.loop | LABEL_TRAIT.branched) &&
      this.costOf(branch) <= CHECK_INTERVAL
    );
  }

  get events(): number {
    return this.end / EVENT_WIDTH;
  }

  kindOf(event: number): number {
    return this.rows[event + KIND_AND_COST]! & FLOW_KIND_MASK;
  }

  /** Of the straight code before the event, its own instruction included. */
  costOf(event: number): number {
    return this.rows[event + KIND_AND_COST]! >>> FLOW_COST_SHIFT;
  }

  argOf(event: number): number {
    return this.rows[event + ARG]!;
  }

  offsetOf(event: number): number {
    return this.rows[event + OFFSET]!;
  }

  /** Takes back all that was inserted. */
  clearInsertions(): void {
    const { rows, end } = this;
    // Values without a kind say nothing.
    for (let event = 0; event < end; event += EVENT_WIDTH) {
      rows[event] = 0;
      rows[slotBehind(event)] = 0;
      rows[event + PUSHED] = 0;
    }
  }

  #takeLabels(index: number): void {
    const { labelTraits, labelStarts } = this.#recorder;
    const from = labelStarts[index]!;
    const count = labelStarts[index + 1]! - from;
    if (count > this.traits.length) {
      this.traits = new Uint8Array(count * 2);
      this.#callsBefore = new Int32Array(count * 2);
    }
    // Of 20 labels in the mean: calling `set` takes longer.
    for (let label = 0; label < count; label++) this.traits[label] = labelTraits[from + label]!;
    this.labels = count;
  }

  /** The block of that label ends, behind `calls` calls. */
  #close(label: number, calls: number): void {
    if ((this.traits[label]! & LABEL_TRAIT.loop) !== 0 && calls > this.#callsBefore[label]!)
      this.traits[label]! |= LABEL_TRAIT.calls;
  }

  /** The ARG of a call of that function, or NOT_PASSING. */
  #directCall(callee: number): number {
    if (this.#passing[callee] !== 1) return NOT_PASSING;
    this.hasPassingCalls = true;
    return (this.#callBounds[callee]! & BOUND_MASK) | (this.#leastCosts.of(callee) << LEAST_SHIFT);
  }

  #put(event: number, kindAndCost: number, argument: number, offset: number): void {
    const { rows } = this;
    rows[event] = 0;
    rows[slotBehind(event)] = 0;
    rows[event + PUSHED] = 0;
    rows[event + KIND_AND_COST] = kindAndCost;
    rows[event + ARG] = argument;
    rows[event + OFFSET] = offset;
  }

  #reserve(events: number): void {
    const needed = events * EVENT_WIDTH;
    if (needed > this.rows.length) this.rows = new Int32Array(Math.max(needed, this.rows.length * 2));
  }
}
