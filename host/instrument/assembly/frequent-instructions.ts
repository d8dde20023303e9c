import { OpcodeBytes, OpcodeInts } from './arrays.ts';
import { CallBounds } from './call-bounds.ts';
import { Code } from './code.ts';
import { CodeRecorder } from './code-recorder.ts';
import { RecordKind } from './code-records.ts';
import { Cursor } from './cursor.ts';
import { ModuleFacts } from './module-facts.ts';

/** What all code consists of, nearly, by what is read of it. */
enum Shape {
  /** None of the frequent ones. */
  Other = 0,
  Bare = 1,
  Local = 2,
  Memory = 3,
  Constant = 4,
  Float32 = 5,
  Float64 = 6,
  Drop = 7,
  Global = 8,
  Block = 9,
  Loop = 10,
  If = 11,
  Else = 12,
  End = 13,
  Branch = 14,
  BranchIf = 15,
  Return = 16,
  Call = 17,
  Unreachable = 18,
}

/** By opcode, in memory set aside: so where it is is a constant. */
const SHAPES: OpcodeBytes = changetype<OpcodeBytes>(memory.data(256));
/**
 * Of straight code with immediates of one byte, by opcode: how long an instruction is (bits 0 to 3) and what it costs (bit 4), whether
 * it needs a memory (5), which bits of the two bytes behind its opcode are zero (8 to 23), and whether the first of them is no local
 * (31). 0 for all others.
 */
const FORMS: OpcodeInts = changetype<OpcodeInts>(memory.data(1_024, 4));
const LENGTH_BITS = 0xf;
const COST_SHIFT = 4;
const COSTS: i32 = 1 << COST_SHIFT;
const IMMEDIATE_BITS = 0xff_ff00;
const ONE_BYTE_INTEGER = 0x8000;
/** Of an alignment without a memory's index, and an offset of one byte. */
const MEMORY_ARGUMENT = 0x80_c000;
const NO_LOCAL: i32 = 1 << 31;
const NEEDS_MEMORY = 0x20;
/** Of all that is not straight code. */
const NOT_STRAIGHT = 0x40;

function mark(from: i32, to: i32, shape: Shape, form: i32): void {
  for (let opcode = from; opcode <= to; opcode++) {
    SHAPES[opcode] = shape;
    FORMS[opcode] = form;
  }
}

const BARE: i32 = NO_LOCAL | COSTS | 1;
mark(0x00, 0xff, Shape.Other, NOT_STRAIGHT);
mark(0x00, 0x00, Shape.Unreachable, NOT_STRAIGHT);
mark(0x02, 0x02, Shape.Block, NOT_STRAIGHT);
mark(0x03, 0x03, Shape.Loop, NOT_STRAIGHT);
mark(0x04, 0x04, Shape.If, NOT_STRAIGHT);
mark(0x05, 0x05, Shape.Else, NOT_STRAIGHT);
mark(0x0b, 0x0b, Shape.End, NOT_STRAIGHT);
mark(0x0c, 0x0c, Shape.Branch, NOT_STRAIGHT);
mark(0x0d, 0x0d, Shape.BranchIf, NOT_STRAIGHT);
mark(0x0f, 0x0f, Shape.Return, NOT_STRAIGHT);
mark(0x10, 0x10, Shape.Call, NOT_STRAIGHT);
mark(0x1a, 0x1a, Shape.Drop, NO_LOCAL | 1);
mark(0x1b, 0x1b, Shape.Bare, BARE); // select
// A number of more bytes looks like 128 or more, which is above the limit.
mark(0x20, 0x22, Shape.Local, COSTS | 2);
mark(0x23, 0x24, Shape.Global, NOT_STRAIGHT);
mark(0x28, 0x3e, Shape.Memory, NO_LOCAL | MEMORY_ARGUMENT | NEEDS_MEMORY | COSTS | 3);
mark(0x41, 0x42, Shape.Constant, NO_LOCAL | ONE_BYTE_INTEGER | COSTS | 2); // i32.const, i64.const
mark(0x43, 0x43, Shape.Float32, NO_LOCAL | COSTS | 5);
mark(0x44, 0x44, Shape.Float64, NO_LOCAL | COSTS | 9);
mark(0x45, 0xbf, Shape.Bare, BARE); // numeric; sign extensions are a feature

/** No instruction that is read here is longer, so that none needs a look at where the function ends. */
const LONGEST = 10;
const EMPTY_BLOCK = 0x40;
const I64_CONST = 0x42;
/** An index of one byte is below this. */
const ONE_BYTE = 0x80;

/**
 * Reads what makes up nearly all code, in the forms that it nearly always has: without features that a module has to
 * be known for, immediates of one byte, offsets and functions' indices of up to four. Whatever is odd is left
 * to function-reader.ts, whose loop took four times as long for all of the code. What is wrong is odd, too.
 */
@final
export class FrequentInstructions {
  private readonly cursor: Cursor;
  private readonly recorder: CodeRecorder;
  private readonly calls: CallBounds;
  private readonly maxDepth: i32;
  /** Bits of FORMS that no instruction may have: without a memory, a load is an error. */
  private readonly refused: i32;
  private readonly functions: i32;
  private readonly importedGlobals: i32;
  private readonly globals: i32;

