/**
 * Notes what metering needs to know of a module's code while function-reader.ts reads it: control flow, costs, and indices
 * that may shift. Reading the code again for it would take five times as long as reading the notes.
 *
 * A record is one word of 32 bits (code-records.ts), seldom more: in large modules there is one for every thirteen bytes of
 * code, so that all of them take a third of the memory of the code. Labels are resolved here, where the machine knows by the opcode
 * what comes: whoever goes over the records does nothing else for most of them than to take them apart.
 *
 * Invariants:
 * 1. Records stand in the order of their instructions, and functions in the order of their numbers.
 * 2. Dead code has no costs and no control flow, only indices; what opens in it closes in it.
 * 3. No function has more words than `reserve` made room for. Most for its length has a `throw`, four for two bytes; what says that a
 *    sum or a distance is larger than usual has instructions without a word before it, and labels are larger only in long functions.
 */
import * as records from './code-records.ts';
import type { EditKind } from './edits.ts';
import * as flows from './flow.ts';
import { LocalUses } from './local-uses.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { ARGUMENT_SHIFT, COST_SHIFT, DISTANCE_SHIFT, KIND_BITS, RECORD } = records;
const { MAX_ARGUMENT, MAX_DISTANCE, MAX_RECORD_COST } = records;
const { BODY, LABEL_TRAIT } = flows;

/** Costs of a stretch above this are passed on at once. */
const LARGE = 2 ** 20;

/** How a frame ends. */
const PLAIN = 0;
const IF = 1;

