/**
 * The code around a loop that counts (counted-loop.ts). It is charged for many turns at once, in a loop around it:
 *
 *     loop                                    ;; once for each TURNS_CHARGE of fuel
 *       more = turns that certainly follow the next one, at most as many as TURNS_CHARGE pays for
 *       end = index + (more + 1) * step
 *       c = c + (more + 1) * cost; check
 *       loop  ...its code...  drop  index !== end  br_if 0  end
 *       index <comparison> bound  br_if 0
 *     end
 *
 * Invariants:
 * 1. `more` is a lower bound: whatever it is, the inner loop makes `more + 1` turns, and the original would have made as
 *    many at least. Whether another one follows is then decided by the original comparison.
 * 2. The index meets `end` on the last of these turns only: between any two turns it differs by less than 2^32.
 */
import { TURNS_CHARGE } from '../cost-model.ts';
import { ByteSink } from './byte-sink.ts';
import { CountedLoop, LoopOperand } from './counted-loop.ts';
import { MeteredFunction } from './metered-function.ts';

const GET = 0x20;
const SET = 0x21;
const TEE = 0x22;
const I32_CONST = 0x41;
const I32_EQZ = 0x45;
const I32_NE = 0x47;
const I32_LT_U = 0x49;
const FIRST_ORDER = 0x48;
const I32_ADD = 0x6a;
const I32_SUB = 0x6b;
const I32_MUL = 0x6c;
const I32_DIV_U = 0x6e;
const I32_OR = 0x72;
const I32_SHL = 0x74;
const I32_SHR_U = 0x76;
const I64_ADD = 0x7c;
const I64_MUL = 0x7e;
const I64_EXTEND_I32_U = 0xad;
const SELECT = 0x1b;
const DROP = 0x1a;
const BR_IF = 0x0d;
const END = 0x0b;

/** Writes the code of one function's loops. */
@final
export class CountedLoopCode {
  private readonly sink: ByteSink;
  private readonly metered: MeteredFunction;

  constructor(sink: ByteSink, metered: MeteredFunction) {
    this.sink = sink;
    this.metered = metered;
  }

  /** Behind the outer loop's head; the counter's new value is left on the stack for a check. */
  head(loop: CountedLoop): void {
    const sink = this.sink;
    const counter = this.metered.counterLocal;
    const end = this.metered.firstTurnsLocal;
    const more = end + 1;
    const limit = max(1, TURNS_CHARGE / loop.cost) - 1;
    this.moreTurns(loop);
    sink.instruction(TEE, more);
    this.constant(limit);
    sink.instruction(GET, more);
    this.constant(limit);
    sink.u8(I32_LT_U);
    sink.u8(SELECT);
    sink.instruction(TEE, more);
    this.constant(1);
    sink.u8(I32_ADD);
    sink.instruction(TEE, more);
    this.times(loop.step);
    this.get(loop.index);
    sink.u8(I32_ADD);
    sink.instruction(SET, end);
    sink.instruction(GET, counter);
    sink.instruction(GET, more);
    sink.u8(I64_EXTEND_I32_U);
    sink.i64Const(loop.cost);
    sink.u8(I64_MUL);
    sink.u8(I64_ADD);
    sink.instruction(TEE, counter);
  }

  /** Before the inner loop's branch, in place of what it would have branched on. */
  condition(loop: CountedLoop): void {
    this.sink.u8(DROP);
    this.get(loop.index);
    this.sink.instruction(GET, this.metered.firstTurnsLocal);
    this.sink.u8(I32_NE);
  }

  /** The end of the inner loop, and the original branch. */
  tail(loop: CountedLoop): void {
    this.sink.u8(END);
    this.get(loop.index);
    this.operand(loop.bound);
    this.sink.u8(loop.comparison);
    this.sink.u8(BR_IF);
    this.sink.u8(0);
  }

  /** Pushes how many turns are certain to follow the next one. */
  private moreTurns(loop: CountedLoop): void {
    const sink = this.sink;
    const isDown = !loop.step.isLocal && loop.step.value < 0;
    const isStrict = loop.comparison === I32_NE || loop.comparison - FIRST_ORDER < 4;
    if (isDown) this.get(loop.index);
    this.operand(loop.bound);
    if (!isDown) this.get(loop.index);
    sink.u8(I32_SUB);
    if (isStrict) {
      this.constant(1);
      sink.u8(I32_SUB);
    }
    this.dividedBy(loop.step);
    if (loop.comparison === I32_NE) return;
    // An index that is past its bound already makes one turn.
    this.constant(0);
    this.get(loop.index);
    this.operand(loop.bound);
    sink.u8(loop.comparison);
    sink.u8(SELECT);
  }

  private dividedBy(step: LoopOperand): void {
    const sink = this.sink;
    if (step.isLocal) {
      // A step of 0 counts as the greatest there is: no further turn is certain.
      this.get(step.value);
      this.constant(0);
      this.get(step.value);
      sink.u8(I32_EQZ);
      sink.u8(I32_SUB);
      sink.u8(I32_OR);
      sink.u8(I32_DIV_U);
      return;
    }
    const size = abs(step.value);
    if (size === 1) return;
    const isShift = isPowerOfTwo(size);
    this.constant(isShift ? ctz(size) : size);
    sink.u8(isShift ? I32_SHR_U : I32_DIV_U);
  }

  private times(step: LoopOperand): void {
    if (!step.isLocal && step.value === 1) return;
    const isShift = !step.isLocal && step.value > 0 && isPowerOfTwo(step.value);
    if (isShift) this.constant(ctz(step.value));
    else this.operand(step);
    this.sink.u8(isShift ? I32_SHL : I32_MUL);
  }

  private operand(operand: LoopOperand): void {
    if (operand.isLocal) this.get(operand.value);
    else this.constant(operand.value);
  }

  private constant(value: i32): void {
    this.sink.u8(I32_CONST);
    this.sink.signed(value);
  }

  private get(local: i32): void {
    this.sink.instruction(GET, this.metered.renamed(local));
  }
}

function isPowerOfTwo(value: i32): bool {
  return popcnt(value) === 1;
}
