import type { CodeRecorder } from './code-recorder.ts';
import * as recording from './code-recorder.ts';
import * as costs from './cost-model.ts';
import * as flows from './flow.ts';
import * as inserted from './insertions.ts';
import type { LeastCosts } from './least-costs.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { TRAIT } = recording;
const { CHECK_INTERVAL } = costs;
const { ARG, BOUND_MASK, EVENT_WIDTH, FLOW, FLOW_COST_SHIFT, FLOW_KIND_MASK } = flows;
const { KIND_AND_COST, LABEL_TRAIT, LEAST_SHIFT, OFFSET } = flows;
const { clearRow } = inserted;

const NO_WORDS = new Int32Array();

/** No ARG: the callee does not take the counter. */
export const NOT_PASSING = -1;

/**
 * The control flow of one function as a flat array, and what is inserted at each of its events: plain data, which placement.ts
 * reads several times over. Its rows are filled by debt-estimate.ts. One object serves all functions of a module.
 */
export class FunctionFlow {
  /** EVENT_WIDTH numbers for each event (flow.ts, insertions.ts), and where they end. */
  rows: Int32Array = new Int32Array(1_024 * EVENT_WIDTH);
  end = 0;
  /** What callers have paid ahead for this function. */
  prepaid = 0;
  /** How many labels it has, and LABEL_TRAIT bits of each. */
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
  /** Records of code-recorder.ts, and which of them are this function's; where its code starts. */
  words: Int32Array = NO_WORDS;
  wordsFrom = 0;
  wordsTo = 0;
  codeStart = 0;
  readonly #recorder: CodeRecorder;
  readonly #passing: Uint8Array;
  readonly #callBounds: Uint16Array;
  readonly #leastCosts: LeastCosts;

  constructor(recorder: CodeRecorder, passing: Uint8Array, callBounds: Uint16Array, leastCosts: LeastCosts) {
    this.#leastCosts = leastCosts;
    this.#recorder = recorder;
    this.#passing = passing;
    this.#callBounds = callBounds;
  }

  /** Takes up the defined function `index`, which all functions together know as `functionIndex`. */
  enter(index: number, functionIndex: number): void {
    this.prepaid = this.#leastCosts.of(functionIndex);
    const { words, starts, traits, codeStarts } = this.#recorder;
    this.words = words;
    this.wordsFrom = starts[index]!;
    this.wordsTo = starts[index + 1]!;
    this.codeStart = codeStarts[index]!;
    this.isBodyTarget = (traits[index]! & TRAIT.isBodyTarget) !== 0;
    this.hasLoops = (traits[index]! & TRAIT.hasLoops) !== 0;
    this.isFree = (traits[index]! & TRAIT.costs) === 0;
    this.#takeLabels(index);
    // Each word is one event at most.
    this.#reserve(this.wordsTo - this.wordsFrom);
  }

  /** Whether all of the function can count in the local counter. */
  countsThroughout(isPassing: boolean): boolean {
    return isPassing || this.hasPassingCalls || (this.hasLoops && !this.hasCalls);
  }

  /** The ARG of a call of that function, or NOT_PASSING. */
  passedTo(callee: number): number {
    if (this.#passing[callee] !== 1) return NOT_PASSING;
    return (this.#callBounds[callee]! & BOUND_MASK) | (this.#leastCosts.of(callee) << LEAST_SHIFT);
  }

  /** Whether the loop that `event` opens is one piece of straight code with the branch to its head behind it. */
  isStraightLoop(event: number): boolean {
    const branch = event + EVENT_WIDTH;
    const end = branch + EVENT_WIDTH;
    const { rows } = this;
    const label = rows[event + ARG]!;
    return (
      (rows[branch + KIND_AND_COST]! & FLOW_KIND_MASK) === FLOW.branchIf &&
      (rows[end + KIND_AND_COST]! & FLOW_KIND_MASK) === FLOW.end &&
      rows[branch + ARG] === label &&
      rows[end + ARG] === label &&
      this.traits[label] === (LABEL_TRAIT.loop | LABEL_TRAIT.branched) &&
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
    for (let event = 0; event < end; event += EVENT_WIDTH) clearRow(rows, event);
  }

  #takeLabels(index: number): void {
    const { labelTraits, labelStarts } = this.#recorder;
    const from = labelStarts[index]!;
    const count = labelStarts[index + 1]! - from;
    if (count > this.traits.length) this.traits = new Uint8Array(count * 2);
    // Of 20 labels in the mean: calling `set` takes longer.
    for (let label = 0; label < count; label++) this.traits[label] = labelTraits[from + label]!;
    this.labels = count;
  }

  #reserve(events: number): void {
    const needed = events * EVENT_WIDTH;
    if (needed > this.rows.length) this.rows = new Int32Array(Math.max(needed, this.rows.length * 2));
  }
}
