import type { CodeRecorder } from './code-recorder.ts';
import * as recording from './code-recorder.ts';
import * as records from './code-records.ts';
import * as costs from './cost-model.ts';
import * as flows from './flow.ts';
import type { LeastCosts } from './least-costs.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { TRAIT } = recording;
const { COST_SHIFT, DISTANCE_SHIFT, KIND_MASK, LAST_EVENT, MAX_RECORD_COST, RECORD, moreOf, wordPair } =
  records;
const { CHECK_INTERVAL } = costs;
const { BODY, FLOW, LABEL_TRAIT } = flows;

const EMPTY_BLOCK = 0x40;
const BR_IF = 0x0d;

/** No bound of a callee's cost: it does not take the counter. */
const NOT_PASSING = -1;

/**
 * The control flow of one function as flat arrays, one entry for each event: plain data, which placement.ts reads several
 * times over. Made from the records of code-recorder.ts, now that it is known which calls pass the counter. One object
 * serves all functions of a module.
 */
export class FunctionFlow {
  length = 0;
  kinds: Uint8Array = new Uint8Array(1_024);
  /** Cost of the straight code before the event, the event's own instruction included. */
  costs: Int32Array = new Int32Array(1_024);
  /** Number of the label that opens, ends or is branched to; of a call that passes the counter, the bound on its cost. */
  args: Int32Array = new Int32Array(1_024);
  /** Of a call that passes the counter, what is paid ahead for the callee. */
  leasts: Int32Array = new Int32Array(1_024);
  /** What callers have paid ahead for this function. */
  prepaid = 0;
  /** Where the instruction stands. */
  offsets: Int32Array = new Int32Array(1_024);
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
    this.length = 0;
    this.labels = 0;
    this.#depth = -1;
    this.#loopDepth = 0;
    // Each has one event at most but a `br_table`, whose labels are read as they come.
    this.#reserve(to - starts[index]!);
    this.#open(0);
    const bytes = this.#bytes;
    let { kinds, costs, args, offsets } = this;
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
      kinds[event] = kind;
      costs[event] = cost + ((word >>> COST_SHIFT) & MAX_RECORD_COST);
      offsets[event] = offset;
      cost = 0;
      let arg = 0;
      switch (kind) {
        case FLOW.branchIf:
        case FLOW.branch: {
          const label = bytes[offset + 1]!;
          arg = this.#labelAt(label < 0x80 ? label : this.#integer(offset + 1));
          if (this.#loopDepth > 0 && (this.traits[arg]! & LABEL_TRAIT.void) !== 0 && bytes[offset] === BR_IF)
            kinds[event] = FLOW.payingBranch;
          break;
        }
        case FLOW.end:
          arg = this.#close();
          break;
        case RECORD.directCall:
          arg = this.#directCall(offset + 1, event);
          kinds[event] = arg === NOT_PASSING ? FLOW.call : FLOW.passingCall;
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
          event += this.#branchTable(event, to - i);
          ({ kinds, costs, args, offsets } = this);
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
          kinds[event] = FLOW.branchIf;
          arg = this.#labelAt(wordPair(words, i + 1));
          i += 2;
          break;
        default:
      }
      args[event++] = arg;
      isOdd = false;
    }
    this.length = event;
  }

  /** Whether the loop that `event` opens is one piece of straight code with the branch to its head behind it. */
  isStraightLoop(event: number): boolean {
    const { kinds, args } = this;
    return (
      event + 2 < this.length &&
      kinds[event + 1] === FLOW.branchIf &&
      kinds[event + 2] === FLOW.end &&
      args[event + 1] === args[event] &&
      this.traits[args[event]!] === LABEL_TRAIT.loop &&
      this.costs[event + 1]! <= CHECK_INTERVAL
    );
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

  /** Of the callee whose index stands at `at`: the bound on its cost, 0 for none, or NOT_PASSING. */
  #directCall(at: number, event: number): number {
    const callee = this.#integer(at);
    if (this.#passing[callee] === 1) {
      this.hasPassingCalls = true;
      this.leasts[event] = this.#leastCosts.of(callee);
      return this.#callBounds[callee]!;
    }
    this.hasCalls = true;
    this.#openCalls[this.#depth] = 1;
    return NOT_PASSING;
  }

  /** Each label is an event of its own; `first` is the first, and `left` records may follow. Returns how many there are. */
  #branchTable(first: number, left: number): number {
    const offset = this.offsets[first]!;
    const count = this.#integer(offset + 1);
    this.#reserve(first + count + left);
    for (let i = 0; i <= count; i++) {
      const event = first + i;
      this.args[event] = this.#labelAt(this.#integer(this.#pos));
      this.kinds[event] = i < count ? FLOW.branchTableLabel : FLOW.branchTable;
      this.offsets[event] = offset;
      if (i > 0) this.costs[event] = 0;
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
    if (events <= this.kinds.length) return;
    const size = Math.max(events, this.kinds.length * 2);
    this.kinds = grown(new Uint8Array(size), this.kinds);
    this.costs = grown(new Int32Array(size), this.costs);
    this.args = grown(new Int32Array(size), this.args);
    this.leasts = grown(new Int32Array(size), this.leasts);
    this.offsets = grown(new Int32Array(size), this.offsets);
  }
}

function grown<T extends Uint8Array | Int32Array>(to: T, from: T): T {
  to.set(from);
  return to;
}
