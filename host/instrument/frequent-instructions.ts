import type { CallBounds } from './call-bounds.ts';
import type { CodeRecorder } from './code-recorder.ts';
import * as records from './code-records.ts';
import type { ModuleLayout } from './module-layout.ts';
import * as encoding from './opcodes.ts';
import type { Cursor } from './reader.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { RECORD } = records;
const { FREQUENT, FREQUENT_SHAPES } = encoding;
const {
  bare: BARE,
  block: BLOCK,
  branch: BRANCH,
  branchIf: BRANCH_IF,
  call: CALL,
  constant: CONSTANT,
  drop: DROP,
  else: ELSE,
  end: END,
  float32: FLOAT32,
  float64: FLOAT64,
  global: GLOBAL,
  if: IF,
  local: LOCAL,
  loop: LOOP,
  memory: MEMORY,
  return: RETURN,
  unreachable: UNREACHABLE,
} = FREQUENT;

/**
 * Of straight code with immediates of one byte, by opcode: how long an instruction is (bits 0 to 3) and what it costs (bit 4), whether
 * it needs a memory (5), which bits of the two bytes behind its opcode are zero (8 to 23), and whether the first of them is no local
 * (31). 0 for all others. Like FREQUENT_SHAPES a constant of its module: of an array that the compiler knows it need not look up, for
 * each instruction, what it is, how long, and where.
 */
const FORMS: Int32Array = new Int32Array(256);
const SHAPES: Uint8Array = FREQUENT_SHAPES;
const LENGTH_BITS = 0xf;
const COST_SHIFT = 4;
const COSTS = 1 << COST_SHIFT;
const IMMEDIATE_BITS = 0xff_ff00;
const ONE_BYTE_INTEGER = 0x8000;
/** Of an alignment without a memory's index, and an offset of one byte. */
const MEMORY_ARGUMENT = 0x80_c000;
const NO_LOCAL = -0x8000_0000;
const NEEDS_MEMORY = 0x20;
const BY_SHAPE = new Map([
  [BARE, NO_LOCAL | COSTS | 1],
  [DROP, NO_LOCAL | 1],
  // A number of more bytes looks like 128 or more, which is above the limit.
  [LOCAL, COSTS | 2],
  [CONSTANT, NO_LOCAL | ONE_BYTE_INTEGER | COSTS | 2],
  [MEMORY, NO_LOCAL | MEMORY_ARGUMENT | NEEDS_MEMORY | COSTS | 3],
  [FLOAT32, NO_LOCAL | COSTS | 5],
  [FLOAT64, NO_LOCAL | COSTS | 9],
] as const);
for (const [opcode, shape] of SHAPES.entries()) FORMS[opcode] = BY_SHAPE.get(shape as typeof BARE) ?? 0;

/** Bits of the kinds that control does not pass. */
const LEAVING: number = (1 << RECORD.branch) | (1 << RECORD.leave) | (1 << RECORD.trap);
/** No instruction that is read here is longer, so that none needs a look at where the function ends. */
const LONGEST = 10;
const EMPTY_BLOCK = 0x40;
/** An index of one byte is below this. */
const ONE_BYTE = 0x80;

/**
 * Reads what makes up nearly all code, in the forms that it nearly always has: without features that a module has to
 * be known for, immediates of one byte, constants, offsets and functions' indices of up to four. Whatever is odd is left
 * to function-reader.ts, whose loop took four times as long for all of the code. What is wrong is odd, too.
 */
export class FrequentInstructions {
  readonly #cursor: Cursor;
  readonly #recorder: CodeRecorder;
  readonly #calls: CallBounds;
  readonly #maxDepth: number;
  /** Bits of FORMS that no instruction may have: without a memory, a load is an error. */
  readonly #refused: number;
  readonly #view: DataView;
  readonly #functions: number;
  readonly #importedGlobals: number;
  readonly #globals: number;

  constructor(
    cursor: Cursor,
    recorder: CodeRecorder,
    calls: CallBounds,
    layout: ModuleLayout,
    maxDepth: number,
  ) {
    this.#cursor = cursor;
    this.#recorder = recorder;
    this.#calls = calls;
    this.#maxDepth = maxDepth;
    this.#functions = layout.functionTypes.length;
    this.#importedGlobals = layout.importedGlobals;
    this.#globals = Math.min(layout.globals, ONE_BYTE);
    this.#refused = layout.memories64.length === 0 ? NEEDS_MEMORY : 0;
    const { buffer, byteOffset, byteLength } = cursor.bytes;
    this.#view = new DataView(buffer, byteOffset, byteLength);
  }

