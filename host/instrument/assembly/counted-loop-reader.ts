import { TURNS_CHARGE } from '../cost-model.ts';
import { Bytes, Ints } from './arrays.ts';
import { CountedLoop, LoopOperand } from './counted-loop.ts';
import { Cursor } from './cursor.ts';
import { IMMEDIATES, Immediate, SIMD_IMMEDIATES, SimdImmediate } from './opcodes.ts';

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
const MAX_COST: i32 = TURNS_CHARGE / 2;
/** Such steps do not go once around the 32 bits within the turns that are charged at once. */
const MAX_STEP: i32 = 1 << 16;
const NOWHERE = -1;
const IN_PLACES = -2;

/** Reads how a loop counts (counted-loop.ts). One object serves all functions of a module. */
@final
export class CountedLoopReader {
  /** A loop's instructions as two columns, reused from loop to loop: the opcode, and a local's number or a constant. */
  private opcodes: Bytes = Bytes.of(256);
  private operands: Ints = Ints.of(256);
  private count: i32 = 0;
  private readonly cursor: Cursor = new Cursor();

  /**
   * Fills `loop` with the counting of the one whose straight code stands in [from, to), up to but without the branch to its head, and
   * costs `cost` a turn. False if it does not count, or not so that it can be seen.
   */
  read(from: i32, to: i32, cost: i32, loop: CountedLoop): bool {
    if (cost > MAX_COST || !this.readInstructions(from, to)) return false;
    loop.cost = cost;
    const opcodes = this.opcodes;
    const operands = this.operands;
    const last = this.count - 1;
    const condition = opcodes[last];
    const bound = loop.bound;
    if (condition === TEE) {
      bound.set(false, 0);
      return this.counts(operands[last], last, NE, loop);
    }
    if (condition < NE || condition > LAST_ORDER || last === 0) return false;
    // `index bound comparison`, and the index has just been written, or was before.
    const isIndexLeft = last >= 2 && (opcodes[last - 2] === TEE || opcodes[last - 2] === GET);
    if (isIndexLeft && this.operandAt(last - 1, bound)) {
      if (this.counts(operands[last - 2], last - 2, condition, loop)) return true;
    }
    // `bound index comparison`.
    const right = opcodes[last - 1];
    if (right === GET && !this.operandAt(last - 2, bound)) return false;
    if (right === TEE && !this.operandAt(last - 5, bound)) return false;
    return (
      (right === GET || right === TEE) && this.counts(operands[last - 1], last - 1, mirrored(condition), loop)
    );
  }

  /** False if there is an instruction among them that this does not read; such a loop is seldom short. */
  private readInstructions(from: i32, to: i32): bool {
    this.count = 0;
    // None is shorter than a byte.
    if (to - from > this.opcodes.length) {
      const room = max(to - from, this.opcodes.length * 2);
      this.opcodes = Bytes.of(room);
      this.operands = Ints.of(room);
    }
    const cursor = this.cursor;
    cursor.pos = from;
    cursor.end = to;
    while (cursor.pos < to) {
      const opcode = cursor.u8();
      let operand = 0;
      switch (IMMEDIATES[opcode]) {
        case Immediate.None:
          break;
        case Immediate.Local:
          operand = cursor.u32();
          break;
        case Immediate.Memory:
          this.skipMemory();
          break;
        case Immediate.I32:
          operand = <i32>cursor.s33();
          break;
        case Immediate.I64:
          cursor.skipS64();
          break;
        case Immediate.Bytes4:
          cursor.skip(4);
          break;
        case Immediate.Bytes8:
          cursor.skip(8);
          break;
        default:
          if (opcode === 0x23 || opcode === 0x24) cursor.u32();
          else if (opcode !== 0xfd || !this.skipSimd()) return false;
      }
      this.opcodes[this.count] = opcode;
      this.operands[this.count++] = operand;
    }
    return this.count > 0;
  }

  private skipMemory(): void {
    if (this.cursor.u32() & 0x40) this.cursor.u32();
    this.cursor.skipU64();
  }

  private skipSimd(): bool {
    const opcode = this.cursor.u32();
    if (opcode > 0xff) return false;
    const shape = SIMD_IMMEDIATES[opcode];
    if (shape === SimdImmediate.Memory || shape === SimdImmediate.MemoryAndLane) this.skipMemory();
    if (shape === SimdImmediate.Lane || shape === SimdImmediate.MemoryAndLane) this.cursor.skip(1);
    if (shape === SimdImmediate.Bytes16) this.cursor.skip(16);
    return true;
  }

  /** Fills `operand` with the constant or unwritten local that the instruction `at` pushes; false if it pushes neither. */
  private operandAt(at: i32, operand: LoopOperand): bool {
    if (at < 0) return false;
    const value = this.operands[at];
    if (this.opcodes[at] === CONST) operand.set(false, value);
    else if (this.opcodes[at] === GET && this.writeOf(value) === NOWHERE) operand.set(true, value);
    else return false;
    return true;
  }

  /** Where the loop writes `local`: one place, NOWHERE or IN_PLACES. */
  private writeOf(local: i32): i32 {
    let found = NOWHERE;
    for (let at = 0; at < this.count; at++) {
      if ((this.opcodes[at] !== SET && this.opcodes[at] !== TEE) || this.operands[at] !== local) continue;
      if (found >= 0) return IN_PLACES;
      found = at;
    }
    return found;
  }

  /** Whether `index` is written once, not behind `used`, by adding to it a step that leads towards the bound. */
  private counts(index: i32, used: i32, comparison: i32, loop: CountedLoop): bool {
    loop.index = index;
    loop.comparison = comparison;
    const write = this.writeOf(index);
    if (write < 3 || write > used || !this.stepAt(write - 1, index, loop.step)) return false;
    const isDown = !loop.step.isLocal && loop.step.value < 0;
    const order = comparison - FIRST_ORDER;
    // Any other comparison could hold for all of the 32 bits, which a step that is 0 would be found to need two turns for.
    if (loop.step.isLocal && (order < 0 || order >= 4)) return false;
    // Bit 1 of the order's number tells lt and le (0) from gt and ge.
    return order < 0 || ((order & 2) !== 0) === isDown;
  }

  /** Fills `step` with what is added to `index` by the instructions up to `at`; false if nothing of that kind is. */
  private stepAt(at: i32, index: i32, step: LoopOperand): bool {
    const operation = this.opcodes[at];
    if (operation === ADD) {
      const isFound = this.isIndex(at - 2, index)
        ? this.operandAt(at - 1, step)
        : this.isIndex(at - 1, index) && this.operandAt(at - 2, step);
      if (!isFound || step.isLocal) return isFound;
    } else {
      if (operation !== SUB || !this.isIndex(at - 2, index) || !this.operandAt(at - 1, step)) return false;
      if (step.isLocal) return false;
      step.value = -step.value;
    }
    return step.value !== 0 && step.value >= -MAX_STEP && step.value <= MAX_STEP;
  }

  private isIndex(at: i32, index: i32): bool {
    return this.opcodes[at] === GET && this.operands[at] === index;
  }
}

/** `a < b` is `b > a`. */
function mirrored(comparison: i32): i32 {
  return comparison === NE ? NE : FIRST_ORDER + ((comparison - FIRST_ORDER) ^ 2);
}