  constructor(cursor: Cursor, recorder: CodeRecorder, calls: CallBounds, facts: ModuleFacts) {
    this.cursor = cursor;
    this.recorder = recorder;
    this.calls = calls;
    this.maxDepth = facts.blockDepth;
    this.functions = facts.functions;
    this.importedGlobals = facts.importedGlobals;
    this.globals = min(facts.globals, ONE_BYTE);
    this.refused = facts.memories64.length === 0 ? NOT_STRAIGHT | NEEDS_MEMORY : NOT_STRAIGHT;
  }

  /** Moves the cursor to the next instruction of another kind, in a function of `locals`; uses of the one `noted` (below -1 for none) are noted. */
  read(locals: i32, noted: i32): void {
    const cursor = this.cursor;
    const recorder = this.recorder;
    const end = cursor.end - LONGEST;
    const localLimit = min(locals, ONE_BYTE);
    const refused = this.refused;
    const code = Code.addressOf(0);
    let at = cursor.pos;
    let cost = 0;
    while (at < end) {
      // Three of four instructions, without a branch on their kind, which the machine cannot foresee: 0.87 of the time of reading.
      const word = load<i32>(code + at);
      const form = FORMS[word & 0xff];
      if (((word & form & IMMEDIATE_BITS) | (form & refused)) === 0) {
        /** Negative where it is no local's. */
        const index = ((word >> 8) & 0xff) | (form >> 31);
        if (index >= localLimit) break;
        if (index === noted) recorder.uses.add(at);
        at += form & LENGTH_BITS;
        cost += (form >> COST_SHIFT) & 1;
        continue;
      }
      recorder.cost += cost;
      cost = 0;
      const behind = this.readOther(word, at);
      if (behind === at) break;
      at = behind;
    }
    recorder.cost += cost;
    cursor.pos = at;
  }

  /** Reads a frequent instruction that is not so simple, of which `word` are the first bytes. Returns where it ends, or `at` if it is none. */
  @inline
  private readOther(word: i32, at: i32): i32 {
    const recorder = this.recorder;
    /** The byte behind the opcode. */
    const second = (word >> 8) & 0xff;
    switch (SHAPES[word & 0xff]) {
      case Shape.Memory:
        return second < 0x40 && this.refused === NOT_STRAIGHT
          ? this.straight(at, this.behindInteger(at + 2), 6)
          : at;
      case Shape.Constant:
        // Of up to four bytes, nine for 64 bits, none can be wrong.
        return this.straight(at, this.behindInteger(at + 1), (word & 0xff) === I64_CONST ? 10 : 5);
      case Shape.Global:
        if (second >= this.globals) return at;
        if (second >= this.importedGlobals) recorder.index(RecordKind.GlobalIndex, at);
        recorder.cost++;
        return at + 2;
      case Shape.BranchIf: {
        if (second >= ONE_BYTE || recorder.isDead || !recorder.reaches(second)) return at;
        recorder.cost++;
        const label = recorder.branchTo(second);
        recorder.record(recorder.mayPay(label) ? RecordKind.PayingBranch : RecordKind.BranchIf, at, label);
        return at + 2;
      }
      case Shape.Branch:
        if (second >= ONE_BYTE || recorder.isDead || !recorder.reaches(second)) return at;
        recorder.cost++;
        recorder.record(RecordKind.Branch, at, recorder.branchTo(second));
        recorder.terminate();
        return at + 2;
      case Shape.Call: {
        const behind = this.behindInteger(at + 1);
        if (behind > at + 5 || recorder.isDead) return at;
        const callee = Code.integerAt(at + 1);
        if (callee >= this.functions) return at;
        recorder.cost++;
        this.calls.addCall(callee);
        recorder.record(RecordKind.DirectCall, at, callee);
        return behind;
      }
      case Shape.Block:
        if (!this.opens(second)) return at;
        recorder.block(at, second === EMPTY_BLOCK);
        return at + 2;
      case Shape.Loop:
        if (!this.opens(second)) return at;
        recorder.record(RecordKind.Loop, at, recorder.openLoop(false));
        return at + 2;
      case Shape.If:
        if (!this.opens(second)) return at;
        recorder.cost++;
        recorder.record(RecordKind.If, at, recorder.openIf(second === EMPTY_BLOCK));
        return at + 2;
      case Shape.Else:
        return recorder.else(at) ? at + 1 : at;
      case Shape.End:
        if (recorder.depth === 0) return at;
        if (!recorder.revive()) recorder.depth--;
        else recorder.record(RecordKind.End, at, recorder.closeBlock());
        return at + 1;
      case Shape.Return:
        if (recorder.isDead) return at;
        recorder.cost++;
        recorder.record(RecordKind.Leave, at, 0);
        recorder.terminate();
        return at + 1;
      case Shape.Unreachable:
        if (recorder.isDead) return at;
        recorder.record(RecordKind.Trap, at, 0);
        recorder.terminate();
        return at + 1;
      default:
        return at;
    }
  }

  /** Straight code up to `behind`, if that is no more than `most` bytes away. */
  @inline
  private straight(at: i32, behind: i32, most: i32): i32 {
    if (behind - at > most) return at;
    this.recorder.cost++;
    return behind;
  }

  /** Where the integer ends that starts at `at`. */
  @inline
  private behindInteger(at: i32): i32 {
    let last = at;
    while (Code.byteAt(last) >= ONE_BYTE) last++;
    return last + 1;
  }

  /** Whether a block may open here whose type is `type`: of the types, these are no features. */
  @inline
  private opens(type: i32): bool {
    const recorder = this.recorder;
    const isUsual = type === EMPTY_BLOCK || (type >= 0x7c && type <= 0x7f);
    return isUsual && recorder.depth < this.maxDepth && !recorder.isDead;
  }
}
