import { BranchHints } from './branch-hints.ts';
import { ByteSink } from './byte-sink.ts';
import { Code } from './code.ts';
import { CodeEditWriter } from './code-edit-writer.ts';
import { CodeRecorder } from './code-recorder.ts';
import { LAST_EVENT, RecordKind } from './code-records.ts';
import { tooMany } from './failure.ts';
import { EVENT_WIDTH } from './flow.ts';
import { InsertionWriter } from './insertion-writer.ts';
import { Insertion } from './insertions.ts';
import { LocalUses } from './local-uses.ts';
import { MeterPlan } from './meter-plan.ts';
import { MeteredFunction } from './metered-function.ts';
import { ModuleFacts } from './module-facts.ts';
import { ARGUMENT_SHIFT, DISTANCE_SHIFT, KIND_BITS, KIND_MASK, MAX_DISTANCE } from './record-layout.ts';

/** What an event makes a function longer by, mostly less. */
const EVENT_BYTES = 8;
/** V8's kV8MaxWasmFunctionSize. */
const MAX_FUNCTION_BYTES = 7_654_321;
const I32 = 0x7f;
const I64 = 0x7e;
const BLOCK = 0x02;
const END = 0x0b;
const EMPTY_BLOCK = 0x40;
const CALL = 0x10;
const DROP = 0x1a;
/** Events of which there is more to do than to insert what is inserted at them, as bits. */
const CHANGING: i32 = (1 << RecordKind.DirectCall) | (1 << RecordKind.BranchTable);
/** Integers below take one byte. */
const ONE_BYTE = 0x80;

/**
 * Writes bodies of functions with what metering makes of them: walks their records (code-records.ts) a last time, copies
 * what lies between two of them that change something, and knows what each of them changes.
 */
@final
export class BodyWriter {
  private readonly facts: ModuleFacts;
  private readonly plan: MeterPlan;
  private readonly recorder: CodeRecorder;
  private readonly metered: MeteredFunction;
  private readonly sink: ByteSink;
  private readonly hints: BranchHints;
  private readonly insertions: InsertionWriter;
  private readonly edits: CodeEditWriter;
  /** Up to where the body has been copied, or was replaced. */
  private copied: i32 = 0;
  /** Of the function's first local, whose number changes when they are copied. */
  private readonly uses: LocalUses;

  constructor(
    facts: ModuleFacts,
    plan: MeterPlan,
    recorder: CodeRecorder,
    metered: MeteredFunction,
    sink: ByteSink,
    hints: BranchHints,
  ) {
    this.facts = facts;
    this.plan = plan;
    this.recorder = recorder;
    this.uses = recorder.uses;
    this.metered = metered;
    this.sink = sink;
    this.hints = hints;
    this.insertions = new InsertionWriter(plan, metered, sink, hints);
    this.edits = new CodeEditWriter(facts, plan, sink);
  }

  /** Writes the body `[start, end)` of the defined function `index`, which `MeteredFunction` has taken up, behind its length. */
  write(index: i32, start: i32, end: i32): void {
    const expected = end - start + this.metered.flow.events * EVENT_BYTES;
    const bodyAt = this.sink.open(expected);
    this.hints.enter(this.facts.importedFunctions + this.plan.functionShift + index, bodyAt);
    this.copied = start;
    this.uses.startReading(index, this.metered.codeStart);
    this.declarations(start);
    this.code(index);
    this.copyTo(end);
    this.hints.close();
    const written = this.sink.close(bodyAt, expected);
    if (written > MAX_FUNCTION_BYTES)
      tooMany(written, MAX_FUNCTION_BYTES, 'bytes in a function with its metering', start);
  }

