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
import { Bytes, Ints } from './arrays.ts';
import { RecordKind } from './code-records.ts';
import { broken } from './failure.ts';
import { BODY, LabelTrait } from './flow.ts';
import { LocalUses } from './local-uses.ts';
import {
  ARGUMENT_SHIFT,
  COST_SHIFT,
  DISTANCE_SHIFT,
  KIND_BITS,
  MAX_ARGUMENT,
  MAX_DISTANCE,
  MAX_RECORD_COST,
} from './record-layout.ts';

/** Costs of a stretch above this are passed on at once. */
const LARGE = 1 << 20;

/** How a frame ends. */
const PLAIN = 0;
const IF = 1;

const WORDS_PER_BYTE = 2;
/** The same where an `end` may need a word more, for its label: there are more than MAX_ARGUMENT blocks of three bytes. */
const LONG_FUNCTION: i32 = 3 * MAX_ARGUMENT;
const WORDS_PER_BYTE_OF_LONG = 3;
/** Bytes that the start of a block has, by its opcode and a type of one byte. */
const USUAL_BLOCK = 2;
/** For what precedes a function's first instruction. */
const SPARE_WORDS = 16;

/** What is known of a whole function, as bits. */
export enum Trait {
  /** It costs anything at all: nothing is placed in one that is free. */
  Costs = 1,
  HasLoops = 2,
  /** A branch leads to the end of its body. */
  IsBodyTarget = 4,
}

/** One object serves all functions of a module; what it tells of one is of the one being read. */
export class CodeRecorder {
  words: Ints;
  length: i32 = 0;
  readonly uses: LocalUses;
  /** Where the records of each defined function start, and Trait bits of each. */
  readonly starts: Ints;
  readonly traits: Bytes;
  /** Where the code of each starts. */
  readonly codeStarts: Ints;
  /** LabelTrait bits of all labels, and where those of each function start: numbered in the order in which their blocks open, the body's is BODY. */
  labelTraits: Bytes;
  readonly labelStarts: Ints;
  /** Cost of the straight code since the last record. */
  cost: i32 = 0;
  /** Blocks open at this point, the body not counted, and the deepest seen. */
  depth: i32 = 0;
  maxDepth: i32 = 0;
  isDead: bool = false;
  hasLoops: bool = false;
  isBodyTarget: bool = false;
  /** Cost of all code of the function. */
  total: i32 = 0;
  private last: i32 = 0;
  private deadDepth: i32 = 0;
  /** Loops open at this point, if control comes here. */
  private loopDepth: i32 = 0;
  /** Where the label traits of the function start, and end so far. */
  private firstLabel: i32 = 0;
  private labelsEnd: i32 = 0;
  private readonly frameKinds: Bytes;
  /** By depth, the body's being 0: the label of the block, if control comes to its start. */
  private readonly openLabels: Ints;

  constructor(bodies: i32, codeBytes: i32, maxDepth: i32) {
    this.words = Ints.of((codeBytes >>> 3) + SPARE_WORDS);
    this.labelTraits = Bytes.of((codeBytes >>> 5) + SPARE_WORDS);
    this.labelStarts = Ints.of(bodies + 1);
    this.starts = Ints.of(bodies + 1);
    this.traits = Bytes.of(bodies);
    this.uses = new LocalUses(bodies, codeBytes);
    this.codeStarts = Ints.of(bodies);
    this.frameKinds = Bytes.of(maxDepth + 1);
    this.openLabels = Ints.of(maxDepth + 1);
  }

  /** Starts with the defined function `index`, whose code takes `bytes` from `offset` on and `cost` to enter. */
  enter(index: i32, offset: i32, bytes: i32, cost: i32): void {
    const most = bytes < LONG_FUNCTION ? WORDS_PER_BYTE : WORDS_PER_BYTE_OF_LONG;
    this.reserve(bytes * most + SPARE_WORDS);
    this.starts[index] = this.length;
    this.codeStarts[index] = offset;
    this.depth = 0;
    this.isDead = false;
    this.isBodyTarget = false;
    this.hasLoops = false;
    this.total = 0;
    this.cost = cost;
    this.last = offset;
    this.loopDepth = 0;
    this.firstLabel = this.labelsEnd;
    this.labelStarts[index] = this.labelsEnd;
    this.open(0);
    this.uses.enter(index, offset, bytes);
    this.record(RecordKind.Entry, offset, 0);
  }

  /** The function has been read to its end. */
  close(index: i32): void {
    if (this.length > this.words.length)
      broken('CodeRecorder: more words than there is room for (invariant 3)');
    this.starts[index + 1] = this.length;
    this.labelStarts[index + 1] = this.labelsEnd;
    this.uses.close(index);
    this.traits[index] =
      (this.total > 0 ? Trait.Costs : 0) |
      (this.hasLoops ? Trait.HasLoops : 0) |
      (this.isBodyTarget ? Trait.IsBodyTarget : 0);
  }

