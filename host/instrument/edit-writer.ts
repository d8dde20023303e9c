import type { BranchHints } from './branch-hints.ts';
import { CHUNK } from './cost-model.ts';
import { CountedLoopCode } from './counted-loop-code.ts';
import { EDIT, type EditList } from './edits.ts';
import type { FunctionAnalysis } from './function-analysis.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { MeterPlan } from './plan.ts';
import { Cursor } from './reader.ts';
import { chargeCode, checkCode, subtractHeadroomCode } from './support-functions.ts';
import type { ByteSink } from './writer.ts';

const I32 = 0x7f;
const I64 = 0x7e;
const GET = 0x20;
const SET = 0x21;
const TEE = 0x22;
const I64_CONST = 0x42;
const I64_GT_S = 0x55;
const I64_ADD = 0x7c;
const I64_SUB = 0x7d;

/** Writes code and declarations with their edits applied: knows what each edit stands for, byte by byte. */
export class EditWriter {
  readonly #bytes: Uint8Array;
  readonly #layout: ModuleLayout;
  readonly #plan: MeterPlan;
  readonly #functions: FunctionAnalysis;
  readonly #sink: ByteSink;
  readonly #hints: BranchHints;
  readonly #countedCode: CountedLoopCode;
  readonly #chargeBefore: Uint8Array;
  readonly #chargeBehind: Uint8Array;
  readonly #check: Uint8Array;
  /** Where the `if` stands in the code of a check. */
  readonly #checkBranchAt: number;

  constructor(
    bytes: Uint8Array,
    layout: ModuleLayout,
    plan: MeterPlan,
    functions: FunctionAnalysis,
    sink: ByteSink,
    hints: BranchHints,
  ) {
    this.#bytes = bytes;
    this.#layout = layout;
    this.#plan = plan;
    this.#functions = functions;
    this.#sink = sink;
    this.#hints = hints;
    this.#countedCode = new CountedLoopCode(sink, functions);
    const charge = chargeCode(plan);
    this.#chargeBefore = Uint8Array.from(charge.before);
    this.#chargeBehind = Uint8Array.from(charge.behind);
    this.#check = Uint8Array.from(checkCode(plan));
    this.#checkBranchAt = this.#check.lastIndexOf(0x04, this.#check.lastIndexOf(0x40));
  }