  /** The function's locals, and the start of the block around its code, if a branch leads to the end of it. */
  private declarations(start: i32): void {
    const sink = this.sink;
    const metered = this.metered;
    const locals = metered.locals;
    const groups = i32(metered.movesFirst) + i32(metered.declaresCounter) + i32(metered.declaresTurns);
    if (groups > 0) {
      sink.u32(locals.groups + groups);
      this.copied = Code.behindInteger(start);
    }
    if (metered.movesFirst) {
      this.copyTo(locals.firstCountFrom);
      sink.u32(locals.firstLength - 1);
      this.copied = locals.firstCountTo;
    }
    if (groups > 0) this.copyTo(metered.codeStart);
    if (metered.movesFirst) {
      sink.u8(1);
      sink.copy(Code.addressOf(locals.firstTypeFrom), locals.firstTypeTo - locals.firstTypeFrom);
    }
    if (metered.declaresCounter) {
      sink.u8(1);
      sink.u8(I64);
    }
    if (metered.declaresTurns) {
      sink.u8(2);
      sink.u8(I32);
    }
    if (!metered.isPassing || !metered.flow.isBodyTarget) return;
    this.copyTo(metered.codeStart);
    sink.u8(BLOCK);
    this.blockType(metered.type);
  }

  /** Of a block that gives what functions of that type give, which is one value at most. */
  private blockType(type: i32): void {
    const resultStarts = this.facts.resultStarts;
    const resultTypes = this.facts.resultTypes;
    const from = resultStarts[type];
    const to = resultStarts[type + 1];
    if (from === to) this.sink.u8(EMPTY_BLOCK);
    for (let at = from; at < to; at++) this.sink.u8(resultTypes[at]);
  }

  private code(index: i32): void {
    const words = this.recorder.words;
    const to = this.recorder.starts[index + 1];
    const flow = this.metered.flow;
    const isPassing = this.metered.isPassing;
    const lastEvent = flow.end - EVENT_WIDTH;
    const changing = isPassing ? CHANGING | (1 << RecordKind.Leave) : CHANGING;
    let offset = this.recorder.codeStarts[index];
    let event = 0;
    /** Of the next instruction; 0 if it is as long as usual. */
    let oddLength = 0;
    for (let i = this.recorder.starts[index]; i < to; i++) {
      const word = words[i];
      const kind = word & KIND_MASK;
      if (kind >= RecordKind.MoreCost) {
        if (kind === RecordKind.OddLength) oddLength = word >>> KIND_BITS;
        else if (kind === RecordKind.MoreDistance) offset += word >>> KIND_BITS;
        continue;
      }
      offset += (word >>> DISTANCE_SHIFT) & MAX_DISTANCE;
      if (kind > LAST_EVENT) {
        if (kind === RecordKind.FirstLocal) {
          if (isPassing) this.rename(offset + 1);
        } else if (kind !== RecordKind.Block) i += this.other(kind, offset, i);
        continue;
      }
      // Half of all events change nothing; to pass them by takes 5 % off the time of writing.
      const row = flow.at(event);
      const before = row.before;
      const behind = row.behind;
      if ((before | behind) === Insertion.None && event !== lastEvent && (changing & (1 << kind)) === 0) {
        event += EVENT_WIDTH;
        oddLength = 0;
        continue;
      }
      if (before === Insertion.PayingBranch) this.payingBranch(offset, row.beforeValue);
      else if (before !== Insertion.None) this.insert(before, row.beforeValue, offset, offset);
      if (kind === RecordKind.DirectCall) this.call(offset, row.pushed);
      else if (isPassing && (kind === RecordKind.Leave || event === lastEvent)) {
        this.copyTo(offset);
        if (event === lastEvent && flow.isBodyTarget) this.sink.u8(END);
        this.insertions.push(row.pushed);
      }
      if (behind !== Insertion.None)
        this.insert(behind, row.behindValue, this.behind(kind, oddLength, offset), offset);
      if (kind === RecordKind.BranchTable) {
        const labels = Code.integerAt(offset + 1) + 1;
        event += labels * EVENT_WIDTH;
        i += labels;
      } else event += EVENT_WIDTH;
      oddLength = 0;
    }
  }

  /** Inserts at `at`, which is before or behind the instruction at `offset`. */
  private insert(kind: Insertion, value: i32, at: i32, offset: i32): void {
    this.copyTo(at);
    this.insertions.write(kind, value, offset);
  }

