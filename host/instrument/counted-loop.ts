import * as costs from './cost-model.ts';
import * as encoding from './opcodes.ts';
import { Cursor } from './reader.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { TURNS_CHARGE } = costs;
const { IMMEDIATE, IMMEDIATES, SIMD_IMMEDIATE, SIMD_IMMEDIATES } = encoding;

/** What a loop compares its index with, or steps by: a constant, or a local that the loop does not write. */
export type LoopOperand =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'local'; readonly index: number };

/**
 * A loop of straight code that goes on while `index` compares with `bound`, and adds `step` to `index` once on each
 * turn: how many turns are certain is known before the first one.
 */
export interface CountedLoop {
  readonly index: number;
  readonly bound: LoopOperand;
  /** The comparison's opcode, with `index` on its left. */
  readonly comparison: number;
  readonly step: LoopOperand;
  /** Fuel of one turn. */
  readonly cost: number;
}

const GET = 0x20;
const SET = 0x21;
const TEE = 0x22;
const CONST = 0x41;
const ADD = 0x6a;
const SUB = 0x6b;
const NE = 0x47;
/** `i32.lt_s` to `i32.ge_u`: lt_s, lt_u, gt_s, gt_u, le_s, le_u, ge_s, ge_u. */
const FIRST_ORDER = 0x48;
const LAST_ORDER = 0x4f;
/** A turn that costs more has its charge and check to itself: fewer than two turns would be charged at once. */
const MAX_COST: number = TURNS_CHARGE / 2;
/** Such steps do not go once around the 32 bits within the turns that are charged at once. */
const MAX_STEP = 2 ** 16;

/** A loop's instructions as two columns, reused from loop to loop: the opcode, and a local's number or a constant. */
let opcodes = new Uint8Array(256);
let operands = new Int32Array(256);
let count = 0;

/**
 * The counting of the loop whose straight code is `bytes[from..to)`, up to but without the branch to its head;
 * undefined if it does not count, or not so that it can be seen.
 */
export function readCountedLoop(
  bytes: Uint8Array,
  from: number,
  to: number,
  cost: number,
): CountedLoop | undefined {
  if (cost > MAX_COST || !readInstructions(bytes, from, to)) return undefined;
  const last = count - 1;
  const condition = opcodes[last]!;
  if (condition === TEE) {
    return counted(operands[last]!, last, { kind: 'constant', value: 0 }, NE, cost);
  }
  if (condition < NE || condition > LAST_ORDER) return undefined;
  // `index bound comparison`, and the index has just been written, or was before.
  const bound = operandAt(last - 1);
  if (bound !== undefined && (opcodes[last - 2] === TEE || opcodes[last - 2] === GET)) {
    const loop = counted(operands[last - 2]!, last - 2, bound, condition, cost);
    if (loop !== undefined) return loop;
  }
  // `bound index comparison`.
  if (opcodes[last - 1] === GET) {
    const left = operandAt(last - 2);
    return left && counted(operands[last - 1]!, last - 1, left, mirrored(condition), cost);
  }
  if (opcodes[last - 1] === TEE) {
    const left = operandAt(last - 5);
    return left && counted(operands[last - 1]!, last - 1, left, mirrored(condition), cost);
  }
  return undefined;
}

/** False if there is an instruction among them that this does not read; such a loop is seldom short. */
function readInstructions(bytes: Uint8Array, from: number, to: number): boolean {
  count = 0;
  // None is shorter than a byte.
  if (to - from > opcodes.length) {
    opcodes = new Uint8Array(to - from);
    operands = new Int32Array(to - from);
  }
  const cursor = new Cursor(bytes, from, to);
  while (cursor.pos < to) {
    const opcode = cursor.u8();
    let operand = 0;
    switch (IMMEDIATES[opcode]) {
      case IMMEDIATE.none:
        break;
      case IMMEDIATE.local:
        operand = cursor.u32();
        break;
      case IMMEDIATE.memory:
        skipMemory(cursor);
        break;
      case IMMEDIATE.i32:
        operand = cursor.s33();
        break;
      case IMMEDIATE.i64:
        cursor.skipS64();
        break;
      case IMMEDIATE.bytes4:
        cursor.skip(4);
        break;
      case IMMEDIATE.bytes8:
        cursor.skip(8);
        break;
      default:
        if (opcode === 0x23 || opcode === 0x24) cursor.u32();
        else if (opcode !== 0xfd || !skipSimd(cursor)) return false;
    }
    opcodes[count] = opcode;
    operands[count++] = operand;
  }
  return count > 0;
}

