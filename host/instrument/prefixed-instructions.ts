import type { CodeRecorder } from './code-recorder.ts';
import { readIndex } from './constant-expression.ts';
import { structDefaultCost } from './cost-model.ts';
import { EDIT, LENGTH } from './edits.ts';
import { InstrumentError } from './error.ts';
import type { FeatureSet } from './features.ts';
import { readLabel, readMemory, skipMemoryArgument } from './immediates.ts';
import type { ModuleLayout } from './module-layout.ts';
import { SIMD_IMMEDIATE, SIMD_IMMEDIATES } from './opcodes.ts';
import type { Cursor } from './reader.ts';

import type { MeterUsage } from './usage.ts';
import { skipHeapType } from './value-types.ts';

/**
 * The instructions of more than one opcode byte; `at` is where the first one stands, and the cursor behind it.
 * Those that work by length are all of this kind. Shares the state of function-reader.ts.
 */
export class PrefixedInstructions {
  readonly #cursor: Cursor;
  readonly #recorder: CodeRecorder;
  readonly #layout: ModuleLayout;
  readonly #features: FeatureSet;
  readonly #usage: MeterUsage;

  constructor(
    cursor: Cursor,
    recorder: CodeRecorder,
    layout: ModuleLayout,
    features: FeatureSet,
    usage: MeterUsage,
  ) {
    this.#cursor = cursor;
    this.#recorder = recorder;
    this.#layout = layout;
    this.#features = features;
    this.#usage = usage;
  }

  /** Charges by the operand on top of the stack, which is the length in every such instruction. */
  #chargeLength(at: number, unit: 'bytes' | 'entries', is64: boolean): void {
    if (this.#recorder.isDead) return;
    const kind = LENGTH[`${unit}${is64 ? 64 : 32}`];
    this.#recorder.edit(EDIT.chargeLength, kind, at);
    this.#usage.lengthKinds[kind] = true;
  }

  /** Counts the bytes of the object that the instruction at `at` makes. */
  #allocate(at: number, bytes: number): void {
    if (this.#recorder.isDead) return;
    // Nothing valid comes near to what an edit holds.
    this.#recorder.edit(EDIT.allocate, Math.min(bytes, 2 ** 31 - 1), at);
    this.#usage.allocates = true;
  }

  /** The same of an array, whose length is on top of the stack. */
  #allocateArray(at: number, type: number): void {
    if (this.#recorder.isDead) return;
    const size = Math.log2(this.#layout.types[type]!.elementBytes || 1);
    this.#recorder.edit(EDIT.allocateArray, size, at);
    this.#usage.allocates = true;
    this.#usage.arraySizes[size] = true;
  }

  #memory(): number {
    return readMemory(this.#cursor, this.#layout, this.#features);
  }

  #table(): number {
    return readIndex(this.#cursor, this.#layout.tables64.length, 'table');
  }

  /** Nothing has checked the index yet, and nothing but what exists is worth noting. */
  #noteData(segments: Set<number>): void {
    const segment = this.#cursor.u32();
    if (segment < this.#layout.dataSegments) segments.add(segment);
  }

  #writtenTable(): number {
    const table = this.#table();
    this.#usage.writtenTables.add(table);
    return table;
  }

  /** Behind 0xfc: saturating conversions, bulk memory and tables. */
  readBulk(at: number): void {
    const cursor = this.#cursor;
    const opcode = cursor.u32();
    const { memories64, tables64, elementSegments } = this.#layout;
    if (opcode < 8) {
      this.#features.add('saturating-float-to-int');
      return;
    }
    this.#features.add('bulk-memory');
    switch (opcode) {
      case 8: // memory.init: its length is 32 bits wide for every memory
        this.#noteData(this.#usage.readData);
        this.#memory();
        this.#chargeLength(at, 'bytes', false);
        return;
      case 9: // data.drop
        this.#noteData(this.#usage.droppedData);
        return;
      case 10: {
        const destination = this.#memory();
        const source = this.#memory();
        this.#chargeLength(at, 'bytes', memories64[destination]! && memories64[source]!);
        return;
      }
      case 11: // memory.fill
        this.#chargeLength(at, 'bytes', memories64[this.#memory()]!);
        return;
      case 12: // table.init
        this.#usage.readElements.add(readIndex(cursor, elementSegments, 'element segment'));
        this.#writtenTable();
        this.#chargeLength(at, 'entries', false);
        return;
      case 13: // elem.drop
        this.#usage.droppedElements.add(readIndex(cursor, elementSegments, 'element segment'));
        return;
      case 14: {
        const destination = this.#writtenTable();
        const source = this.#table();
        this.#chargeLength(at, 'entries', tables64[destination]! && tables64[source]!);
        return;
      }
      case 15: {
        const table = this.#writtenTable();
        this.#recorder.edit(EDIT.tableGrow, table, at);
        this.#usage.grownTables.add(table);
        return;
      }
      case 16: // table.size
        this.#table();
        return;
      case 17: // table.fill
        this.#chargeLength(at, 'entries', tables64[this.#writtenTable()]!);
        return;
      default:
        throw new InstrumentError('unsupported', `instruction 0xfc ${opcode}`, at);
    }
  }