const NO_WORDS = new Int32Array();
const WORDS_PER_BYTE = 2;
/** The same where an `end` may need a word more, for its label: there are more than MAX_ARGUMENT blocks of three bytes. */
const LONG_FUNCTION: number = 3 * MAX_ARGUMENT;
const WORDS_PER_BYTE_OF_LONG = 3;
/** Bytes that the start of a block has, by its opcode and a type of one byte. */
const USUAL_BLOCK = 2;
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
  words: Int32Array<ArrayBuffer>;
  length = 0;
  readonly uses: LocalUses;
  /** Where the records of each defined function start, and TRAIT bits of each. */
  readonly starts: Int32Array;
  readonly traits: Uint8Array;
  /** Where the code of each starts. */
  readonly codeStarts: Int32Array;
  /** LABEL_TRAIT bits of all labels, and where those of each function start: numbered in the order in which their blocks open, the body's is BODY. */
  labelTraits: Uint8Array<ArrayBuffer>;
  readonly labelStarts: Int32Array;
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
  /** Loops open at this point, if control comes here. */
  #loopDepth = 0;
  /** Where the label traits of the function start, and end so far. */
  #firstLabel = 0;
  #labelsEnd = 0;
  readonly #frameKinds: Uint8Array;
  /** By depth, the body's being 0: the label of the block, if control comes to its start. */
  readonly #openLabels: Int32Array;

  constructor(bodies: number, codeBytes: number, maxDepth: number) {
    this.words = new Int32Array((codeBytes >>> 3) + SPARE_WORDS);
    this.labelTraits = new Uint8Array((codeBytes >>> 5) + SPARE_WORDS);
    this.labelStarts = new Int32Array(bodies + 1);
    this.starts = new Int32Array(bodies + 1);
    this.traits = new Uint8Array(bodies);
    this.uses = new LocalUses(bodies, codeBytes);
    this.codeStarts = new Int32Array(bodies);
    this.#frameKinds = new Uint8Array(maxDepth + 1);
    this.#openLabels = new Int32Array(maxDepth + 1);
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
    const most = bytes < LONG_FUNCTION ? WORDS_PER_BYTE : WORDS_PER_BYTE_OF_LONG;
    this.#reserve(bytes * most + SPARE_WORDS);
    this.starts[index] = this.length;
    this.codeStarts[index] = offset;
    this.depth = 0;
    this.isDead = false;
    this.isBodyTarget = false;
    this.hasLoops = false;
    this.total = 0;
    this.cost = cost;
    this.#last = offset;
    this.#loopDepth = 0;
    this.#firstLabel = this.#labelsEnd;
    this.labelStarts[index] = this.#labelsEnd;
    this.#open(0);
    this.uses.enter(index, offset, bytes);
    this.record(RECORD.entry, offset, 0);
  }

  /** The function has been read to its end. */
  close(index: number): void {
    if (this.length > this.words.length)
      throw new RangeError('CodeRecorder: more words than there is room for (invariant 3)');
    this.starts[index + 1] = this.length;
    this.labelStarts[index + 1] = this.#labelsEnd;
    this.uses.close(index);
    this.traits[index] =
      (this.total > 0 ? TRAIT.costs : 0) |
      (this.hasLoops ? TRAIT.hasLoops : 0) |
      (this.isBodyTarget ? TRAIT.isBodyTarget : 0);
  }

  /** Of an instruction at `at` that may cost thousands: sums are kept below what 32 bits hold. */
  addLarge(cost: number, at: number): void {
    this.cost += cost;
    if (this.cost > LARGE && !this.isDead) this.record(RECORD.point, at, 0);
  }

  /**
   * The start of a block of any other kind than those below; `isVoid` if branches to its end take no operands along. What it costs to
   * come here is told with the next event.
   */
  block(at: number, isVoid: boolean): void {
    this.#push(PLAIN);
    if (this.isDead) return;
    this.#open(isVoid ? LABEL_TRAIT.void : 0);
    this.#note(RECORD.block, at);
  }

  /** The start of a legacy `try`. */
  try(at: number): void {
    this.#push(PLAIN);
    if (!this.isDead) this.record(RECORD.try, at, this.#open(0));
  }

  loop(at: number, after: number): void {
    this.hasLoops = true;
    // A block type of more than one byte may have parameters.
    const isPlain = after - at === USUAL_BLOCK;
    if (this.isDead) this.#push(PLAIN);
    else this.#sized(RECORD.loop, at, after, USUAL_BLOCK, this.openLoop(!isPlain));
  }

  if(at: number, after: number, isVoid: boolean): void {
    if (this.isDead) this.#push(IF);
    else this.#sized(RECORD.if, at, after, USUAL_BLOCK, this.openIf(isVoid));
  }

  /** False if the innermost block is not an `if` that may have an `else`. */
  else(at: number): boolean {
    const top = this.depth - 1;
    if (top < 0 || this.#frameKinds[top] !== IF) return false;
    this.#frameKinds[top] = PLAIN;
    if (!this.revive()) return true;
    const label = this.#labelAt(0);
    this.labelTraits[this.#firstLabel + label]! &= ~LABEL_TRAIT.oneArm;
    this.record(RECORD.else, at, label);
    return true;
  }

  /** The handler of a legacy `try`. False outside of a block. */
  catch(at: number, after: number): boolean {
    if (this.depth === 0) return false;
    if (this.revive()) this.#sized(RECORD.catch, at, after, 1, this.#labelAt(0));
    return true;
  }

  /** The end of the innermost block (`end`, `delegate`), or of the function, for which it returns true. */
  end(at: number, after: number): boolean {
    if (!this.revive()) {
      this.depth--;
      return false;
    }
    const isBody = this.depth === 0;
    this.#sized(RECORD.end, at, after, 1, isBody ? BODY : this.closeBlock());
    return isBody;
  }

  /** Whether there is a block `out` blocks further out than the innermost: control may go to its label. */
  reaches(out: number): boolean {
    if (out > this.depth) return false;
    if (out === this.depth) this.isBodyTarget = true;
    return true;
  }

  /** Any event that is told by its kind and place alone. */
  event(kind: number, at: number): void {
    if (!this.isDead) this.record(kind, at, 0);
  }

  /** The same of one that control does not pass. */
  leave(kind: number, at: number): void {
    if (this.isDead) return;
    this.record(kind, at, 0);
    this.terminate();
  }

  /** A `br` to the label of an existing block `out` blocks further out. */
  branch(out: number, at: number): void {
    if (this.isDead) return;
    this.record(RECORD.branch, at, this.branchTo(out));
    this.terminate();
  }

  /** The same of a `br_if`. */
  branchIf(out: number, at: number): void {
    if (this.isDead) return;
    const label = this.branchTo(out);
    this.record(this.mayPay(label) ? RECORD.payingBranch : RECORD.branchIf, at, label);
  }

  /** The same of any other instruction that may branch, and has its label behind its opcode. */
  otherBranch(out: number, at: number): void {
    if (!this.isDead) this.record(RECORD.branchIf, at, this.branchTo(out));
  }

  /** The same of one that has its label elsewhere. */
  castBranch(out: number, at: number, after: number): void {
    if (!this.isDead) this.#sized(RECORD.castBranch, at, after, 0, this.branchTo(out));
  }

  /** A `br_table` with `count` labels and the default one, which `tableLabel` is told next, one after the other. */
  branchTable(count: number, at: number): void {
    if (!this.isDead) this.record(RECORD.branchTable, at, count);
  }

  tableLabel(out: number): void {
    if (!this.isDead) this.words[this.length++] = this.branchTo(out);
  }

  /** The label of an existing block that a handler of the block that follows goes to. */
  handler(out: number, at: number): void {
    if (!this.isDead) this.record(RECORD.handler, at, this.#labelAt(out));
  }

  directCall(callee: number, at: number): void {
    if (this.isDead) this.#note(RECORD.deadCall, at);
    else this.record(RECORD.directCall, at, callee);
  }

  return(at: number): void {
    if (this.isDead) this.#note(RECORD.deadReturn, at);
    else this.record(RECORD.leave, at, 0);
    this.terminate();
  }

  /** An index that the instruction at `at` has, of the kinds that RECORD knows. */
  index(kind: number, at: number): void {
    this.#note(kind, at);
  }

  /** Something else that is done to the instruction at `at`. */
  edit(kind: EditKind, value: number, at: number): void {
    this.#note(RECORD.edit | (kind << ARGUMENT_SHIFT), at);
    this.words[this.length++] = value;
  }

  /** Control does not pass this point; whatever needs recording there has been. */
  terminate(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#deadDepth = this.depth;
  }

  // What all of these are made of, for frequent-instructions.ts: where one record is written in one place, the compiler has room for all of it.

  /** Opens one where control comes; its record is to be made with the label that is returned. */
  openLoop(mayHaveParams: boolean): number {
    this.hasLoops = true;
    this.#loopDepth++;
    this.#push(PLAIN);
    return this.#open(mayHaveParams ? LABEL_TRAIT.loop | LABEL_TRAIT.params : LABEL_TRAIT.loop);
  }

  /** The same of an `if`. */
  openIf(isVoid: boolean): number {
    this.#push(IF);
    return this.#open(isVoid ? LABEL_TRAIT.oneArm | LABEL_TRAIT.void : LABEL_TRAIT.oneArm);
  }

  /** Closes the innermost block, where code lives. Returns its label. */
  closeBlock(): number {
    const label = this.#labelAt(0);
    this.#loopDepth -= this.labelTraits[this.#firstLabel + label]! & LABEL_TRAIT.loop;
    this.depth--;
    return label;
  }

  /** The label that a branch leads to, of the existing block `out` blocks further out than the innermost. */
  branchTo(out: number): number {
    const label = this.#labelAt(out);
    const traits = this.labelTraits[this.#firstLabel + label]!;
    this.labelTraits[this.#firstLabel + label] =
      traits | LABEL_TRAIT.branched | ((traits & LABEL_TRAIT.branched) << 1);
    return label;
  }

  /** Whether a `br_if` to that label can pay on the way that is taken. */
  mayPay(label: number): boolean {
    return this.#loopDepth > 0 && (this.labelTraits[this.#firstLabel + label]! & LABEL_TRAIT.void) !== 0;
  }

  /** An event where control comes, behind all that has been added to `cost`. */
  record(kind: number, at: number, argument: number): void {
    let { cost } = this;
    this.total += cost;
    this.cost = 0;
    if (cost > MAX_RECORD_COST) {
      this.#more(RECORD.moreCost, cost - MAX_RECORD_COST);
      cost = MAX_RECORD_COST;
    }
    let rest = argument;
    if (rest > MAX_ARGUMENT) {
      this.#more(RECORD.moreArgument, rest - MAX_ARGUMENT);
      rest = MAX_ARGUMENT;
    }
    this.#note(kind | (cost << COST_SHIFT) | (rest << ARGUMENT_SHIFT), at);
  }

  /** Behind here code lives again, if only because a block ends; false if that block was opened in dead code. */
  revive(): boolean {
    if (!this.isDead) return true;
    if (this.#deadDepth < this.depth) return false;
    this.isDead = false;
    this.cost = 0;
    return true;
  }

  #push(frame: number): void {
    const top = this.depth++;
    if (this.depth > this.maxDepth) this.maxDepth = this.depth;
    this.#frameKinds[top] = frame;
  }

  /** Gives the block that was pushed last, or the body, a label with LABEL_TRAIT bits. */
  #open(traits: number): number {
    const at = this.#labelsEnd++;
    if (at === this.labelTraits.length) this.#growLabels();
    this.labelTraits[at] = traits;
    const label = at - this.#firstLabel;
    this.#openLabels[this.depth] = label;
    return label;
  }

  #growLabels(): void {
    const grown = new Uint8Array(this.labelTraits.length * 2);
    grown.set(this.labelTraits);
    this.labelTraits = grown;
  }

  /** The label of the block `out` blocks further out than the innermost. */
  #labelAt(out: number): number {
    return this.#openLabels[this.depth - out]!;
  }

  #sized(kind: number, at: number, after: number, usual: number, label: number): void {
    const length = after - at;
    if (length !== usual) this.#more(RECORD.oddLength, length);
    this.record(kind, at, label);
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
  }

  #reserve(words: number): void {
    const needed = this.length + words;
    if (needed <= this.words.length) return;
    const grown = new Int32Array(Math.max(needed, Math.ceil(this.words.length * 1.5)));
    grown.set(this.words.subarray(0, this.length));
    this.words = grown;
  }
}
