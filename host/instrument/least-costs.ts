import type { CodeRecorder } from './code-recorder.ts';
import * as records from './code-records.ts';
import * as costs from './cost-model.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const {
  COST_SHIFT,
  DISTANCE_SHIFT,
  KIND_BITS,
  KIND_MASK,
  LAST_EVENT,
  MAX_DISTANCE,
  MAX_RECORD_COST,
  RECORD,
} = records;
const { CHECK_INTERVAL } = costs;

const UNKNOWN = -1;
/** Nothing that is paid ahead is left. Where control does not come, too. */
const PAID_UP = 0x3fffffff;
/**
 * What is looked at of a function, in steps: most that are short are seen whole. An event is one, what adds to it or is done to its
 * instruction more: which these are is part of what fuel is, since callers pay by what is found.
 */
const MAX_STEPS = 64;
const MORE_STEPS = 2;
const EDIT_STEPS = 4;
const MAX_COST: number = CHECK_INTERVAL / 2;
const MAX_DEPTH = 16;
/** Of a block, as bits. */
const IF = 1;
/** Something relies on the least that came to its end, or its head. */
const RELIED_ON = 2;
const LOOP = 4;

/**
 * What each function that takes the counter is certain to cost, on whatever way, up to where it is charged first. Its callers
 * pay that together with what they are charged for themselves, so that a function's shortest way adds nothing.
 *
 * In the function this much has been paid ahead. It is followed along the ways of control as placement.ts will do it: behind a
 * branch that may go on, no more is pending than at its label. It must have been used up wherever something is charged
 * (a call, an exit), and where a label turns out to be owed less than something relied on before.
 */
export class LeastCosts {
  readonly #bytes: Uint8Array;
  readonly #recorder: CodeRecorder;
  readonly #passing: Uint8Array;
  readonly #importedFunctions: number;
  /** By function, UNKNOWN where it was not asked for. */
  readonly #known: Int16Array;
  /** Of each block around: the least that came to its label; of an `if`, at its test, and to its end from its first arm. */
  readonly #least = new Int32Array(MAX_DEPTH + 1);
  readonly #atTest = new Int32Array(MAX_DEPTH + 1);
  readonly #ofArm = new Int32Array(MAX_DEPTH + 1);
  readonly #kinds = new Uint8Array(MAX_DEPTH + 1);
  #depth = 0;
  #result = 0;

  constructor(bytes: Uint8Array, recorder: CodeRecorder, passing: Uint8Array, importedFunctions: number) {
    this.#bytes = bytes;
    this.#recorder = recorder;
    this.#passing = passing;
    this.#importedFunctions = importedFunctions;
    this.#known = new Int16Array(passing.length).fill(UNKNOWN);
  }

  /** Of the function of that index, imported ones counted. */
  of(functionIndex: number): number {
    const known = this.#known[functionIndex]!;
    if (known !== UNKNOWN) return known;
    const found =
      this.#passing[functionIndex] === 1 ? this.#find(functionIndex - this.#importedFunctions) : 0;
    this.#known[functionIndex] = found;
    return found;
  }

