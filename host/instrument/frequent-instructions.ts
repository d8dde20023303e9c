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
  not: NOT,
  return: RETURN,
  unreachable: UNREACHABLE,
} = FREQUENT;

/**
 * Of the shapes of straight code with immediates of one byte, by shape: how long an instruction is (bits 0 to 3) and what it costs
 * (bit 4), which bits of the two bytes behind its opcode are zero (8 to 23), and whether the first of them is no local (31). 0
 * for all others.
 */
const STRAIGHT_FORMS = new Int32Array(Object.keys(FREQUENT).length);
const LENGTH_BITS = 0xf;
const COST_SHIFT = 4;
const COSTS = 1 << COST_SHIFT;
const IMMEDIATE_BITS = 0xff_ff00;
const ONE_BYTE_INTEGER = 0x8000;
/** Of an alignment without a memory's index, and an offset of one byte. */
const MEMORY_ARGUMENT = 0x80_c000;
const NO_LOCAL = -0x8000_0000;
STRAIGHT_FORMS[BARE] = NO_LOCAL | COSTS | 1;
STRAIGHT_FORMS[DROP] = NO_LOCAL | 1;
// A number of more bytes looks like 128 or more, which is above the limit.
STRAIGHT_FORMS[LOCAL] = COSTS | 2;
STRAIGHT_FORMS[CONSTANT] = NO_LOCAL | ONE_BYTE_INTEGER | COSTS | 2;
STRAIGHT_FORMS[MEMORY] = NO_LOCAL | MEMORY_ARGUMENT | COSTS | 3;
STRAIGHT_FORMS[FLOAT32] = NO_LOCAL | COSTS | 5;
STRAIGHT_FORMS[FLOAT64] = NO_LOCAL | COSTS | 9;

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
  readonly #shapes: Uint8Array;
  /** By opcode, from STRAIGHT_FORMS. */
  readonly #forms: Int32Array;
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
    this.#shapes = FREQUENT_SHAPES.slice();
    // Without a memory, a load is an error.
    if (layout.memories64.length === 0) this.#shapes.fill(NOT, 0x28, 0x3f);
    this.#forms = Int32Array.from(this.#shapes, (shape) => STRAIGHT_FORMS[shape]!);
    const { buffer, byteOffset, byteLength } = cursor.bytes;
    this.#view = new DataView(buffer, byteOffset, byteLength);
  }

  /** Moves the cursor to the next instruction of another kind, in a function of `locals`; uses of the one `noted` (below -1 for none) are noted. */
  read(locals: number, noted: number): void {
    const cursor = this.#cursor;
    const recorder = this.#recorder;
    const shapes = this.#shapes;
    const { uses } = recorder;
    const { bytes } = cursor;
    const end = cursor.end - LONGEST;
    const localLimit = Math.min(locals, ONE_BYTE);
    // To the engine a field may be anything: without an operation on it, so could be what follows from it.
    let at = cursor.pos | 0;
    let cost = 0;
    const forms = this.#forms;
    const view = this.#view;
    reading: while (at < end) {
      // Three of four instructions, without a branch on their kind, which the machine cannot foresee: 0.87 of the time of reading.
      const word = view.getInt32(at, true);
      const form = forms[word & 0xff]!;
      if (form !== 0 && (word & form & IMMEDIATE_BITS) === 0) {
        /** Negative where it is no local's. */
        const index = ((word >> 8) & 0xff) | (form >> 31);
        if (index >= localLimit) break;
        if (index === noted) uses.add(at);
        at += form & LENGTH_BITS;
        cost += (form >> COST_SHIFT) & 1;
        continue;
      }
      switch (shapes[bytes[at]!]) {
        case MEMORY: {
          // memory
          if (bytes[at + 1]! >= 0x40) break reading;
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
          // constant
          let last = at + 1;
          if (bytes[last]! >= ONE_BYTE) {
            do last++;
            while (bytes[last]! >= ONE_BYTE);
            if (last > at + 4) break reading;
          }
          at = last + 1;
          cost++;
          continue;
        }
        case GLOBAL: {
          // global
          const index = bytes[at + 1]!;
          if (index >= this.#globals) break reading;
          if (index >= this.#importedGlobals) recorder.index(RECORD.globalIndex, at);
          at += 2;
          cost++;
          continue;
        }
        case BRANCH_IF: {
          // branchIf
          const label = bytes[at + 1]!;
          if (label >= ONE_BYTE || !recorder.reaches(label)) break reading;
          recorder.cost += cost + 1;
          cost = 0;
          recorder.event(RECORD.branchIf, at);
          at += 2;
          continue;
        }
        case BRANCH: {
          // branch
          const label = bytes[at + 1]!;
          if (label >= ONE_BYTE || !recorder.reaches(label)) break reading;
          recorder.cost += cost + 1;
          cost = 0;
          recorder.leave(RECORD.branch, at);
          at += 2;
          continue;
        }
        case CALL: {
          // call
          let last = at + 1;
          let callee = bytes[last]!;
          if (callee >= ONE_BYTE) {
            callee &= 0x7f;
            for (let shift = 7; ; shift += 7) {
              const byte = bytes[++last]!;
              callee |= (byte & 0x7f) << shift;
              if (byte < ONE_BYTE) break;
              if (shift > 14) break reading;
            }
          }
          if (callee >= this.#functions) break reading;
          recorder.cost += cost + 1;
          cost = 0;
          this.#calls.addCall(callee);
          recorder.directCall(at);
          at = last + 1;
          continue;
        }
        case BLOCK:
        case LOOP:
        case IF: {
          // if
          const type = bytes[at + 1]!;
          // Of the types, these are no features.
          if ((type !== EMPTY_BLOCK && (type < 0x7c || type > 0x7f)) || recorder.depth >= this.#maxDepth)
            break reading;
          recorder.cost += cost;
          cost = 0;
          if (bytes[at] === 0x02) recorder.block(at);
          else if (bytes[at] === 0x03) recorder.loop(at, at + 2);
          else {
            recorder.cost++;
            recorder.if(at, at + 2);
          }
          at += 2;
          continue;
        }
        case ELSE:
          recorder.cost += cost;
          cost = 0;
          if (!recorder.else(at)) break reading;
          at++;
          continue;
        case END:
          if (recorder.depth === 0) break reading;
          recorder.cost += cost;
          cost = 0;
          recorder.end(at, at + 1);
          at++;
          continue;
        case RETURN:
          recorder.cost += cost + 1;
          cost = 0;
          recorder.return(at);
          at++;
          continue;
        case UNREACHABLE:
          recorder.cost += cost;
          cost = 0;
          recorder.leave(RECORD.trap, at);
          at++;
          continue;
        default:
          break reading;
      }
    }
    recorder.cost += cost;
    cursor.pos = at;
  }
}
