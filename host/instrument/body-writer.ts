import type { BranchHints } from './branch-hints.ts';
import type { CodeRecorder } from './code-recorder.ts';
import * as records from './code-records.ts';
import type { EditWriter } from './edit-writer.ts';
import * as flows from './flow.ts';
import { InsertionWriter } from './insertion-writer.ts';
import * as inserted from './insertions.ts';

import type { LocalUses } from './local-uses.ts';
import type { MeteredFunction } from './metered-function.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { MeterPlan } from './plan.ts';
import type { ByteSink } from './writer.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { ARGUMENT_SHIFT, DISTANCE_SHIFT, KIND_BITS, KIND_MASK, LAST_EVENT, MAX_DISTANCE, RECORD } = records;
const { EVENT_WIDTH } = flows;
const { INSERTION, PUSHED, SLOT_VALUE, slotBehind } = inserted;

const I32 = 0x7f;
const I64 = 0x7e;
const BLOCK = 0x02;
const END = 0x0b;
const EMPTY_BLOCK = 0x40;
const CALL = 0x10;
const DROP = 0x1a;
/** Integers below take one byte. */
const ONE_BYTE = 0x80;

/**
 * Writes bodies of functions with what metering makes of them: walks their records (code-records.ts) a last time, copies
 * what lies between two of them that change something, and knows what each of them changes.
 */
