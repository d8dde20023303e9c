import { FeatureSet } from '../instrument/features.ts';
import { IMMEDIATE, IMMEDIATES, SIMD_IMMEDIATE, SIMD_IMMEDIATES } from '../instrument/opcodes.ts';
import type { Cursor } from '../instrument/reader.ts';
import { skipBlockType, skipHeapType, skipValueType } from '../instrument/value-types.ts';
import type { ByteSink } from '../instrument/writer.ts';
import { constant, SPACE_BYTES, SPACE_PAGES } from './adapter-space-functions.ts';

/** The module is of a kind that does not come up with preview 1, so that it stays as it is. */
export class NotRelocatable extends Error {
  override readonly name = 'NotRelocatable';
}

/** Indices of what stands in for an import or an instruction; asking for one makes it exist. */
export interface Replacements {
  /** Of a function: the stand-in's where it takes addresses to the adapter, else its own. */
  function(index: number): number;
  instruction(kind: 'grow' | 'copy' | 'fill'): number;
  init(segment: number): number;
}

/** The most that an instruction grows by is from 2 bytes to 6 (`call 0` to a function with a long index). */
export const MAX_GROWTH = 3;

const LARGEST_OFFSET = 2 ** 32 - 1;
/** Numbers of indices behind 0xfb, for the instructions that have nothing but indices. */
const GC_INDICES = [1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 2, 1, 1, 1, 1, 0, 1, 2, 2, 2];

/**
 * Copies function bodies and expressions of a valid module with one 32-bit memory from `cursor` to `sink`, their
 * addresses moved up by SPACE_BYTES: loads and stores get a larger offset, which costs no time; the other
 * instructions that see addresses or sizes become calls.
 */
export class CodeRelocation {
  readonly #cursor: Cursor;
  readonly #sink: ByteSink;
  readonly #replacements: Replacements;
  readonly #typeCount: number;
  readonly #features = new FeatureSet();
  /** Everything in front of it has been copied. */
  #copied = 0;

  constructor(cursor: Cursor, sink: ByteSink, replacements: Replacements, typeCount: number) {
    this.#cursor = cursor;
    this.#sink = sink;
    this.#replacements = replacements;
    this.#typeCount = typeCount;
  }

  /** The body, locals included, that the cursor stands at and that ends at `end`. */
  body(end: number): void {
    const cursor = this.#cursor;
    this.#copied = cursor.pos;
    const groups = cursor.u32();
    for (let i = 0; i < groups; i++) {
      cursor.u32();
      skipValueType(cursor, this.#features);
    }
    while (cursor.pos < end) this.#instruction();
    this.#flush(end);
  }

  /** A constant expression that yields no address, such as an element. */
  expression(): void {
    const cursor = this.#cursor;
    this.#copied = cursor.pos;
    while (cursor.peek() !== 0x0b) this.#instruction();
    cursor.u8();
    this.#flush(cursor.pos);
  }

  #flush(to: number): void {
    this.#sink.copy(this.#cursor.bytes, this.#copied, to);
    this.#copied = this.#cursor.pos;
  }