function skipMemory(cursor: Cursor): void {
  if (cursor.u32() & 0x40) cursor.u32();
  cursor.skipU64();
}

function skipSimd(cursor: Cursor): boolean {
  const shape = SIMD_IMMEDIATES[cursor.u32()];
  if (shape === undefined) return false;
  if (shape === SIMD_IMMEDIATE.memory || shape === SIMD_IMMEDIATE.memoryAndLane) skipMemory(cursor);
  if (shape === SIMD_IMMEDIATE.lane || shape === SIMD_IMMEDIATE.memoryAndLane) cursor.skip(1);
  if (shape === SIMD_IMMEDIATE.bytes16) cursor.skip(16);
  return true;
}

/** The constant or unwritten local that the instruction `at` pushes. */
function operandAt(at: number): LoopOperand | undefined {
  if (at < 0) return undefined;
  const operand = operands[at]!;
  if (opcodes[at] === CONST) return { kind: 'constant', value: operand };
  if (opcodes[at] === GET && writeOf(operand) === -1) return { kind: 'local', index: operand };
  return undefined;
}

/** Where the loop writes `local`: -1 for nowhere, -2 for more than one place. */
function writeOf(local: number): number {
  let found = -1;
  for (let at = 0; at < count; at++) {
    if ((opcodes[at] !== SET && opcodes[at] !== TEE) || operands[at] !== local) continue;
    if (found >= 0) return -2;
    found = at;
  }
  return found;
}

/** `a < b` is `b > a`. */
function mirrored(comparison: number): number {
  return comparison === NE ? NE : FIRST_ORDER + ((comparison - FIRST_ORDER) ^ 2);
}

/** The loop, if `index` is written once, not behind `used`, by adding to it a step that leads towards the bound. */
function counted(
  index: number,
  used: number,
  bound: LoopOperand,
  comparison: number,
  cost: number,
): CountedLoop | undefined {
  const write = writeOf(index);
  if (write < 3 || write > used) return undefined;
  const step = stepAt(write - 1, index);
  if (step === undefined) return undefined;
  const isDown = step.kind === 'constant' && step.value < 0;
  const order = comparison - FIRST_ORDER;
  // Bit 1 of the order's number tells lt and le (0) from gt and ge.
  const leadsThere = order < 0 || ((order & 2) !== 0) === isDown;
  // Any other comparison could hold for all of the 32 bits, which a step that is 0 would be found to need two turns for.
  if (step.kind === 'local' && (order < 0 || order >= 4)) return undefined;
  return leadsThere ? { index, bound, comparison, step, cost } : undefined;
}

/** What is added to `index` by the instructions up to `at`. */
function stepAt(at: number, index: number): LoopOperand | undefined {
  const operation = opcodes[at];
  if (operation !== ADD && operation !== SUB) return undefined;
  const isIndex = (of: number): boolean => opcodes[of] === GET && operands[of] === index;
  let step: LoopOperand | undefined;
  if (isIndex(at - 2)) step = operandAt(at - 1);
  else if (operation === ADD && isIndex(at - 1)) step = operandAt(at - 2);
  if (step === undefined) return undefined;
  if (step.kind === 'local') return operation === ADD ? step : undefined;
  const value = operation === ADD ? step.value : -step.value;
  return value !== 0 && Math.abs(value) <= MAX_STEP ? { kind: 'constant', value } : undefined;
}