  /** Of an instruction at `at` that may cost thousands: sums are kept below what 32 bits hold. */
  addLarge(cost: i32, at: i32): void {
    this.cost += cost;
    if (this.cost > LARGE && !this.isDead) this.record(RecordKind.Point, at, 0);
  }

  /**
   * The start of a block of any other kind than those below; `isVoid` if branches to its end take no operands along. What it costs to
   * come here is told with the next event.
   */
  block(at: i32, isVoid: bool): void {
    this.push(PLAIN);
    if (this.isDead) return;
    this.open(isVoid ? LabelTrait.Void : 0);
    this.note(RecordKind.Block, at);
  }

  /** The start of a legacy `try`. */
  try(at: i32): void {
    this.push(PLAIN);
    if (!this.isDead) this.record(RecordKind.Try, at, this.open(0));
  }

  loop(at: i32, after: i32): void {
    this.hasLoops = true;
    // A block type of more than one byte may have parameters.
    const isPlain = after - at === USUAL_BLOCK;
    if (this.isDead) this.push(PLAIN);
    else this.sized(RecordKind.Loop, at, after, USUAL_BLOCK, this.openLoop(!isPlain));
  }

  if(at: i32, after: i32, isVoid: bool): void {
    if (this.isDead) this.push(IF);
    else this.sized(RecordKind.If, at, after, USUAL_BLOCK, this.openIf(isVoid));
  }

  /** False if the innermost block is not an `if` that may have an `else`. */
  else(at: i32): bool {
    const top = this.depth - 1;
    if (top < 0 || this.frameKinds[top] !== IF) return false;
    this.frameKinds[top] = PLAIN;
    if (!this.revive()) return true;
    const label = this.labelAt(0);
    this.labelTraits[this.firstLabel + label] &= ~LabelTrait.OneArm;
    this.record(RecordKind.Else, at, label);
    return true;
  }

  /** The handler of a legacy `try`. False outside of a block. */
  catch(at: i32, after: i32): bool {
    if (this.depth === 0) return false;
    if (this.revive()) this.sized(RecordKind.Catch, at, after, 1, this.labelAt(0));
    return true;
  }

  /** The end of the innermost block (`end`, `delegate`), or of the function, for which it returns true. */
  end(at: i32, after: i32): bool {
    if (!this.revive()) {
      this.depth--;
      return false;
    }
    const isBody = this.depth === 0;
    this.sized(RecordKind.End, at, after, 1, isBody ? BODY : this.closeBlock());
    return isBody;
  }

  /** Whether there is a block `out` blocks further out than the innermost: control may go to its label. */
  reaches(out: i32): bool {
    if (<u32>out > <u32>this.depth) return false;
    if (out === this.depth) this.isBodyTarget = true;
    return true;
  }

  /** Any event that is told by its kind and place alone. */
  event(kind: i32, at: i32): void {
    if (!this.isDead) this.record(kind, at, 0);
  }

  /** The same of one that control does not pass. */
  leave(kind: i32, at: i32): void {
    if (this.isDead) return;
    this.record(kind, at, 0);
    this.terminate();
  }

  /** A `br` to the label of an existing block `out` blocks further out. */
  branch(out: i32, at: i32): void {
    if (this.isDead) return;
    this.record(RecordKind.Branch, at, this.branchTo(out));
    this.terminate();
  }

  /** The same of a `br_if`. */
  branchIf(out: i32, at: i32): void {
    if (this.isDead) return;
    const label = this.branchTo(out);
    this.record(this.mayPay(label) ? RecordKind.PayingBranch : RecordKind.BranchIf, at, label);
  }

  /** The same of any other instruction that may branch, and has its label behind its opcode. */
  otherBranch(out: i32, at: i32): void {
    if (!this.isDead) this.record(RecordKind.BranchIf, at, this.branchTo(out));
  }

  /** The same of one that has its label elsewhere. */
  castBranch(out: i32, at: i32, after: i32): void {
    if (!this.isDead) this.sized(RecordKind.CastBranch, at, after, 0, this.branchTo(out));
  }

  /** A `br_table` with `count` labels and the default one, which `tableLabel` is told next, one after the other. */
  branchTable(count: i32, at: i32): void {
    if (!this.isDead) this.record(RecordKind.BranchTable, at, count);
  }

  tableLabel(out: i32): void {
    if (!this.isDead) this.words[this.length++] = this.branchTo(out);
  }

  /** The label of an existing block that a handler of the block that follows goes to. */
  handler(out: i32, at: i32): void {
    if (!this.isDead) this.record(RecordKind.Handler, at, this.labelAt(out));
  }

  directCall(callee: i32, at: i32): void {
    if (this.isDead) this.note(RecordKind.DeadCall, at);
    else this.record(RecordKind.DirectCall, at, callee);
  }