  /** Moves the cursor to the next instruction of another kind, in a function of `locals`; uses of the one `notedLocal` (below -1 for none) are noted. */
  read(locals: number, notedLocal: number): void {
    const cursor = this.#cursor;
    const recorder = this.#recorder;
    const { uses } = recorder;
    const { bytes } = cursor;
    // To the engine a field or an argument may be anything: without an operation on integers, each look at one tests what it is, and
    // what `Math.min` gives is a floating-point number, which each comparison converts.
    const end = (cursor.end - LONGEST) | 0;
    const localLimit = Math.min(locals | 0, ONE_BYTE);
    const noted = notedLocal | 0;
    const refused = this.#refused | 0;
    const maxDepth = this.#maxDepth | 0;
    const functions = this.#functions | 0;
    const importedGlobals = this.#importedGlobals | 0;
    const globals = this.#globals | 0;
    let at = cursor.pos | 0;
    let cost = 0;
    const view = this.#view;
    reading: while (at < end) {
      // Three of four instructions, without a branch on their kind, which the machine cannot foresee: 0.87 of the time of reading.
      const word = view.getInt32(at, true);
      const form = FORMS[word & 0xff]!;
      if (form !== 0 && ((word & form & IMMEDIATE_BITS) | (form & refused)) === 0) {
        /** Negative where it is no local's. */
        const index = ((word >> 8) & 0xff) | (form >> 31);
        if (index >= localLimit) break;
        if (index === noted) uses.add(at);
        at += form & LENGTH_BITS;
        cost += (form >> COST_SHIFT) & 1;
        continue;
      }
      /** The byte behind the opcode. */
      const second = (word >> 8) & 0xff;
      let kind: number;
      let argument: number;
      let length: number;
      switch (SHAPES[word & 0xff]) {
        case MEMORY: {
          if (second >= 0x40 || refused !== 0) break reading;
          let last = at + 2;
          if (bytes[last]! >= ONE_BYTE) {
            do last++;
            while (bytes[last]! >= ONE_BYTE);
            if (last > at + 5) break reading;
          }
          at = last + 1;
          cost++;
          continue;
        }
        case CONSTANT: {
          let last = at + 1;
          do last++;
          while (bytes[last]! >= ONE_BYTE);
          if (last > at + 4) break reading;
          at = last + 1;
          cost++;
          continue;
        }
        case GLOBAL: {
          if (second >= globals) break reading;
          if (second >= importedGlobals) recorder.index(RECORD.globalIndex, at);
          at += 2;
          cost++;
          continue;
        }
        case BRANCH_IF:
          if (second >= ONE_BYTE || recorder.isDead || !recorder.reaches(second)) break reading;
          cost++;
          argument = recorder.branchTo(second);
          kind = recorder.mayPay(argument) ? RECORD.payingBranch : RECORD.branchIf;
          length = 2;
          break;
        case BRANCH:
          if (second >= ONE_BYTE || recorder.isDead || !recorder.reaches(second)) break reading;
          cost++;
          argument = recorder.branchTo(second);
          kind = RECORD.branch;
          length = 2;
          break;
        case CALL: {
          let last = at + 1;
          let callee = second;
          if (callee >= ONE_BYTE) {
            callee &= 0x7f;
            for (let shift = 7; ; shift += 7) {
              const byte = bytes[++last]!;
              callee |= (byte & 0x7f) << shift;
              if (byte < ONE_BYTE) break;
              if (shift > 14) break reading;
            }
          }
          if (callee >= functions || recorder.isDead) break reading;
          cost++;
          this.#calls.addCall(callee);
          argument = callee;
          kind = RECORD.directCall;
          length = last + 1 - at;
          break;
        }
        case BLOCK:
        case LOOP:
        case IF:
          // Of the types, these are no features.
          if (second !== EMPTY_BLOCK && (second < 0x7c || second > 0x7f)) break reading;
          if (recorder.depth >= maxDepth || recorder.isDead) break reading;
          length = 2;
          if ((word & 0xff) === 0x02) {
            recorder.cost += cost;
            cost = 0;
            recorder.block(at, second === EMPTY_BLOCK);
            at += length;
            continue;
          }
          if ((word & 0xff) === 0x03) {
            argument = recorder.openLoop(false);
            kind = RECORD.loop;
          } else {
            cost++;
            argument = recorder.openIf(second === EMPTY_BLOCK);
            kind = RECORD.if;
          }
          break;
        case ELSE:
          recorder.cost += cost;
          cost = 0;
          if (!recorder.else(at)) break reading;
          at++;
          continue;
        case END:
          if (recorder.depth === 0) break reading;
          if (recorder.isDead) {
            cost = 0;
            if (!recorder.revive()) {
              recorder.depth--;
              at++;
              continue;
            }
          }
          argument = recorder.closeBlock();
          kind = RECORD.end;
          length = 1;
          break;
        case RETURN:
          if (recorder.isDead) break reading;
          cost++;
          argument = 0;
          kind = RECORD.leave;
          length = 1;
          break;
        case UNREACHABLE:
          if (recorder.isDead) break reading;
          argument = 0;
          kind = RECORD.trap;
          length = 1;
          break;
        default:
          break reading;
      }
      recorder.cost += cost;
      cost = 0;
      recorder.record(kind, at, argument);
      at += length;
      if (((LEAVING >>> kind) & 1) !== 0) recorder.terminate();
    }
    recorder.cost += cost;
    cursor.pos = at;
  }
}
