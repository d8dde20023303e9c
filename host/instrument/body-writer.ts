import type { BranchHints } from './branch-hints.ts';
import type { CodeRecorder } from './code-recorder.ts';
import { DISTANCE_SHIFT, IS_WIDE, KIND_BITS, KIND_MASK, LAST_EVENT, RECORD } from './code-records.ts';
import type { EditWriter } from './edit-writer.ts';
import { InsertionWriter } from './insertion-writer.ts';
import { INSERTION, slotBefore, slotBehind } from './insertions.ts';
import type { MeteredFunction } from './metered-function.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { MeterPlan } from './plan.ts';
import type { ByteSink } from './writer.ts';

const I32 = 0x7f;
const I64 = 0x7e;
const BLOCK = 0x02;
const END = 0x0b;
const EMPTY_BLOCK = 0x40;
const CALL = 0x10;
/** Integers below take one byte. */
const ONE_BYTE = 0x80;
/** In one run. */
const MAX_RENAMES = 64;

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
  /** Where, behind that, the number of the function's first local stands, which changes when it has been copied. */
  readonly #renames = new Int32Array(MAX_RENAMES);
  #renameCount = 0;

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
    this.#function = metered;
    this.#sink = sink;
    this.#insertions = new InsertionWriter(bytes, plan, metered, sink, hints);
    this.#edits = edits;
  }

  /** Writes the body `[start, end)` of the defined function `index`, which `MeteredFunction` has taken up. */
  write(index: number, start: number, end: number): void {
    this.#copied = start;
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
    const { words, starts } = this.#recorder;
    const to = starts[index + 1]!;
    const { flow, isPassing } = this.#function;
    const { pairs, pushed } = this.#function.insertions;
    const lastEvent = flow.length - 1;
    let offset = this.#function.codeStart;
    let event = 0;
    for (let i = starts[index]!; i < to; i++) {
      const word = words[i]!;
      const kind = word & KIND_MASK;
      if (kind >= RECORD.moreCost) {
        if (kind === RECORD.moreDistance) offset += word >>> KIND_BITS;
        continue;
      }
      offset += word >>> DISTANCE_SHIFT;
      if (kind > LAST_EVENT) {
        if (kind === RECORD.firstLocal) {
          if (isPassing) this.#rename(offset + 1);
        } else if (kind !== RECORD.block) i += this.#other(kind, offset, i);
        continue;
      }
      const pair = pairs[event]!;
      if ((pair & 0xff) === INSERTION.payingBranch) this.#payingBranch(event, offset);
      else if ((pair & 0xff) !== INSERTION.none) this.#insert(slotBefore(event), offset, offset);
      if (kind === RECORD.directCall) this.#call(offset, pushed[event]!);
      else if (isPassing && (kind === RECORD.leave || event === lastEvent)) {
        this.#copyTo(offset);
        if (event === lastEvent && flow.isBodyTarget) this.#sink.u8(END);
        this.#insertions.push(pushed[event]!);
      }
      if (pair > 0xff) this.#insert(slotBehind(event), this.#behind(word, i, offset), offset);
      event += kind === RECORD.branchTable ? this.#integerAt(offset + 1) + 1 : 1;
      if (kind === RECORD.castBranch) i += 2;
      else if ((word & IS_WIDE) !== 0) i++;
    }
  }

  /** Writes what stands in `slot` of an instruction at `offset`, which is to be inserted at `at`. */
  #insert(slot: number, at: number, offset: number): void {
    const { kinds, values } = this.#function.insertions;
    this.#copyTo(at);
    this.#insertions.write(kinds[slot]!, values[slot]!, offset);
  }

  /** Writes the branch at `offset` so that it pays where it goes. */
  #payingBranch(event: number, offset: number): void {
    this.#copyTo(offset);
    this.#insertions.payingBranch(
      this.#integerAt(offset + 1),
      this.#function.insertions.values[slotBefore(event)]!,
    );
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
        this.#copied = this.#edits.apply(words[at + 1]!, words[at + 2]!, offset);
        return 2;
      }
    }
  }

  /** Where the instruction of an event at `offset` ends, of those kinds that have something behind it. */
  #behind(word: number, at: number, offset: number): number {
    switch (word & KIND_MASK) {
      case RECORD.castBranch:
        return offset + this.#recorder.words[at + 2]!;
      case RECORD.branchIf:
      case RECORD.directCall:
        return this.#behindInteger(offset + 1);
      case RECORD.loop:
      case RECORD.if:
        return offset + ((word & IS_WIDE) === 0 ? 2 : this.#recorder.words[at + 1]!);
      default:
        return offset + ((word & IS_WIDE) === 0 ? 1 : this.#recorder.words[at + 1]!);
    }
  }

  #call(offset: number, pushed: number): void {
    const callee = this.#integerAt(offset + 1);
    if (callee < this.#importedFunctions) return;
    this.#copyTo(offset);
    const passes = this.#plan.passing[callee] === 1;
    if (passes) this.#insertions.push(pushed);
    this.#sink.instruction(CALL, callee + this.#plan.functionShift);
    this.#copied = this.#behindInteger(offset + 1);
    if (passes) this.#insertions.pop();
  }

  /**
   * The first local's number, at `offset`, becomes another one. There are more of these than of all else that changes, and as a rule
   * both numbers have one byte: those are copied with what stands around them.
   */
  #rename(offset: number): void {
    const { movedTo } = this.#function;
    if (movedTo >= ONE_BYTE || this.#bytes[offset]! >= ONE_BYTE) {
      this.#copyTo(offset);
      this.#sink.u32(movedTo);
      this.#copied = this.#behindInteger(offset);
      return;
    }
    if (this.#renameCount === MAX_RENAMES) this.#copyTo(offset);
    this.#renames[this.#renameCount++] = offset;
  }

  /** Replaces the integer at `offset` by one that is larger by `by`. */
  #shift(offset: number, by: number): void {
    this.#copyTo(offset);
    this.#sink.u32(this.#integerAt(offset) + by);
    this.#copied = this.#behindInteger(offset);
  }

  #copyTo(offset: number): void {
    const sink = this.#sink;
    sink.copyRun(this.#view, this.#copied, offset);
    this.#copied = offset;
    const count = this.#renameCount;
    if (count === 0) return;
    const { movedTo } = this.#function;
    for (let i = 0; i < count; i++) sink.patch(offset - this.#renames[i]!, movedTo);
    this.#renameCount = 0;
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