  #find(index: number): number {
    const { words, starts } = this.#recorder;
    const to = starts[index + 1]!;
    this.#depth = -1;
    this.#result = PAID_UP;
    this.#open(0);
    /** The least that has been executed here with nothing charged. */
    let cost = 0;
    let total = 0;
    /** Of the next event, what its own record has no room for. */
    let more = 0;
    let offset = this.#recorder.codeStarts[index]!;
    let steps = 0;
    reading: for (let i = starts[index]!; i < to && steps < MAX_STEPS; i++, steps++) {
      const word = words[i]!;
      const kind = word & KIND_MASK;
      if (kind > LAST_EVENT) {
        if (kind === RECORD.moreCost) {
          more += word >>> KIND_BITS;
          steps += MORE_STEPS - 1;
        } else if (kind === RECORD.moreDistance) {
          offset += word >>> KIND_BITS;
          steps += MORE_STEPS - 1;
        } else if (kind === RECORD.moreArgument) steps--;
        else if (kind !== RECORD.oddLength) {
          offset += (word >>> DISTANCE_SHIFT) & MAX_DISTANCE;
          if (kind === RECORD.edit) {
            i++;
            steps += EDIT_STEPS - 1;
          } else if (kind === RECORD.block && !this.#open(0)) break;
        }
        continue;
      }
      offset += (word >>> DISTANCE_SHIFT) & MAX_DISTANCE;
      const own = more + ((word >>> COST_SHIFT) & MAX_RECORD_COST);
      more = 0;
      total += own;
      if (total > MAX_COST) break;
      cost = Math.min(PAID_UP, cost + own);
      switch (kind) {
        case RECORD.entry:
        case RECORD.point:
          break;
        case RECORD.loop:
          if (!this.#open(LOOP | RELIED_ON)) break reading;
          this.#least[this.#depth] = cost;
          break;
        case RECORD.if:
          if (!this.#open(IF | RELIED_ON)) break reading;
          this.#least[this.#depth] = cost;
          this.#atTest[this.#depth] = cost;
          this.#ofArm[this.#depth] = PAID_UP;
          break;
        case RECORD.else: {
          const at = this.#depth;
          this.#arrive(at, cost);
          this.#kinds[at]! &= ~IF;
          this.#least[at] = this.#ofArm[at]!;
          cost = this.#atTest[at]!;
          break;
        }
        case RECORD.end: {
          const at = this.#depth;
          const block = this.#kinds[at]!;
          if (at === 0) {
            this.#charge(cost);
            return this.#bounded();
          }
          this.#depth--;
          if ((block & LOOP) !== 0) break;
          this.#arrive(at, cost);
          cost = this.#least[at]!;
          break;
        }
        case RECORD.branch:
        case RECORD.branchIf:
        case RECORD.payingBranch: {
          const out = this.#bytes[offset + 1]!;
          if (out > this.#depth) break reading;
          const at = this.#depth - out;
          if (at === 0) {
            this.#charge(cost);
            cost = PAID_UP;
            break;
          }
          this.#arrive(at, cost);
          if (kind === RECORD.branch) {
            cost = PAID_UP;
            break;
          }
          this.#kinds[at]! |= RELIED_ON;
          cost = this.#least[at]!;
          break;
        }
        case RECORD.leave:
        case RECORD.trap:
        case RECORD.throw:
        case RECORD.call:
        case RECORD.directCall:
        case RECORD.tailCall:
          this.#charge(cost);
          if (this.#isFinal()) return this.#bounded();
          cost = PAID_UP;
          break;
        default:
          // `br_table`, handlers and casts.
          break reading;
      }
    }
    // What is not looked at may charge at once.
    this.#charge(cost);
    for (let at = 1; at <= this.#depth; at++) this.#charge(this.#least[at]!);
    return this.#bounded();
  }

  /** Whether no way that is still open costs less so far than what was found: it can only cost more further on. */
  #isFinal(): boolean {
    for (let at = this.#depth; at > 0; at--) {
      if (this.#least[at]! < this.#result) return false;
      if ((this.#kinds[at]! & IF) !== 0 && this.#atTest[at]! < this.#result) return false;
    }
    return true;
  }

  #bounded(): number {
    return this.#result === PAID_UP ? 0 : this.#result;
  }

  /** False if blocks nest too deeply. */
  #open(kind: number): boolean {
    if (this.#depth === MAX_DEPTH) return false;
    const at = ++this.#depth;
    this.#least[at] = PAID_UP;
    this.#kinds[at] = kind;
    return true;
  }

  /** Something is charged here, so that no more can have been paid ahead. */
  #charge(cost: number): void {
    if (cost < this.#result) this.#result = cost;
  }

  #arrive(at: number, cost: number): void {
    if (cost < this.#ofArm[at]!) this.#ofArm[at] = cost;
    if (cost >= this.#least[at]!) return;
    if ((this.#kinds[at]! & RELIED_ON) !== 0) this.#charge(cost);
    this.#least[at] = cost;
  }
}
