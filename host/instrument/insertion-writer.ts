import type { BranchHints } from './branch-hints.ts';
import * as costs from './cost-model.ts';
import { CountedLoopCode } from './counted-loop-code.ts';
import * as inserted from './insertions.ts';
import type { MeteredFunction } from './metered-function.ts';
import type { MeterPlan } from './plan.ts';
import { chargeCode, checkCode } from './support-functions.ts';
import type { ByteSink } from './writer.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { CHUNK } = costs;
const { INSERTION } = inserted;

const IF = 0x04;
const BR = 0x0c;
const BR_IF = 0x0d;
const END = 0x0b;
const EMPTY = 0x40;
const GET = 0x20;
const SET = 0x21;
const TEE = 0x22;
const I64_CONST = 0x42;
const I64_GT_S = 0x55;
const I64_ADD = 0x7c;
const I64_SUB = 0x7d;

/** Writes the code that each insertion stands for, into the function that is being written. */
export class InsertionWriter {
  readonly #bytes: Uint8Array;
  readonly #plan: MeterPlan;
  readonly #function: MeteredFunction;
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
    plan: MeterPlan,
    metered: MeteredFunction,
    sink: ByteSink,
    hints: BranchHints,
  ) {
    this.#bytes = bytes;
    this.#plan = plan;
    this.#function = metered;
    this.#sink = sink;
    this.#hints = hints;
    this.#countedCode = new CountedLoopCode(sink, metered);
    const charge = chargeCode(plan);
    this.#chargeBefore = Uint8Array.from(charge.before);
    this.#chargeBehind = Uint8Array.from(charge.behind);
    this.#check = Uint8Array.from(checkCode(plan));
    this.#checkBranchAt = this.#check.lastIndexOf(0x04, this.#check.lastIndexOf(0x40));
  }

  /** An INSERTION at an instruction that stands at `offset`. */
  write(kind: number, value: number, offset: number): void {
    const sink = this.#sink;
    switch (kind) {
      case INSERTION.localCharge:
        if (value > 0) this.#localCharge(value, SET);
        break;
      case INSERTION.localChargeAndCheck:
        if (value > 0) this.#localCharge(value, TEE);
        else this.#local(GET);
        this.#localCheck();
        break;
      case INSERTION.charge:
        this.#charge(value);
        break;
      case INSERTION.chargeAndCheck:
        if (value > 0) this.#charge(value);
        this.#checkFuel();
        break;
      case INSERTION.settle:
      case INSERTION.settleAndCheck:
      case INSERTION.settleAndLeave:
        this.#settle(value);
        if (kind !== INSERTION.settleAndLeave) this.#clear();
        if (kind === INSERTION.settleAndCheck) this.#checkFuel();
        break;
      case INSERTION.openChunks:
        sink.u8(0x03);
        sink.u8(this.#bytes[offset + 1]!);
        this.#local(GET);
        this.#localCheck();
        break;
      case INSERTION.chunkCharge:
        this.#local(GET);
        sink.i64Const(CHUNK);
        sink.u8(I64_GT_S);
        this.#hints.unlikely(sink.length);
        sink.u8(BR_IF);
        sink.u8(1);
        this.#localCharge(value, SET);
        break;
      case INSERTION.closeChunks:
        sink.u8(0x0b);
        break;
      case INSERTION.openCounted:
        sink.u8(0x03);
        sink.u8(this.#bytes[offset + 1]!);
        this.#countedCode.head(this.#function.countedLoops[value]!);
        this.#localCheck();
        break;
      case INSERTION.countedCondition:
        this.#countedCode.condition(this.#function.countedLoops[value]!);
        break;
      case INSERTION.closeCounted:
        this.#countedCode.tail(this.#function.countedLoops[value]!);
        break;
      default:
    }
  }

  /** Pushes the counter with `units` added, for a call or an exit. */
  push(units: number): void {
    if (units === 0) {
      this.#local(GET);
      return;
    }
    this.#pushCounterAnd(units);
    this.#sink.u8(I64_ADD);
  }

  /** Pushes the counter, and `units`. */
  #pushCounterAnd(units: number): void {
    const { counterLocal } = this.#function;
    if (units < 0x40 && counterLocal < 0x80) {
      this.#sink.word(GET | (counterLocal << 8) | (I64_CONST << 16) | (units << 24), 4);
      return;
    }
    this.#local(GET);
    this.#sink.i64Const(units);
  }

  /** Takes the counter that a call gave back. */
  pop(): void {
    this.#local(SET);
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
    this.#sink.instruction(opcode, this.#function.counterLocal);
  }

  /** `c = c + units`; the last instruction is `last`. */
  #localCharge(units: number, last: number): void {
    const { counterLocal } = this.#function;
    this.#pushCounterAnd(units);
    if (counterLocal < 0x80) {
      this.#sink.word(I64_ADD | (last << 8) | (counterLocal << 16), 3);
      return;
    }
    this.#sink.u8(I64_ADD);
    this.#local(last);
  }

  /** `if (c > CHUNK) { settle(c); c = 0 }`, with `c` on the stack already. */
  #localCheck(): void {
    const sink = this.#sink;
    sink.i64Const(CHUNK);
    sink.u8(I64_GT_S);
    this.#hints.unlikely(sink.length);
    sink.u8(0x04);
    sink.u8(0x40);
    this.#local(GET);
    sink.instruction(0x10, this.#plan.settle);
    this.#local(SET);
    sink.u8(0x0b);
  }

  /** A branch `out` blocks outwards that adds `units` to the counter if it goes. */
  payingBranch(out: number, units: number): void {
    const sink = this.#sink;
    sink.u8(IF);
    sink.u8(EMPTY);
    this.#localCharge(units, SET);
    sink.u8(BR);
    sink.u32(out + 1);
    sink.u8(END);
  }

  #clear(): void {
    this.#sink.i64Const(0);
    this.#local(SET);
  }

  /** `fuel = fuel - c - units`. */
  #settle(units: number): void {
    const sink = this.#sink;
    sink.instruction(0x23, this.#plan.fuelGlobal);
    this.#local(GET);
    sink.u8(I64_SUB);
    if (units > 0) {
      sink.i64Const(units);
      sink.u8(I64_SUB);
    }
    sink.instruction(0x24, this.#plan.fuelGlobal);
  }
}
