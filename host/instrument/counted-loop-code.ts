/**
 * The code around a loop that counts (counted-loop.ts). It is charged for many turns at once, in a loop around it:
 *
 *     loop                                    ;; once for each TURNS_CHARGE of fuel
 *       more = turns that certainly follow the next one, at most as many as TURNS_CHARGE pays for
 *       end = index + (more + 1) * step
 *       c = c + (more + 1) * cost; check
 *       loop  ...its code...  drop  index != end  br_if 0  end
 *       index <comparison> bound  br_if 0
 *     end
 *
 * Invariants:
 * 1. `more` is a lower bound: whatever it is, the inner loop makes `more + 1` turns, and the original would have made as
 *    many at least. Whether another one follows is then decided by the original comparison.
 * 2. The index meets `end` on the last of these turns only: between any two turns it differs by less than 2^32.
 */
import { TURNS_CHARGE } from './cost-model.ts';
import type { CountedLoop, LoopOperand } from './counted-loop.ts';
import type { ByteSink } from './writer.ts';

const GET = 0x20;
const SET = 0x21;
const TEE = 0x22;
const I32_CONST = 0x41;
const I64_CONST = 0x42;
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

/** The numbers of the locals that the code needs, in the function that is being written. */
export interface CountedLoopLocals {
  readonly counterLocal: number;
  /** The first of two: `end`, `more`. */
  readonly firstTurnsLocal: number;
  /** The new number of one of the function's own locals. */
  renamed(local: number): number;
}

/** Writes the code of one function's loops. */
export class CountedLoopCode {
  readonly #sink: ByteSink;
  readonly #locals: CountedLoopLocals;

  constructor(sink: ByteSink, locals: CountedLoopLocals) {
    this.#sink = sink;
    this.#locals = locals;
  }

  /** Behind the outer loop's head; the counter's new value is left on the stack for a check. */
  head(loop: CountedLoop): void {
    const sink = this.#sink;
    const { counterLocal: counter, firstTurnsLocal: end } = this.#locals;
    const more = end + 1;
    const limit = Math.max(1, Math.floor(TURNS_CHARGE / loop.cost)) - 1;
    this.#moreTurns(loop);
    this.#local(TEE, more);
    this.#constant(limit);
    this.#local(GET, more);
    this.#constant(limit);
    sink.u8(I32_LT_U);
    sink.u8(SELECT);
    this.#local(TEE, more);
    this.#constant(1);
    sink.u8(I32_ADD);
    this.#local(TEE, more);
    this.#times(loop.step);
    this.#get(loop.index);
    sink.u8(I32_ADD);
    this.#local(SET, end);
    this.#local(GET, counter);
    this.#local(GET, more);
    sink.u8(I64_EXTEND_I32_U);
    sink.u8(I64_CONST);
    sink.s64(loop.cost);
    sink.u8(I64_MUL);
    sink.u8(I64_ADD);
    this.#local(TEE, counter);
  }

  /** Before the inner loop's branch, in place of what it would have branched on. */
  condition(loop: CountedLoop): void {
    this.#sink.u8(DROP);
    this.#get(loop.index);
    this.#local(GET, this.#locals.firstTurnsLocal);
    this.#sink.u8(I32_NE);
  }

  /** The end of the inner loop, and the original branch. */
  tail(loop: CountedLoop): void {
    this.#sink.u8(END);
    this.#get(loop.index);
    this.#operand(loop.bound);
    this.#sink.u8(loop.comparison);
    this.#sink.u8(BR_IF);
    this.#sink.u8(0);
  }

  /** Pushes how many turns are certain to follow the next one. */
  #moreTurns(loop: CountedLoop): void {
    const sink = this.#sink;
    const isDown = loop.step.kind === 'constant' && loop.step.value < 0;
    const isStrict = loop.comparison === I32_NE || loop.comparison - FIRST_ORDER < 4;
    if (isDown) this.#get(loop.index);
    this.#operand(loop.bound);
    if (!isDown) this.#get(loop.index);
    sink.u8(I32_SUB);
    if (isStrict) {
      this.#constant(1);
      sink.u8(I32_SUB);
    }
    this.#dividedBy(loop.step);
    if (loop.comparison === I32_NE) return;
    // An index that is past its bound already makes one turn.
    this.#constant(0);
    this.#get(loop.index);
    this.#operand(loop.bound);
    sink.u8(loop.comparison);
    sink.u8(SELECT);
  }

  #dividedBy(step: LoopOperand): void {
    const sink = this.#sink;
    if (step.kind === 'local') {
      // A step of 0 counts as the greatest there is: no further turn is certain.
      this.#get(step.index);
      this.#constant(0);
      this.#get(step.index);
      sink.u8(I32_EQZ);
      sink.u8(I32_SUB);
      sink.u8(I32_OR);
      sink.u8(I32_DIV_U);
      return;
    }
    const size = Math.abs(step.value);
    if (size === 1) return;
    const shift = Math.log2(size);
    this.#constant(Number.isInteger(shift) ? shift : size);
    sink.u8(Number.isInteger(shift) ? I32_SHR_U : I32_DIV_U);
  }

  #times(step: LoopOperand): void {
    if (step.kind === 'constant' && step.value === 1) return;
    const shift = step.kind === 'constant' ? Math.log2(step.value) : Number.NaN;
    if (Number.isInteger(shift)) this.#constant(shift);
    else this.#operand(step);
    this.#sink.u8(Number.isInteger(shift) ? I32_SHL : I32_MUL);
  }

  #operand(operand: LoopOperand): void {
    if (operand.kind === 'local') this.#get(operand.index);
    else this.#constant(operand.value);
  }

  #constant(value: number): void {
    this.#sink.u8(I32_CONST);
    this.#sink.s32(value);
  }

  #get(local: number): void {
    this.#local(GET, this.#locals.renamed(local));
  }

  #local(opcode: number, local: number): void {
    this.#sink.u8(opcode);
    this.#sink.u32(local);
  }
}