export class BodyWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #plan: MeterPlan;
  readonly #importedFunctions: number;
  readonly #recorder: CodeRecorder;
  readonly #function: MeteredFunction;
  readonly #sink: ByteSink;
  readonly #insertions: InsertionWriter;
  readonly #edits: EditWriter;
  /** Up to where the body has been copied, or was replaced. */
  #copied = 0;
  /** Of the function's first local, whose number changes when they are copied. */
  readonly #uses: LocalUses;

  constructor(
    bytes: Uint8Array,
    layout: ModuleLayout,
    plan: MeterPlan,
    recorder: CodeRecorder,
    metered: MeteredFunction,
    sink: ByteSink,
    hints: BranchHints,
    edits: EditWriter,
  ) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#plan = plan;
    this.#importedFunctions = layout.importedFunctions;
    this.#recorder = recorder;
    this.#uses = recorder.uses;
    this.#function = metered;
    this.#sink = sink;
    this.#insertions = new InsertionWriter(bytes, plan, metered, sink, hints);
    this.#edits = edits;
  }

  /** Writes the body `[start, end)` of the defined function `index`, which `MeteredFunction` has taken up. */
  write(index: number, start: number, end: number): void {
    this.#copied = start;
    this.#uses.startReading(index, this.#function.codeStart);
    this.#declarations(start);
    this.#code(index);
    this.#copyTo(end);
  }

  /** The function's locals, and the start of the block around its code, if a branch leads to the end of it. */
  #declarations(start: number): void {
    const sink = this.#sink;
    const { locals, added, isPassing, flow, codeStart, result } = this.#function;
    const { movesFirst, declaresCounter, declaresTurns } = added;
    const groups = (movesFirst ? 1 : 0) + (declaresCounter ? 1 : 0) + (declaresTurns ? 1 : 0);
    if (groups > 0) {
      sink.u32(locals.groups + groups);
      this.#copied = this.#behindInteger(start);
    }
    if (movesFirst) {
      const { from, to } = locals.firstCount;
      this.#copyTo(from);
      sink.u32(locals.firstLength - 1);
      this.#copied = to;
    }
    if (groups > 0) this.#copyTo(codeStart);
    if (movesFirst) {
      sink.u8(1);
      sink.copy(this.#bytes, locals.firstType.from, locals.firstType.to);
    }
    if (declaresCounter) {
      sink.u8(1);
      sink.u8(I64);
    }
    if (declaresTurns) {
      sink.u8(2);
      sink.u8(I32);
    }
    if (!isPassing || !flow.isBodyTarget) return;
    this.#copyTo(codeStart);
    sink.u8(BLOCK);
    if (result.from === result.to) sink.u8(EMPTY_BLOCK);
    else sink.copy(this.#bytes, result.from, result.to);
  }

  #code(index: number): void {
    const { words, starts, codeStarts } = this.#recorder;
    const to = starts[index + 1]!;
    const { flow, isPassing } = this.#function;
    const { rows } = flow;
    const lastEvent = flow.end - EVENT_WIDTH;
    let offset = codeStarts[index]!;
    let event = 0;
    /** Of the next instruction; 0 if it is as long as usual. */
    let oddLength = 0;
    for (let i = starts[index]!; i < to; i++) {
      const word = words[i]!;
      const kind = word & KIND_MASK;
      if (kind >= RECORD.moreCost) {
        if (kind === RECORD.oddLength) oddLength = word >>> KIND_BITS;
        else if (kind === RECORD.moreDistance) offset += word >>> KIND_BITS;
        continue;
      }
      offset += (word >>> DISTANCE_SHIFT) & MAX_DISTANCE;
      if (kind > LAST_EVENT) {
        if (kind === RECORD.firstLocal) {
          if (isPassing) this.#rename(offset + 1);
        } else if (kind !== RECORD.block) i += this.#other(kind, offset, i);
        continue;
      }
      const before = rows[event]!;
      if (before === INSERTION.payingBranch) this.#payingBranch(offset, rows[event + SLOT_VALUE]!);
      else if (before !== INSERTION.none) this.#insert(event, offset, offset);
      if (kind === RECORD.directCall) this.#call(offset, rows[event + PUSHED]!);
      else if (isPassing && (kind === RECORD.leave || event === lastEvent)) {
        this.#copyTo(offset);
        if (event === lastEvent && flow.isBodyTarget) this.#sink.u8(END);
        this.#insertions.push(rows[event + PUSHED]!);
      }
      const behind = slotBehind(event);
      if (rows[behind] !== INSERTION.none)
        this.#insert(behind, this.#behind(kind, oddLength, offset), offset);
      if (kind === RECORD.branchTable) {
        const labels = this.#integerAt(offset + 1) + 1;
        event += labels * EVENT_WIDTH;
        i += labels;
      } else event += EVENT_WIDTH;
      oddLength = 0;
    }
  }

  /** Writes what stands in `slot` of an instruction at `offset`, which is to be inserted at `at`. */
  #insert(slot: number, at: number, offset: number): void {
    const { rows } = this.#function.flow;
    this.#copyTo(at);
    this.#insertions.write(rows[slot]!, rows[slot + SLOT_VALUE]!, offset);
  }

  /** Writes the branch at `offset` so that it pays `units` where it goes. */
  #payingBranch(offset: number, units: number): void {
    this.#copyTo(offset);
    this.#insertions.payingBranch(this.#integerAt(offset + 1), units);
    this.#copied = this.#behindInteger(offset + 1);
  }

  /** A record that is no event, at `offset`. Returns how many more words it has. */
  #other(kind: number, offset: number, at: number): number {
    const { isPassing } = this.#function;
    switch (kind) {
      case RECORD.globalIndex:
        this.#shift(offset + 1, this.#plan.globalShift);
        return 0;
      case RECORD.functionIndex:
        this.#shift(offset + 1, this.#plan.functionShift);
        return 0;
      case RECORD.deadCall:
        this.#call(offset, 0);
        return 0;
      case RECORD.deadReturn:
        if (!isPassing) return 0;
        this.#copyTo(offset);
        this.#insertions.push(0);
        return 0;
      default: {
        const { words } = this.#recorder;
        this.#copyTo(offset);
        this.#copied = this.#edits.apply(words[at]! >>> ARGUMENT_SHIFT, words[at + 1]!, offset);
        return 1;
      }
    }
  }

  /** Where the instruction of an event at `offset` ends, of those kinds that have something behind it. */
  #behind(kind: number, oddLength: number, offset: number): number {
    if (oddLength > 0) return offset + oddLength;
    switch (kind) {
      case RECORD.branchIf:
      case RECORD.payingBranch:
      case RECORD.directCall:
        return this.#behindInteger(offset + 1);
      case RECORD.loop:
      case RECORD.if:
        return offset + 2;
      default:
        return offset + 1;
    }
  }

  #call(offset: number, pushed: number): void {
    const callee = this.#integerAt(offset + 1);
    if (callee < this.#importedFunctions) return;
    this.#copyTo(offset);
    const passes = this.#plan.passing[callee] === 1;
    // Where control does not come, a call may stand in a function that has no counter.
    const { hasCounter } = this.#function;
    if (passes && hasCounter) this.#insertions.push(pushed);
    else if (passes) this.#sink.i64Const(0);
    this.#sink.instruction(CALL, callee + this.#plan.functionShift);
    this.#copied = this.#behindInteger(offset + 1);
    if (passes && hasCounter) this.#insertions.pop();
    else if (passes) this.#sink.u8(DROP);
  }

  /** The first local's number, at `offset`, becomes another one. */
  #rename(offset: number): void {
    this.#copyTo(offset);
    this.#sink.u32(this.#function.movedTo);
    this.#copied = this.#behindInteger(offset);
  }

  /** Replaces the integer at `offset` by one that is larger by `by`. */
  #shift(offset: number, by: number): void {
    this.#copyTo(offset);
    this.#sink.u32(this.#integerAt(offset) + by);
    this.#copied = this.#behindInteger(offset);
  }

  #copyTo(offset: number): void {
    if (this.#uses.nextAt < offset && this.#function.movedLocal >= 0) this.#copyRenaming(offset);
    else this.#sink.copyRun(this.#view, this.#copied, offset);
    this.#copied = offset;
  }

  /** The same of code that uses the first local. As a rule its new number has one byte, too, and is put in behind copying. */
  #copyRenaming(offset: number): void {
    const sink = this.#sink;
    const uses = this.#uses;
    const { movedTo } = this.#function;
    if (movedTo < ONE_BYTE) {
      sink.copyRun(this.#view, this.#copied, offset);
      for (; uses.nextAt < offset; uses.readNext()) sink.patch(offset - uses.nextAt - 1, movedTo);
      return;
    }
    for (; uses.nextAt < offset; uses.readNext()) {
      const index = uses.nextAt + 1;
      sink.copyRun(this.#view, this.#copied, index);
      sink.u32(movedTo);
      this.#copied = index + 1;
    }
    sink.copyRun(this.#view, this.#copied, offset);
  }

  #behindInteger(offset: number): number {
    let at = offset;
    while (this.#bytes[at]! >= 0x80) at++;
    return at + 1;
  }

  #integerAt(offset: number): number {
    const bytes = this.#bytes;
    let at = offset;
    let byte = bytes[at]!;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[++at]!;
      value |= (byte & 0x7f) << shift;
    }
    return value;
  }
}
