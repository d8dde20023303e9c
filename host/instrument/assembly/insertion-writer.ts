import { CHUNK } from '../cost-model.ts';
import { BranchHints } from './branch-hints.ts';
import { ByteSink } from './byte-sink.ts';
import { Code } from './code.ts';
import { CountedLoopCode } from './counted-loop-code.ts';
import { Insertion } from './insertions.ts';
import { MeterPlan } from './meter-plan.ts';
import { MeteredFunction } from './metered-function.ts';

const LOOP = 0x03;
const IF = 0x04;
const END = 0x0b;
const BR = 0x0c;
const BR_IF = 0x0d;
const CALL = 0x10;
const EMPTY = 0x40;
const GET = 0x20;
const SET = 0x21;
const TEE = 0x22;
const GLOBAL_GET = 0x23;
const GLOBAL_SET = 0x24;
const I64_CONST = 0x42;
const I64_LT_S = 0x53;
const I64_GT_S = 0x55;
const I64_ADD = 0x7c;
const I64_SUB = 0x7d;

/** Indices and numbers below take one byte. */
const SHORT_INDEX = 0x80;
const SHORT_NUMBER = 0x40;

/** Writes the code that each insertion stands for, into the function that is being written. */
@final
export class InsertionWriter {
  private readonly plan: MeterPlan;
  private readonly metered: MeteredFunction;
  private readonly sink: ByteSink;
  private readonly hints: BranchHints;
  private readonly countedCode: CountedLoopCode;

  constructor(plan: MeterPlan, metered: MeteredFunction, sink: ByteSink, hints: BranchHints) {
    this.plan = plan;
    this.metered = metered;
    this.sink = sink;
    this.hints = hints;
    this.countedCode = new CountedLoopCode(sink, metered);
  }

  /** An Insertion at an instruction that stands at `offset`. */
  write(kind: i32, value: i32, offset: i32): void {
    switch (kind) {
      case Insertion.LocalCharge:
        if (value > 0) this.localCharge(value, SET);
        break;
      case Insertion.LocalChargeAndCheck:
        if (value > 0) this.localCharge(value, TEE);
        else this.local(GET);
        this.localCheck();
        break;
      case Insertion.Charge:
        this.charge(value);
        break;
      case Insertion.ChargeAndCheck:
        if (value > 0) this.charge(value);
        this.checkFuel();
        break;
      case Insertion.Settle:
        this.settle(value);
        this.clear();
        break;
      case Insertion.SettleAndCheck:
        this.settle(value);
        this.clear();
        this.checkFuel();
        break;
      case Insertion.SettleAndLeave:
        this.settle(value);
        break;
      case Insertion.OpenChunks:
        this.loopLike(offset);
        this.local(GET);
        this.localCheck();
        break;
      case Insertion.ChunkCharge:
        this.local(GET);
        this.exceedsChunk();
        this.sink.u8(BR_IF);
        this.sink.u8(1);
        this.localCharge(value, SET);
        break;
      case Insertion.CloseChunks:
        this.sink.u8(END);
        break;
      case Insertion.OpenCounted:
        this.loopLike(offset);
        this.countedCode.head(this.metered.countedLoops[value]);
        this.localCheck();
        break;
      case Insertion.CountedCondition:
        this.countedCode.condition(this.metered.countedLoops[value]);
        break;
      case Insertion.CloseCounted:
        this.countedCode.tail(this.metered.countedLoops[value]);
        break;
      default:
    }
  }

  /** Pushes the counter with `units` added, as a call or an exit takes it. */
  push(units: i32): void {
    const counter = this.metered.counterLocal;
    if (units > 0 && units < SHORT_NUMBER && counter < SHORT_INDEX) {
      const operands = GET | (counter << 8) | (I64_CONST << 16) | (units << 24);
      this.sink.word(<u64>operands | ((<u64>I64_ADD) << 32), 5);
      return;
    }
    this.local(GET);
    if (units === 0) return;
    this.sink.i64Const(units);
    this.sink.u8(I64_ADD);
  }

  /** Takes the counter that a call gave back. */
  pop(): void {
    this.local(SET);
  }

  /** A branch `out` blocks outwards that adds `units` to the counter if it goes. */
  payingBranch(out: i32, units: i32): void {
    const sink = this.sink;
    sink.u8(IF);
    sink.u8(EMPTY);
    this.localCharge(units, SET);
    sink.instruction(BR, out + 1);
    sink.u8(END);
  }

  private local(opcode: i32): void {
    this.sink.instruction(opcode, this.metered.counterLocal);
  }

  /** `c = c + units`; the last instruction is `last`. */
  private localCharge(units: i32, last: i32): void {
    this.push(units);
    this.local(last);
  }

  /** `if (c > CHUNK) { settle(c); c = 0 }`, with `c` on the stack already. */
  private localCheck(): void {
    const sink = this.sink;
    this.exceedsChunk();
    sink.u8(IF);
    sink.u8(EMPTY);
    this.local(GET);
    sink.instruction(CALL, this.plan.settle);
    this.local(SET);
    sink.u8(END);
  }

  /** Whether the number on the stack exceeds CHUNK, for the branch that follows. */
  private exceedsChunk(): void {
    this.sink.i64Const(CHUNK);
    this.sink.u8(I64_GT_S);
    this.hints.unlikely(this.sink.length);
  }

  /** `fuel = fuel - units`. */
  private charge(units: i32): void {
    const sink = this.sink;
    sink.instruction(GLOBAL_GET, this.plan.fuelGlobal);
    this.subtract(units);
    sink.instruction(GLOBAL_SET, this.plan.fuelGlobal);
  }

  /** `fuel = fuel - c - units`. */
  private settle(units: i32): void {
    const sink = this.sink;
    sink.instruction(GLOBAL_GET, this.plan.fuelGlobal);
    this.local(GET);
    sink.u8(I64_SUB);
    if (units > 0) this.subtract(units);
    sink.instruction(GLOBAL_SET, this.plan.fuelGlobal);
  }

  private subtract(units: i32): void {
    this.sink.i64Const(units);
    this.sink.u8(I64_SUB);
  }

  private clear(): void {
    this.sink.i64Const(0);
    this.local(SET);
  }

  /** `if (fuel < 0) check()`. */
  private checkFuel(): void {
    const sink = this.sink;
    sink.instruction(GLOBAL_GET, this.plan.fuelGlobal);
    sink.i64Const(0);
    sink.u8(I64_LT_S);
    this.hints.unlikely(sink.length);
    sink.u8(IF);
    sink.u8(EMPTY);
    sink.instruction(CALL, this.plan.check);
    sink.u8(END);
  }

  /** The start of a loop of the same type as the one at `offset`. */
  private loopLike(offset: i32): void {
    this.sink.u8(LOOP);
    this.sink.u8(Code.byteAt(offset + 1));
  }
}