  /** Behind 0xfb: structs, arrays, i31 and casts. */
  readGc(at: number): void {
    const cursor = this.#cursor;
    const opcode = cursor.u32();
    this.#features.add('gc');
    const { types, elementSegments } = this.#layout;
    switch (opcode) {
      case 0: // struct.new
        this.#allocate(at, types[readIndex(cursor, types.length, 'type')]!.objectBytes);
        return;
      case 11: // array.get
      case 12:
      case 13:
      case 14: // array.set
        readIndex(cursor, types.length, 'type');
        return;
      case 1: {
        // Its base is in the run already.
        const { fields, objectBytes } = types[readIndex(cursor, types.length, 'type')]!;
        this.#recorder.addLarge(structDefaultCost(fields) - 1, at);
        this.#allocate(at, objectBytes);
        return;
      }
      case 2: // struct.get
      case 3:
      case 4:
      case 5: // struct.set
        readIndex(cursor, types.length, 'type');
        cursor.u32();
        return;
      case 8: {
        const type = types[readIndex(cursor, types.length, 'type')]!;
        this.#allocate(at, type.objectBytes + type.elementBytes * cursor.u32());
        return;
      }
      case 6: // array.new
      case 7: {
        const type = readIndex(cursor, types.length, 'type');
        this.#chargeLength(at, 'entries', false);
        this.#allocateArray(at, type);
        return;
      }
      case 16: // array.fill
        readIndex(cursor, types.length, 'type');
        this.#chargeLength(at, 'entries', false);
        return;
      case 9: // array.new_data
      case 10: {
        const type = readIndex(cursor, types.length, 'type');
        if (opcode === 9) cursor.u32();
        else readIndex(cursor, elementSegments, 'element segment');
        this.#chargeLength(at, 'entries', false);
        this.#allocateArray(at, type);
        return;
      }
      case 18: // array.init_data
        readIndex(cursor, types.length, 'type');
        cursor.u32();
        this.#chargeLength(at, 'entries', false);
        return;
      case 19: // array.init_elem
        readIndex(cursor, types.length, 'type');
        readIndex(cursor, elementSegments, 'element segment');
        this.#chargeLength(at, 'entries', false);
        return;
      case 17: // array.copy
        readIndex(cursor, types.length, 'type');
        readIndex(cursor, types.length, 'type');
        this.#chargeLength(at, 'entries', false);
        return;
      case 20: // ref.test, ref.cast and their nullable forms
      case 21:
      case 22:
      case 23:
        skipHeapType(cursor, this.#features);
        return;
      case 24: // br_on_cast
      case 25: {
        cursor.u8();
        const label = readLabel(cursor, this.#recorder, at);
        skipHeapType(cursor, this.#features);
        skipHeapType(cursor, this.#features);
        this.#recorder.castBranch(label, at, cursor.pos);
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
        throw new InstrumentError('unsupported', `instruction 0xfb ${opcode}`, at);
    }
  }

  /** Behind 0xfd. */
  readSimd(at: number): void {
    const cursor = this.#cursor;
    const opcode = cursor.u32();
    this.#features.add('simd');
    if (opcode > 0xff) throw new InstrumentError('unsupported', 'relaxed SIMD instructions', at);
    switch (SIMD_IMMEDIATES[opcode]) {
      case SIMD_IMMEDIATE.memory:
        skipMemoryArgument(cursor, this.#layout, this.#features);
        return;
      case SIMD_IMMEDIATE.lane:
        cursor.u8();
        return;
      case SIMD_IMMEDIATE.memoryAndLane:
        skipMemoryArgument(cursor, this.#layout, this.#features);
        cursor.u8();
        return;
      case SIMD_IMMEDIATE.bytes16:
        cursor.skip(16);
        return;
      default:
    }
  }
}