  /** Writes the branch at `offset` so that it pays `units` where it goes. */
  private payingBranch(offset: i32, units: i32): void {
    this.copyTo(offset);
    this.insertions.payingBranch(Code.integerAt(offset + 1), units);
    this.copied = Code.behindInteger(offset + 1);
  }

  /** A record that is no event, at `offset`. Returns how many more words it has. */
  private other(kind: i32, offset: i32, at: i32): i32 {
    switch (kind) {
      case RecordKind.GlobalIndex:
        this.shift(offset + 1, this.plan.globalShift);
        return 0;
      case RecordKind.FunctionIndex:
        this.shift(offset + 1, this.plan.functionShift);
        return 0;
      case RecordKind.DeadCall:
        this.call(offset, 0);
        return 0;
      case RecordKind.DeadReturn:
        if (!this.metered.isPassing) return 0;
        this.copyTo(offset);
        this.insertions.push(0);
        return 0;
      default: {
        const words = this.recorder.words;
        this.copyTo(offset);
        this.copied = this.edits.apply(words[at] >>> ARGUMENT_SHIFT, words[at + 1], offset);
        return 1;
      }
    }
  }

  /** Where the instruction of an event at `offset` ends, of those kinds that have something behind it. */
  private behind(kind: i32, oddLength: i32, offset: i32): i32 {
    if (oddLength > 0) return offset + oddLength;
    switch (kind) {
      case RecordKind.BranchIf:
      case RecordKind.PayingBranch:
      case RecordKind.DirectCall:
        return Code.behindInteger(offset + 1);
      case RecordKind.Loop:
      case RecordKind.If:
        return offset + 2;
      default:
        return offset + 1;
    }
  }

  private call(offset: i32, pushed: i32): void {
    const callee = Code.integerAt(offset + 1);
    if (callee < this.facts.importedFunctions) return;
    this.copyTo(offset);
    const passes = this.facts.isPassing(callee);
    // Where control does not come, a call may stand in a function that has no counter.
    const hasCounter = this.metered.hasCounter;
    if (passes && hasCounter) this.insertions.push(pushed);
    else if (passes) this.sink.i64Const(0);
    this.sink.instruction(CALL, callee + this.plan.functionShift);
    this.copied = Code.behindInteger(offset + 1);
    if (passes && hasCounter) this.insertions.pop();
    else if (passes) this.sink.u8(DROP);
  }

  /** The first local's number, at `offset`, becomes another one. */
  private rename(offset: i32): void {
    this.copyTo(offset);
    this.sink.u32(this.metered.movedTo);
    this.copied = Code.behindInteger(offset);
  }

  /** Replaces the integer at `offset` by one that is larger by `by`. */
  private shift(offset: i32, by: i32): void {
    this.copyTo(offset);
    this.sink.u32(Code.integerAt(offset) + by);
    this.copied = Code.behindInteger(offset);
  }

  private copyTo(offset: i32): void {
    if (this.uses.nextAt < offset && this.metered.movedLocal >= 0) this.copyRenaming(offset);
    else this.copyRun(offset);
  }

  /** The same of code that uses the first local. As a rule its new number has one byte, too, and is put in behind copying. */
  private copyRenaming(offset: i32): void {
    const sink = this.sink;
    const uses = this.uses;
    const movedTo = this.metered.movedTo;
    if (movedTo < ONE_BYTE) {
      this.copyRun(offset);
      for (; uses.nextAt < offset; uses.readNext()) sink.patch(offset - uses.nextAt - 1, movedTo);
      return;
    }
    for (; uses.nextAt < offset; uses.readNext()) {
      const index = uses.nextAt + 1;
      this.copyRun(index);
      sink.u32(movedTo);
      this.copied = index + 1;
    }
    this.copyRun(offset);
  }

  @inline
  private copyRun(offset: i32): void {
    this.sink.copy(Code.addressOf(this.copied), offset - this.copied);
    this.copied = offset;
  }
}
