import { ENGINE_UNITS } from '../cost-model.ts';
import { CodeEdit, LengthKind } from './code-edits.ts';
import { CodeRecorder } from './code-recorder.ts';
import { CodeUsage, SegmentUse, SpaceUse } from './code-usage.ts';
import { Cursor } from './cursor.ts';
import { unsupported } from './failure.ts';
import { Feature } from './features.ts';
import { readLabel, readMemory, skipMemoryArgument } from './immediates.ts';
import { ModuleFacts } from './module-facts.ts';
import { SIMD_IMMEDIATES, SimdImmediate } from './opcodes.ts';
import { skipHeapType } from './value-types.ts';

/**
 * The instructions of more than one opcode byte; `at` is where the first one stands, and the cursor behind it.
 * Those that work by length are all of this kind. Shares the state of function-reader.ts.
 */
export class PrefixedInstructions {
  private readonly cursor: Cursor;
  private readonly recorder: CodeRecorder;
  private readonly facts: ModuleFacts;
  private readonly usage: CodeUsage;

  constructor(cursor: Cursor, recorder: CodeRecorder, facts: ModuleFacts, usage: CodeUsage) {
    this.cursor = cursor;
    this.recorder = recorder;
    this.facts = facts;
    this.usage = usage;
  }

  /** Charges by the operand on top of the stack, which is the length in every such instruction. */
  private chargeLength(at: i32, kind: LengthKind): void {
    if (this.recorder.isDead) return;
    this.recorder.edit(CodeEdit.ChargeLength, kind, at);
    this.usage.lengthKinds |= 1 << kind;
  }

  /** The engine calls its own code for the instruction at `at`. */
  private callEngine(at: i32): void {
    this.recorder.addLarge(ENGINE_UNITS, at);
  }

  private chargeBytes(at: i32, is64: bool): void {
    this.chargeLength(at, is64 ? LengthKind.Bytes64 : LengthKind.Bytes32);
  }

  private chargeEntries(at: i32, is64: bool): void {
    this.chargeLength(at, is64 ? LengthKind.Entries64 : LengthKind.Entries32);
  }

  /** Counts the bytes of the object that the instruction at `at` makes. */
  private allocate(at: i32, bytes: i64): void {
    if (this.recorder.isDead) return;
    // Nothing valid comes near to what an edit holds.
    this.recorder.edit(CodeEdit.Allocate, <i32>min(bytes, <i64>i32.MAX_VALUE), at);
    this.usage.allocates = true;
  }

  /** The same of an array, whose length is on top of the stack. */
  private allocateArray(at: i32, type: i32): void {
    if (this.recorder.isDead) return;
    // A power of two, or 0 of what is no array.
    const size = ctz(max(1, this.facts.elementBytes[type]));
    this.recorder.edit(CodeEdit.AllocateArray, size, at);
    this.usage.allocates = true;
    this.usage.arraySizes |= 1 << size;
  }

  private memory(): i32 {
    return readMemory(this.cursor, this.usage);
  }

  private memory64(): bool {
    return this.facts.memories64[this.memory()] !== 0;
  }

  private table(): i32 {
    return this.cursor.index(this.facts.tables64.length, 'table');
  }

  private table64(): bool {
    return this.facts.tables64[this.table()] !== 0;
  }

  private writtenTable(): i32 {
    const table = this.table();
    this.usage.tables[table] |= SpaceUse.Written;
    return table;
  }

  private writtenTable64(): bool {
    return this.facts.tables64[this.writtenTable()] !== 0;
  }

  private type(): i32 {
    return this.cursor.index(this.facts.types, 'type');
  }

  private elementSegment(): i32 {
    return this.cursor.index(this.facts.elementSegments, 'element segment');
  }

  private noteElements(use: SegmentUse): void {
    const segment = this.elementSegment();
    this.usage.elements[segment] |= use;
  }

  /** Nothing has checked the index yet, and nothing but what exists is worth noting. */
  private noteData(use: SegmentUse): void {
    const segment = this.cursor.u32();
    if (segment < <u32>this.facts.dataSegments) this.usage.data[segment] |= use;
  }