  /** Copies `bytes[from..to)` with `edits`, from slot `first` on, applied. */
  apply(edits: EditList, first: number, from: number, to: number): void {
    const sink = this.#sink;
    const bytes = this.#bytes;
    const plan = this.#plan;
    let at = from;
    for (let slot = first; slot < edits.length; slot++) {
      const kind = edits.kind(slot);
      if (kind === EDIT.none) continue;
      const offset = edits.offset(slot);
      if (offset >= to) break;
      sink.copy(bytes, at, offset);
      at = offset;
      const value = edits.value(slot);
      switch (kind) {
        case EDIT.charge:
          this.#charge(value);
          break;
        case EDIT.chargeAndCheck:
          if (value > 0) this.#charge(value);
          this.#checkFuel();
          break;
        case EDIT.localCharge:
          if (value > 0) this.#localCharge(value, SET);
          break;
        case EDIT.localChargeAndCheck:
          if (value > 0) this.#localCharge(value, TEE);
          else this.#local(GET);
          this.#localCheck();
          break;
        case EDIT.settle:
        case EDIT.settleAndCheck:
        case EDIT.settleAndLeave:
          this.#settle(value);
          if (kind !== EDIT.settleAndLeave) this.#clear();
          if (kind === EDIT.settleAndCheck) this.#checkFuel();
          break;
        case EDIT.declareCounter:
          sink.u8(1);
          sink.u8(I64);
          break;
        case EDIT.exportedFunction:
          sink.u32(plan.entries.get(value) ?? value + plan.functionShift);
          at = this.#behindInteger(offset);
          break;
        case EDIT.pushCounter:
          this.#local(GET);
          if (value > 0) {
            sink.u8(I64_CONST);
            sink.s64(value);
            sink.u8(I64_ADD);
          }
          break;
        case EDIT.popCounter:
          this.#local(SET);
          break;
        case EDIT.localIndex:
        case EDIT.number:
          sink.u32(value);
          at = this.#behindInteger(offset);
          break;
        case EDIT.declareMoved:
          sink.u8(1);
          sink.copy(bytes, this.#functions.firstLocal.from, this.#functions.firstLocal.to);
          break;
        case EDIT.openBody:
          sink.u8(0x02);
          if (this.#functions.result.from === this.#functions.result.to) sink.u8(0x40);
          else sink.copy(bytes, this.#functions.result.from, this.#functions.result.to);
          break;
        case EDIT.openChunks:
          sink.u8(0x03);
          sink.u8(bytes[offset + 1]!);
          this.#local(GET);
          this.#localCheck();
          break;
        case EDIT.chunkCharge:
          this.#local(GET);
          sink.u8(I64_CONST);
          sink.s64(CHUNK);
          sink.u8(I64_GT_S);
          this.#hints.unlikely(sink.length);
          sink.u8(0x0d);
          sink.u8(1);
          this.#localCharge(value, SET);
          break;
        case EDIT.openCounted:
          sink.u8(0x03);
          sink.u8(bytes[offset + 1]!);
          this.#countedCode.head(this.#functions.countedLoops[value]!);
          this.#localCheck();
          break;
        case EDIT.countedCondition:
          this.#countedCode.condition(this.#functions.countedLoops[value]!);
          break;
        case EDIT.closeCounted:
          this.#countedCode.tail(this.#functions.countedLoops[value]!);
          break;
        case EDIT.declareTurns:
          sink.u8(2);
          sink.u8(I32);
          break;
        case EDIT.closeBody:
          sink.u8(0x0b);
          break;
        case EDIT.functionIndex:
          sink.u32(value + plan.functionShift);
          at = this.#behindInteger(offset);
          break;
        case EDIT.globalIndex:
          sink.u32(value + plan.globalShift);
          at = this.#behindInteger(offset);
          break;
        case EDIT.functionIndices:
          at = this.#functionIndices(offset, value);
          break;
        case EDIT.chargeLength:
          sink.u8(0x10);
          sink.u32(plan.chargeLength[value]!);
          break;
        case EDIT.allocate:
          sink.u8(I64_CONST);
          sink.s64(value);
          sink.u8(0x10);
          sink.u32(plan.allocate);
          break;
        case EDIT.allocateArray:
          sink.u8(0x10);
          sink.u32(plan.allocateArray[value]!);
          break;
        case EDIT.subtractHeadroom:
          sink.list(subtractHeadroomCode(plan, this.#layout, value));
          break;
        case EDIT.memoryGrow:
          sink.u8(0x10);
          sink.u32(plan.memoryGrow.get(value)!);
          at = this.#behindInteger(offset + 1);
          break;
        case EDIT.tableGrow:
          sink.u8(0x10);
          sink.u32(plan.tableGrow.get(value)!);
          at = this.#behindInteger(this.#behindInteger(offset + 1));
          break;
      }
    }
    sink.copy(bytes, at, to);
  }

  #charge(units: number): void {
    const sink = this.#sink;
    sink.copy(this.#chargeBefore, 0, this.#chargeBefore.length);
    sink.s64(units);
    sink.copy(this.#chargeBehind, 0, this.#chargeBehind.length);
  }

  #checkFuel(): void {
    this.#hints.unlikely(this.#sink.length + this.#checkBranchAt);
    this.#sink.copy(this.#check, 0, this.#check.length);
  }

  #local(opcode: number): void {
    this.#sink.u8(opcode);
    this.#sink.u32(this.#functions.counterLocal);
  }

  /** `c = c + units`; the last instruction is `last`. */
  #localCharge(units: number, last: number): void {
    const sink = this.#sink;
    this.#local(GET);
    sink.u8(I64_CONST);
    sink.s64(units);
    sink.u8(I64_ADD);
    this.#local(last);
  }

  /** `if (c > CHUNK) { settle(c); c = 0 }`, with `c` on the stack already. */
  #localCheck(): void {
    const sink = this.#sink;
    sink.u8(I64_CONST);
    sink.s64(CHUNK);
    sink.u8(I64_GT_S);
    this.#hints.unlikely(sink.length);
    sink.u8(0x04);
    sink.u8(0x40);
    this.#local(GET);
    sink.u8(0x10);
    sink.u32(this.#plan.settle);
    this.#local(SET);
    sink.u8(0x0b);
  }

  #clear(): void {
    this.#sink.u8(I64_CONST);
    this.#sink.u8(0);
    this.#local(SET);
  }

  /** `fuel = fuel - c - units`. */
  #settle(units: number): void {
    const sink = this.#sink;
    sink.u8(0x23);
    sink.u32(this.#plan.fuelGlobal);
    this.#local(GET);
    sink.u8(I64_SUB);
    if (units > 0) {
      sink.u8(I64_CONST);
      sink.s64(units);
      sink.u8(I64_SUB);
    }
    sink.u8(0x24);
    sink.u32(this.#plan.fuelGlobal);
  }

  #behindInteger(offset: number): number {
    let at = offset;
    while (this.#bytes[at]! >= 0x80) at++;
    return at + 1;
  }

  #functionIndices(offset: number, count: number): number {
    const { importedFunctions } = this.#layout;
    const cursor = new Cursor(this.#bytes, offset);
    for (let i = 0; i < count; i++) {
      const index = cursor.u32();
      this.#sink.u32(index < importedFunctions ? index : index + this.#plan.functionShift);
    }
    return cursor.pos;
  }
}
