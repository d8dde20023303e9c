/**
 * Notes what metering needs to know of a module's code while function-reader.ts reads it: control flow, costs, and indices
 * that may shift. Reading the code again for it would take five times as long as reading the notes.
 *
 * A record is one word of 16 bits (code-records.ts), seldom more: in large modules there is one for every eleven bytes of
 * code, so that all of them take a fifth of the memory of the code.
 *
 * Invariants:
 * 1. Records stand in the order of their instructions, and functions in the order of their numbers.
 * 2. Dead code has no costs and no control flow, only indices; what opens in it closes in it.
 * 3. No function has more words than `reserve` made room for. Most for its length has an `array.new_default`, eight for three
 *    bytes; a sum that needs two words more has instructions without a word before it.
 */
import * as records from './code-records.ts';
import type { EditKind } from './edits.ts';
import { LocalUses } from './local-uses.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { COST_SHIFT, DISTANCE_SHIFT, KIND_BITS, MAX_DISTANCE, MAX_RECORD_COST, RECORD, WORD_BITS } = records;

/** Costs of a stretch above this are passed on at once. */
const LARGE = 2 ** 20;

/** How a frame ends. */
const PLAIN = 0;
const IF = 1;

const NO_WORDS = new Uint16Array();
const WORDS_PER_BYTE = 3;
/** For what precedes a function's first instruction. */
const SPARE_WORDS = 16;

/** What is known of a whole function, as bits. */
export const TRAIT = {
  /** It costs anything at all: nothing is placed in one that is free. */
  costs: 1,
  hasLoops: 2,
  /** A branch leads to the end of its body. */
  isBodyTarget: 4,
} as const;

/** One object serves all functions of a module; what it tells of one is of the one being read. */
export class CodeRecorder {
  words: Uint16Array<ArrayBuffer>;
  length = 0;
  readonly uses: LocalUses;
  /** Where the records of each defined function start, and TRAIT bits of each. */
  readonly starts: Int32Array;
  readonly traits: Uint8Array;
  /** Where the code of each starts. */
  readonly codeStarts: Int32Array;
  /** Cost of the straight code since the last record. */
  cost = 0;
  /** Blocks open at this point, the body not counted, and the deepest seen. */
  depth = 0;
  maxDepth = 0;
  isDead = false;
  hasLoops = false;
  isBodyTarget = false;
  /** Cost of all code of the function. */
  total = 0;
  #last = 0;
  #deadDepth = 0;
  readonly #frameKinds: Uint8Array;

  constructor(bodies: number, codeBytes: number, maxDepth: number) {
    this.words = new Uint16Array((codeBytes >>> 2) + SPARE_WORDS);
    this.starts = new Int32Array(bodies + 1);
    this.traits = new Uint8Array(bodies);
    this.uses = new LocalUses(bodies, codeBytes);
    this.codeStarts = new Int32Array(bodies);
    this.#frameKinds = new Uint8Array(maxDepth + 1);
  }

  /** Gives back the memory of the records, which nobody reads any more: the collector would find it after the next module. */
  release(): void {
    this.words.buffer.transfer(0);
    this.words = NO_WORDS;
    this.length = 0;
    this.uses.release();
  }

  /** Starts with the defined function `index`, whose code takes `bytes` from `offset` on and `cost` to enter. */
  enter(index: number, offset: number, bytes: number, cost: number): void {
    this.#reserve(bytes * WORDS_PER_BYTE + SPARE_WORDS);
    this.starts[index] = this.length;
    this.codeStarts[index] = offset;
    this.depth = 0;
    this.isDead = false;
    this.isBodyTarget = false;
    this.hasLoops = false;
    this.total = 0;
    this.cost = cost;
    this.#last = offset;
    this.uses.enter(index, offset, bytes);
    this.#record(RECORD.entry, offset);
  }

  /** The function has been read to its end. */
  close(index: number): void {
    if (this.length > this.words.length)
      throw new RangeError('CodeRecorder: more words than there is room for (invariant 3)');
    this.starts[index + 1] = this.length;
    this.uses.close(index);
    this.traits[index] =
      (this.total > 0 ? TRAIT.costs : 0) |
      (this.hasLoops ? TRAIT.hasLoops : 0) |
      (this.isBodyTarget ? TRAIT.isBodyTarget : 0);
  }

  /** Of an instruction at `at` that may cost thousands: sums are kept below what 32 bits hold. */
  addLarge(cost: number, at: number): void {
    this.cost += cost;
    if (this.cost > LARGE && !this.isDead) this.#record(RECORD.point, at);
  }

  /** The start of a block of any other kind than those below. What it costs to come here is told with the next event. */
  block(at: number): void {
    this.#push(PLAIN);
    if (!this.isDead) this.#note(RECORD.block, at);
  }

  /** The start of a legacy `try`. */
  try(at: number): void {
    this.#push(PLAIN);
    if (!this.isDead) this.#record(RECORD.try, at);
  }