  #indices(count: number): void {
    for (let i = 0; i < count; i++) this.#cursor.u32();
  }

  /** Puts a call in place of what was read since `at`. */
  #call(at: number, index: number): void {
    this.#flush(at);
    this.#sink.u8(0x10);
    this.#sink.u32(index);
  }

  #functionIndex(): void {
    const at = this.#cursor.pos;
    const index = this.#cursor.u32();
    const replacement = this.#replacements.function(index);
    if (replacement === index) return;
    this.#flush(at);
    this.#sink.u32(replacement);
  }

  #memoryArgument(): void {
    const cursor = this.#cursor;
    // Bit 6 announces the index of a memory, here 0.
    if (cursor.u32() & 0x40) cursor.u32();
    const at = cursor.pos;
    const offset = cursor.u32();
    this.#flush(at);
    // Guest addresses from 2^32 - SPACE_BYTES on are beyond its memory, and so is the last real one.
    this.#sink.u32(Math.min(offset + SPACE_BYTES, LARGEST_OFFSET));
  }

  #instruction(): void {
    const cursor = this.#cursor;
    const at = cursor.pos;
    const opcode = cursor.u8();
    switch (IMMEDIATES[opcode]) {
      case IMMEDIATE.none:
        return;
      case IMMEDIATE.memory:
        this.#memoryArgument();
        return;
      case IMMEDIATE.local:
      case IMMEDIATE.table:
        cursor.u32();
        return;
      case IMMEDIATE.i32:
        cursor.skipS32();
        return;
      case IMMEDIATE.i64:
        cursor.skipS64();
        return;
      case IMMEDIATE.bytes4:
        cursor.skip(4);
        return;
      case IMMEDIATE.bytes8:
        cursor.skip(8);
        return;
      case IMMEDIATE.special:
        this.#special(opcode, at);
        return;
      default:
        throw new NotRelocatable(`opcode 0x${opcode.toString(16)}`);
    }
  }

  #special(opcode: number, at: number): void {
    const cursor = this.#cursor;
    switch (opcode) {
      case 0x02: // block, loop, if, try
      case 0x03:
      case 0x04:
      case 0x06:
        skipBlockType(cursor, this.#features, this.#typeCount);
        return;
      case 0x05: // else, throw_ref, end, return, catch_all
      case 0x0a:
      case 0x0b:
      case 0x0f:
      case 0x19:
        return;
      case 0x07: // catch, throw, rethrow, br, br_if, call_ref, return_call_ref, delegate
      case 0x08:
      case 0x09:
      case 0x0c:
      case 0x0d:
      case 0x14:
      case 0x15:
      case 0x18:
      case 0x23: // global.get, global.set, br_on_null, br_on_non_null
      case 0x24:
      case 0xd5:
      case 0xd6:
        cursor.u32();
        return;
      case 0x0e: // br_table
        this.#indices(cursor.u32() + 1);
        return;
      case 0x10: // call, return_call, ref.func
      case 0x12:
      case 0xd2:
        this.#functionIndex();
        return;
      case 0x11: // call_indirect, return_call_indirect
      case 0x13:
        this.#indices(2);
        return;
      case 0x1c: {
        const count = cursor.u32();
        for (let i = 0; i < count; i++) skipValueType(cursor, this.#features);
        return;
      }
      case 0x1f: {
        skipBlockType(cursor, this.#features, this.#typeCount);
        const handlers = cursor.u32();
        for (let i = 0; i < handlers; i++) this.#indices(cursor.u8() < 2 ? 2 : 1);
        return;
      }
      case 0x3f: // memory.size
        cursor.u32();
        this.#flush(cursor.pos);
        this.#sink.list([...constant(SPACE_PAGES), 0x6b]);
        return;
      case 0x40: // memory.grow
        cursor.u32();
        this.#call(at, this.#replacements.instruction('grow'));
        return;
      case 0xd0: // ref.null
        skipHeapType(cursor, this.#features);
        return;
      case 0xfb:
        this.#garbageCollected();
        return;
      case 0xfc:
        this.#bulk(at);
        return;
      case 0xfd:
        this.#simd();
        return;
      default:
        throw new NotRelocatable(`opcode 0x${opcode.toString(16)}`);
    }
  }

  #garbageCollected(): void {
    const cursor = this.#cursor;
    const opcode = cursor.u32();
    const indices = GC_INDICES[opcode];
    if (indices !== undefined) this.#indices(indices);
    else if (opcode <= 23) skipHeapType(cursor, this.#features);
    else if (opcode <= 25) {
      cursor.u8();
      cursor.u32();
      skipHeapType(cursor, this.#features);
      skipHeapType(cursor, this.#features);
    } else if (opcode > 30) throw new NotRelocatable(`opcode 0xfb ${opcode}`);
  }

  #bulk(at: number): void {
    const cursor = this.#cursor;
    const opcode = cursor.u32();
    if (opcode < 8) return;
    switch (opcode) {
      case 8: {
        const segment = cursor.u32();
        cursor.u32();
        this.#call(at, this.#replacements.init(segment));
        return;
      }
      case 10:
        this.#indices(2);
        this.#call(at, this.#replacements.instruction('copy'));
        return;
      case 11:
        cursor.u32();
        this.#call(at, this.#replacements.instruction('fill'));
        return;
      case 9: // data.drop, elem.drop, table.grow, table.size, table.fill
      case 13:
      case 15:
      case 16:
      case 17:
        cursor.u32();
        return;
      case 12: // table.init, table.copy
      case 14:
        this.#indices(2);
        return;
      default:
        throw new NotRelocatable(`opcode 0xfc ${opcode}`);
    }
  }

  #simd(): void {
    const cursor = this.#cursor;
    const opcode = cursor.u32();
    if (opcode > 0xff) throw new NotRelocatable(`opcode 0xfd ${opcode}`);
    switch (SIMD_IMMEDIATES[opcode]) {
      case SIMD_IMMEDIATE.memory:
        this.#memoryArgument();
        return;
      case SIMD_IMMEDIATE.lane:
        cursor.u8();
        return;
      case SIMD_IMMEDIATE.memoryAndLane:
        this.#memoryArgument();
        cursor.u8();
        return;
      case SIMD_IMMEDIATE.bytes16:
        cursor.skip(16);
        return;
      default:
    }
  }
}
