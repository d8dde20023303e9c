import type { CodeRecorder } from './code-recorder.ts';
import * as recording from './code-recorder.ts';
import * as records from './code-records.ts';
import * as costs from './cost-model.ts';
import * as flows from './flow.ts';
import * as inserted from './insertions.ts';
import type { LeastCosts } from './least-costs.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { TRAIT } = recording;
const { COST_SHIFT, DISTANCE_SHIFT, KIND_MASK, LAST_EVENT, MAX_RECORD_COST, RECORD, moreOf, wordPair } =
  records;
const { CHECK_INTERVAL } = costs;
const { ARG, BODY, BOUND_MASK, EVENT_WIDTH, FLOW, FLOW_COST_SHIFT, FLOW_KIND_MASK } = flows;
const { KIND_AND_COST, LABEL_TRAIT, LEAST_SHIFT, OFFSET } = flows;
const { PUSHED, slotBehind } = inserted;

const EMPTY_BLOCK = 0x40;
const BR_IF = 0x0d;

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
  /** Labels are numbered in the order in which their blocks open, the body's is BODY. LABEL_TRAIT bits of each. */
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
  readonly #bytes: Uint8Array;
  readonly #recorder: CodeRecorder;
  readonly #passing: Uint8Array;
  readonly #callBounds: Uint16Array;
  readonly #leastCosts: LeastCosts;
  /** By depth, the body's being 0: the label of a block, and whether anything calls in it. */
  readonly #openLabels: Int32Array;
  readonly #openCalls: Uint8Array;
  #depth = 0;
  /** Loops around. */
  #loopDepth = 0;
  /** Behind the integer read last. */
  #pos = 0;

  constructor(
    bytes: Uint8Array,
    recorder: CodeRecorder,
    passing: Uint8Array,
    callBounds: Uint16Array,
    leastCosts: LeastCosts,
  ) {
    this.#leastCosts = leastCosts;
    this.#bytes = bytes;
    this.#recorder = recorder;
    this.#passing = passing;
    this.#callBounds = callBounds;
    this.#openLabels = new Int32Array(recorder.maxDepth + 2);
    this.#openCalls = new Uint8Array(recorder.maxDepth + 2);
  }

  /** Takes up the defined function `index`, which all functions together know as `functionIndex`. */
  read(index: number, functionIndex: number): void {
    this.prepaid = this.#leastCosts.of(functionIndex);
    const { words, starts, traits, codeStarts } = this.#recorder;
    const to = starts[index + 1]!;
    this.isBodyTarget = (traits[index]! & TRAIT.isBodyTarget) !== 0;
    this.hasLoops = (traits[index]! & TRAIT.hasLoops) !== 0;
    this.isFree = (traits[index]! & TRAIT.costs) === 0;
    this.hasCalls = false;
    this.hasPassingCalls = false;
    this.end = 0;
    this.labels = 0;
    this.#depth = -1;
    this.#loopDepth = 0;
    // Each is one event at most but a `br_table`, whose labels are read as they come.
    this.#reserve(to - starts[index]!);
    this.#open(0);
    const bytes = this.#bytes;
    let { rows } = this;
    let event = 0;
    let offset = codeStarts[index]!;
    let cost = 0;
    /** Whether the instruction is longer than usual. */
    let isOdd = false;
    for (let i = starts[index]!; i < to; i++) {
      const word = words[i]!;
      const kind = word & KIND_MASK;
      if (kind > LAST_EVENT) {
        if (kind === RECORD.moreCost) cost += moreOf(words, i++);
        else if (kind === RECORD.moreDistance) offset += moreOf(words, i++);
        else if (kind === RECORD.oddLength) isOdd = true;
        else {
          offset += word >>> DISTANCE_SHIFT;
          if (kind === RECORD.block) this.#open(bytes[offset + 1] === EMPTY_BLOCK ? LABEL_TRAIT.void : 0);
          else if (kind === RECORD.edit) i += 3;
        }
        continue;
      }
      offset += word >>> DISTANCE_SHIFT;
      cost += (word >>> COST_SHIFT) & MAX_RECORD_COST;
      rows[event] = 0;
      rows[slotBehind(event)] = 0;
      rows[event + PUSHED] = 0;
      rows[event + OFFSET] = offset;
      let flowKind: number = kind;
      let arg = 0;
      switch (kind) {
        case FLOW.branchIf:
        case FLOW.branch: {
          const label = bytes[offset + 1]!;
          arg = this.#branchTo(label < 0x80 ? label : this.#integer(offset + 1));
          if (this.#loopDepth > 0 && (this.traits[arg]! & LABEL_TRAIT.void) !== 0 && bytes[offset] === BR_IF)
            flowKind = FLOW.payingBranch;
          break;
        }
        case FLOW.end:
          arg = this.#close();
          break;
        case RECORD.directCall:
          arg = this.#directCall(offset + 1);
          flowKind = arg === NOT_PASSING ? FLOW.call : FLOW.passingCall;
          if (arg === NOT_PASSING) arg = 0;
          break;
        case FLOW.loop:
          // A block type of more than one byte may have parameters.
          arg = this.#open(isOdd ? LABEL_TRAIT.loop | LABEL_TRAIT.params : LABEL_TRAIT.loop);
          this.#loopDepth++;
          break;
        case FLOW.if:
          arg = this.#open(
            bytes[offset + 1] === EMPTY_BLOCK ? LABEL_TRAIT.oneArm | LABEL_TRAIT.void : LABEL_TRAIT.oneArm,
          );
          break;
        case FLOW.try:
          arg = this.#open(0);
          break;
        case FLOW.else:
          arg = this.#labelAt(0);
          this.traits[arg]! &= ~LABEL_TRAIT.oneArm;
          break;
        case FLOW.catch:
          arg = this.#labelAt(0);
          break;
        case FLOW.branchTable:
          // A sum, as each step here is one, is known to be an integer; what a method returns is not.
          event += this.#branchTable(event, offset, cost, to - i) * EVENT_WIDTH;
          rows = this.rows;
          cost = 0;
          continue;
        case FLOW.tailCall:
        case FLOW.throw:
        case FLOW.call:
          this.hasCalls = true;
          this.#openCalls[this.#depth] = 1;
          break;
        case FLOW.handler:
          arg = this.#labelAt(wordPair(words, i + 1));
          i += 2;
          break;
        case RECORD.castBranch:
          flowKind = FLOW.branchIf;
          arg = this.#branchTo(wordPair(words, i + 1));
          i += 2;
          break;
        default:
      }
      rows[event + KIND_AND_COST] = flowKind | (cost << FLOW_COST_SHIFT);
      // What a method gave may be anything to the engine: without an operation on integers it would come as a floating-point number.
      rows[event + ARG] = arg | 0;
      event += EVENT_WIDTH;
      cost = 0;
      isOdd = false;
    }
    this.end = event;
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

  /** Returns the label of the block that opens. */
  #open(traits: number): number {
    const depth = ++this.#depth;
    const label = this.labels++;
    if (label === this.traits.length) this.traits = grown(new Uint8Array(label * 2), this.traits);
    this.traits[label] = traits;
    this.#openLabels[depth] = label;
    this.#openCalls[depth] = 0;
    return label;
  }

  /** Returns the label of the block that ends. */
  #close(): number {
    const depth = this.#depth;
    if (depth === 0) return BODY;
    this.#depth = depth - 1;
    const label = this.#openLabels[depth]!;
    const isLoop = (this.traits[label]! & LABEL_TRAIT.loop) !== 0;
    if (isLoop) this.#loopDepth--;
    if (this.#openCalls[depth] === 0) return label;
    if (isLoop) this.traits[label]! |= LABEL_TRAIT.calls;
    this.#openCalls[depth - 1] = 1;
    return label;
  }

  /** The label of the block `out` blocks further out than the innermost. */
  #labelAt(out: number): number {
    return this.#openLabels[this.#depth - out]!;
  }

  /** The label of the block that a branch leads to, `out` blocks further out than the innermost. */
  #branchTo(out: number): number {
    const label = this.#labelAt(out);
    const traits = this.traits[label]!;
    this.traits[label] = traits | LABEL_TRAIT.branched | ((traits & LABEL_TRAIT.branched) << 1);
    return label;
  }

  /** The ARG of a call of the function whose index stands at `at`, or NOT_PASSING. */
  #directCall(at: number): number {
    const callee = this.#integer(at);
    if (this.#passing[callee] === 1) {
      this.hasPassingCalls = true;
      return (this.#callBounds[callee]! & BOUND_MASK) | (this.#leastCosts.of(callee) << LEAST_SHIFT);
    }
    this.hasCalls = true;
    this.#openCalls[this.#depth] = 1;
    return NOT_PASSING;
  }

  /**
   * Each label of the `br_table` at `offset` is an event of its own; `first` is the first, and has all of the `cost`. As many as
   * `left` records may follow. Returns how many there are.
   */
  #branchTable(first: number, offset: number, cost: number, left: number): number {
    const count = this.#integer(offset + 1);
    this.#reserve(first / EVENT_WIDTH + count + left);
    const { rows } = this;
    for (let i = 0; i <= count; i++) {
      const event = first + i * EVENT_WIDTH;
      const kind = i < count ? FLOW.branchTableLabel : FLOW.branchTable;
      rows[event] = 0;
      rows[slotBehind(event)] = 0;
      rows[event + PUSHED] = 0;
      rows[event + OFFSET] = offset;
      rows[event + KIND_AND_COST] = i > 0 ? kind : kind | (cost << FLOW_COST_SHIFT);
      rows[event + ARG] = this.#branchTo(this.#integer(this.#pos));
    }
    return count + 1;
  }

  #integer(at: number): number {
    const bytes = this.#bytes;
    let pos = at;
    let byte = bytes[pos++]!;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[pos++]!;
      value |= (byte & 0x7f) << shift;
    }
    this.#pos = pos;
    return value;
  }

  #reserve(events: number): void {
    const needed = events * EVENT_WIDTH;
    if (needed > this.rows.length)
      this.rows = grown(new Int32Array(Math.max(needed, this.rows.length * 2)), this.rows);
  }
}

function grown<T extends Uint8Array | Int32Array>(to: T, from: T): T {
  to.set(from);
  return to;
}