  loop(at: number, after: number): void {
    this.hasLoops = true;
    this.#push(PLAIN);
    if (!this.isDead) this.#sized(RECORD.loop, at, after, 2);
  }

  if(at: number, after: number): void {
    this.#push(IF);
    if (!this.isDead) this.#sized(RECORD.if, at, after, 2);
  }

  /** False if the innermost block is not an `if` that may have an `else`. */
  else(at: number): boolean {
    const top = this.depth - 1;
    if (top < 0 || this.#frameKinds[top] !== IF) return false;
    this.#frameKinds[top] = PLAIN;
    if (this.#revive()) this.#record(RECORD.else, at);
    return true;
  }

  /** The handler of a legacy `try`. False outside of a block. */
  catch(at: number, after: number): boolean {
    if (this.depth === 0) return false;
    if (this.#revive()) this.#sized(RECORD.catch, at, after, 1);
    return true;
  }

  /** The end of the innermost block (`end`, `delegate`), or of the function, for which it returns true. */
  end(at: number, after: number): boolean {
    if (this.#revive()) this.#sized(RECORD.end, at, after, 1);
    if (this.depth === 0) return true;
    this.depth--;
    return false;
  }

  /** Whether `label` exists: control may go there. */
  reaches(label: number): boolean {
    if (label > this.depth) return false;
    if (label === this.depth) this.isBodyTarget = true;
    return true;
  }

  /** Any event that is told by its kind and place alone. */
  event(kind: number, at: number): void {
    if (!this.isDead) this.#record(kind, at);
  }

  /** The same of one that control does not pass. */
  leave(kind: number, at: number): void {
    if (this.isDead) return;
    this.#record(kind, at);
    this.terminate();
  }

  /** A branch on a cast to an existing label. */
  castBranch(label: number, at: number, after: number): void {
    if (this.isDead) return;
    this.#sized(RECORD.castBranch, at, after, 0);
    this.#pair(label);
  }

  /** An existing label that a handler of the block that follows goes to. */
  handler(label: number, at: number): void {
    if (this.isDead) return;
    this.#record(RECORD.handler, at);
    this.#pair(label);
  }

  directCall(at: number): void {
    if (this.isDead) this.#note(RECORD.deadCall, at);
    else this.#record(RECORD.directCall, at);
  }

  return(at: number): void {
    if (this.isDead) this.#note(RECORD.deadReturn, at);
    else this.#record(RECORD.leave, at);
    this.terminate();
  }

  /** An index that the instruction at `at` has, of the kinds that RECORD knows. */
  index(kind: number, at: number): void {
    this.#note(kind, at);
  }

  /** Something else that is done to the instruction at `at`. */
  edit(kind: EditKind, value: number, at: number): void {
    this.#note(RECORD.edit, at);
    this.words[this.length++] = kind;
    this.#pair(value);
  }

  /** Control does not pass this point; whatever needs recording there has been. */
  terminate(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#deadDepth = this.depth;
  }

  #push(frame: number): void {
    const top = this.depth++;
    if (this.depth > this.maxDepth) this.maxDepth = this.depth;
    this.#frameKinds[top] = frame;
  }

  /** Behind here code lives again, if only because a block ends; false if that block was opened in dead code. */
  #revive(): boolean {
    if (!this.isDead) return true;
    if (this.#deadDepth < this.depth) return false;
    this.isDead = false;
    this.cost = 0;
    return true;
  }

  #sized(kind: number, at: number, after: number, usual: number): void {
    const length = after - at;
    if (length !== usual) this.words[this.length++] = RECORD.oddLength | (length << KIND_BITS);
    this.#record(kind, at);
  }

  #record(kind: number, at: number): void {
    let cost = this.cost;
    this.total += cost;
    this.cost = 0;
    if (cost > MAX_RECORD_COST) {
      this.#more(RECORD.moreCost, cost - MAX_RECORD_COST);
      cost = MAX_RECORD_COST;
    }
    this.#note(kind | (cost << COST_SHIFT), at);
  }

  #note(record: number, at: number): void {
    let distance = at - this.#last;
    this.#last = at;
    if (distance > MAX_DISTANCE) {
      this.#more(RECORD.moreDistance, distance - MAX_DISTANCE);
      distance = MAX_DISTANCE;
    }
    this.words[this.length++] = record | (distance << DISTANCE_SHIFT);
  }

  #more(kind: number, value: number): void {
    this.words[this.length++] = kind | (value << KIND_BITS);
    this.words[this.length++] = value >>> (WORD_BITS - KIND_BITS);
  }

  #pair(value: number): void {
    this.words[this.length++] = value;
    this.words[this.length++] = value >>> WORD_BITS;
  }

  #reserve(words: number): void {
    const needed = this.length + words;
    if (needed <= this.words.length) return;
    const grown = new Uint16Array(Math.max(needed, Math.ceil(this.words.length * 1.5)));
    grown.set(this.words.subarray(0, this.length));
    this.words = grown;
  }
}