  /** Behind 0xfc: saturating conversions, bulk memory and tables. */
  readBulk(at: i32): void {
    const opcode = this.cursor.u32();
    if (opcode < 8) {
      this.usage.add(Feature.SaturatingFloatToInt);
      return;
    }
    this.usage.add(Feature.BulkMemory);
    switch (opcode) {
      case 8: // memory.init: its length is 32 bits wide for every memory
        this.callEngine(at);
        this.noteData(SegmentUse.Read);
        this.memory();
        this.chargeBytes(at, false);
        return;
      case 9: // data.drop
        this.noteData(SegmentUse.Dropped);
        return;
      case 10: {
        // memory.copy
        const destination64 = this.memory64();
        const source64 = this.memory64();
        this.chargeBytes(at, destination64 && source64);
        return;
      }
      case 11: // memory.fill
        this.chargeBytes(at, this.memory64());
        return;
      case 12: // table.init
        this.callEngine(at);
        this.noteElements(SegmentUse.Read);
        this.writtenTable();
        this.chargeEntries(at, false);
        return;
      case 13: // elem.drop
        this.noteElements(SegmentUse.Dropped);
        return;
      case 14: {
        // table.copy
        this.callEngine(at);
        const destination64 = this.writtenTable64();
        const source64 = this.table64();
        this.chargeEntries(at, destination64 && source64);
        return;
      }
      case 15: {
        // table.grow
        const table = this.writtenTable();
        this.recorder.edit(CodeEdit.TableGrow, table, at);
        this.usage.tables[table] |= SpaceUse.Grown;
        return;
      }
      case 16: // table.size
        this.table();
        return;
      case 17: // table.fill
        this.callEngine(at);
        this.chargeEntries(at, this.writtenTable64());
        return;
      default:
        unsupported(`instruction 0xfc ${opcode}`, at);
    }
  }

  /** Behind 0xfb: structs, arrays, i31 and casts. */
  readGc(at: i32): void {
    const cursor = this.cursor;
    const facts = this.facts;
    const opcode = cursor.u32();
    this.usage.add(Feature.Gc);
    switch (opcode) {
      case 0: // struct.new
        this.allocate(at, facts.objectBytes[this.type()]);
        return;
      case 11: // array.get
      case 12:
      case 13:
      case 14: // array.set
        this.type();
        return;
      case 1: {
        // struct.new_default writes every field without an operand having been paid for it. Its base is in the run already.
        const type = this.type();
        this.recorder.addLarge(facts.fields[type], at);
        this.allocate(at, facts.objectBytes[type]);
        return;
      }
      case 2: // struct.get
      case 3:
      case 4:
      case 5: // struct.set
        this.type();
        cursor.u32();
        return;
      case 8: {
        // array.new_fixed
        const type = this.type();
        const length = <i64>cursor.u32();
        this.allocate(at, facts.objectBytes[type] + facts.elementBytes[type] * length);
        return;
      }
      case 6: // array.new
      case 7: {
        const type = this.type();
        this.chargeEntries(at, false);
        this.allocateArray(at, type);
        return;
      }
      case 16: // array.fill
        this.type();
        this.chargeEntries(at, false);
        return;
      case 9: // array.new_data
      case 10: {
        this.callEngine(at);
        const type = this.type();
        if (opcode === 9) cursor.u32();
        else this.elementSegment();
        this.chargeEntries(at, false);
        this.allocateArray(at, type);
        return;
      }
      case 18: // array.init_data
        this.callEngine(at);
        this.type();
        cursor.u32();
        this.chargeEntries(at, false);
        return;
      case 19: // array.init_elem
        this.callEngine(at);
        this.type();
        this.elementSegment();
        this.chargeEntries(at, false);
        return;
      case 17: // array.copy
        this.type();
        this.type();
        this.chargeEntries(at, false);
        return;
      case 20: // ref.test, ref.cast and their nullable forms
      case 21:
      case 22:
      case 23:
        skipHeapType(cursor, this.usage);
        return;
      case 24: // br_on_cast
      case 25: {
        cursor.u8();
        const label = readLabel(cursor, this.recorder, at);
        skipHeapType(cursor, this.usage);
        skipHeapType(cursor, this.usage);
        this.recorder.castBranch(label, at, cursor.pos);
        return;
      }
      case 15: // array.len
      case 26: // any.convert_extern
      case 27: // extern.convert_any
      case 28: // ref.i31
      case 29: // i31.get
      case 30:
        return;
      default:
        unsupported(`instruction 0xfb ${opcode}`, at);
    }
  }

  /** Behind 0xfd. */
  readSimd(at: i32): void {
    const cursor = this.cursor;
    const opcode = cursor.u32();
    this.usage.add(Feature.Simd);
    if (opcode > 0xff) unsupported('relaxed SIMD instructions', at);
    switch (SIMD_IMMEDIATES[opcode]) {
      case SimdImmediate.Memory:
        skipMemoryArgument(cursor, this.usage);
        return;
      case SimdImmediate.Lane:
        cursor.u8();
        return;
      case SimdImmediate.MemoryAndLane:
        skipMemoryArgument(cursor, this.usage);
        cursor.u8();
        return;
      case SimdImmediate.Bytes16:
        cursor.skip(16);
        return;
      default:
    }
  }
}