  return(at: i32): void {
    if (this.isDead) this.note(RecordKind.DeadReturn, at);
    else this.record(RecordKind.Leave, at, 0);
    this.terminate();
  }

  /** An index that the instruction at `at` has, of the kinds that RecordKind knows. */
  index(kind: i32, at: i32): void {
    this.note(kind, at);
  }

  /** Something else that is done to the instruction at `at`. */
  edit(kind: i32, value: i32, at: i32): void {
    this.note(RecordKind.Edit | (kind << ARGUMENT_SHIFT), at);
    this.words[this.length++] = value;
  }

  /** Control does not pass this point; whatever needs recording there has been. */
  terminate(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.deadDepth = this.depth;
  }

  // What all of these are made of, for frequent-instructions.ts as well.

  /** Opens one where control comes; its record is to be made with the label that is returned. */
  openLoop(mayHaveParams: bool): i32 {
    this.hasLoops = true;
    this.loopDepth++;
    this.push(PLAIN);
    return this.open(mayHaveParams ? LabelTrait.Loop | LabelTrait.Params : LabelTrait.Loop);
  }

  /** The same of an `if`. */
  openIf(isVoid: bool): i32 {
    this.push(IF);
    return this.open(isVoid ? LabelTrait.OneArm | LabelTrait.Void : LabelTrait.OneArm);
  }

  /** Closes the innermost block, where code lives. Returns its label. */
  closeBlock(): i32 {
    const label = this.labelAt(0);
    this.loopDepth -= this.labelTraits[this.firstLabel + label] & LabelTrait.Loop;
    this.depth--;
    return label;
  }

  /** The label that a branch leads to, of the existing block `out` blocks further out than the innermost. */
  branchTo(out: i32): i32 {
    const label = this.labelAt(out);
    const traits = this.labelTraits[this.firstLabel + label];
    this.labelTraits[this.firstLabel + label] =
      traits | LabelTrait.Branched | ((traits & LabelTrait.Branched) << 1);
    return label;
  }

  /** Whether a `br_if` to that label can pay on the way that is taken. */
  mayPay(label: i32): bool {
    return this.loopDepth > 0 && (this.labelTraits[this.firstLabel + label] & LabelTrait.Void) !== 0;
  }

  /** An event where control comes, behind all that has been added to `cost`. */
  record(kind: i32, at: i32, argument: i32): void {
    let cost = this.cost;
    this.total += cost;
    this.cost = 0;
    if (cost > MAX_RECORD_COST) {
      this.more(RecordKind.MoreCost, cost - MAX_RECORD_COST);
      cost = MAX_RECORD_COST;
    }
    let rest = argument;
    if (rest > MAX_ARGUMENT) {
      this.more(RecordKind.MoreArgument, rest - MAX_ARGUMENT);
      rest = MAX_ARGUMENT;
    }
    this.note(kind | (cost << COST_SHIFT) | (rest << ARGUMENT_SHIFT), at);
  }

  /** Behind here code lives again, if only because a block ends; false if that block was opened in dead code. */
  revive(): bool {
    if (!this.isDead) return true;
    if (this.deadDepth < this.depth) return false;
    this.isDead = false;
    this.cost = 0;
    return true;
  }

  private push(frame: i32): void {
    const top = this.depth++;
    if (this.depth > this.maxDepth) this.maxDepth = this.depth;
    this.frameKinds[top] = frame;
  }

  /** Gives the block that was pushed last, or the body, a label with LabelTrait bits. */
  private open(traits: i32): i32 {
    const at = this.labelsEnd++;
    if (at === this.labelTraits.length) this.labelTraits = Bytes.grown(this.labelTraits, at + 1);
    this.labelTraits[at] = traits;
    const label = at - this.firstLabel;
    this.openLabels[this.depth] = label;
    return label;
  }

  /** The label of the block `out` blocks further out than the innermost. */
  private labelAt(out: i32): i32 {
    return this.openLabels[this.depth - out];
  }

  private sized(kind: i32, at: i32, after: i32, usual: i32, label: i32): void {
    const length = after - at;
    if (length !== usual) this.more(RecordKind.OddLength, length);
    this.record(kind, at, label);
  }

  private note(record: i32, at: i32): void {
    let distance = at - this.last;
    this.last = at;
    if (distance > MAX_DISTANCE) {
      this.more(RecordKind.MoreDistance, distance - MAX_DISTANCE);
      distance = MAX_DISTANCE;
    }
    this.words[this.length++] = record | (distance << DISTANCE_SHIFT);
  }

  private more(kind: i32, value: i32): void {
    this.words[this.length++] = kind | (value << KIND_BITS);
  }

  private reserve(words: i32): void {
    const needed = this.length + words;
    if (needed > this.words.length) this.words = Ints.grown(this.words, needed);
  }
}
