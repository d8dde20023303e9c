/**
 * Decodes a body into a list of instructions, with what `docs/fuel.md` says of each: its cost, and whether straight
 * code (a run of instructions that are executed all or none) ends behind it. Written from that page alone.
 */
import type { ByteReader } from './byte-reader.ts';
import { type FunctionType, readValueType } from './value-type.ts';

/** A proposal that the machine does not know. */
export class NotInterpreted extends Error {}

export interface Handler {
  readonly tag: number | undefined;
  readonly wantsReference: boolean;
  readonly label: number;
}

export interface Instruction {
  /** The opcode; prefixed ones as 0xfc00 or 0xfd000 plus theirs. */
  readonly op: number;
  /** As encoded, immediates and all. */
  readonly bytes: Uint8Array;
  readonly a: number;
  readonly b: number;
  readonly labels?: readonly number[];
  readonly handlers?: readonly Handler[];
  readonly constant?: number | bigint | readonly [bigint, bigint];
  /** Of a block: what it takes and gives. */
  readonly type?: FunctionType;
  /** Of a block: where its `end` is, and its `else`. */
  end?: number;
  otherwise?: number;
  readonly cost: number;
  endsRun: boolean;
}

export type Expression = readonly Instruction[];

export const FC = 0xfc00;
export const FD = 0xfd000;

/** unreachable, nop, block, loop, else, end, drop, try_table. */
const FREE: ReadonlySet<number> = new Set([0x00, 0x01, 0x02, 0x03, 0x05, 0x0b, 0x1a, 0x1f]);
/** throw, throw_ref. */
const EXCEPTIONS: ReadonlySet<number> = new Set([0x08, 0x0a]);
/** table.set; memory.init, table.init, table.copy, table.fill. */
const ENGINE_CALLS: ReadonlySet<number> = new Set([0x26, FC + 8, FC + 12, FC + 14, FC + 17]);

function costOf(op: number): number {
  if (EXCEPTIONS.has(op)) return 1_001;
  if (ENGINE_CALLS.has(op)) return 101;
  return FREE.has(op) ? 0 : 1;
}

/** Control does not pass them: unreachable, throw, throw_ref, br, br_table, return, the tail calls. */
const LEAVES: ReadonlySet<number> = new Set([0x00, 0x08, 0x0a, 0x0c, 0x0e, 0x0f, 0x12, 0x13]);
/** loop, if, else, br_if. */
const HEADS: ReadonlySet<number> = new Set([0x03, 0x04, 0x05, 0x0d]);

interface Open {
  readonly instruction: Instruction;
  isTarget: boolean;
}

/** Up to the `end` that closes it; that is its last instruction. */
export function readExpression(
  reader: ByteReader,
  module: { readonly types: readonly FunctionType[] },
): Expression {
  const body: Instruction[] = [];
  const open: Open[] = [];
  const markTarget = (label: number): void => {
    const block = open[open.length - 1 - label];
    if (block !== undefined) block.isTarget = true;
  };
  for (;;) {
    const instruction = readInstruction(reader, module.types);
    const { op } = instruction;
    body.push(instruction);
    // A handler's label counts from outside of its try_table; so do all others from inside their block.
    for (const label of instruction.labels ?? []) markTarget(label);
    for (const { label } of instruction.handlers ?? []) markTarget(label);
    if (op === 0x02 || op === 0x03 || op === 0x04 || op === 0x1f) open.push({ instruction, isTarget: false });
    else if (op === 0x05) open.at(-1)!.instruction.otherwise = body.length - 1;
    else if (op === 0x0b) {
      const block = open.pop();
      if (block === undefined) {
        instruction.endsRun = true;
        return body;
      }
      block.instruction.end = body.length - 1;
      const kind = block.instruction.op;
      instruction.endsRun = kind === 0x04 || (kind !== 0x03 && block.isTarget);
    }
  }
}

/** The older exceptions, call_ref, return_call_ref, ref.eq to br_on_non_null, and all of 0xfb. */
const UNKNOWN: ReadonlySet<number> = new Set([
  0x06, 0x07, 0x09, 0x18, 0x19, 0x14, 0x15, 0xd3, 0xd4, 0xd5, 0xd6, 0xfb,
]);

function readInstruction(reader: ByteReader, types: readonly FunctionType[]): Instruction {
  const from = reader.pos;
  const first = reader.u8();
  if (UNKNOWN.has(first)) throw new NotInterpreted(`opcode ${first}`);
  const op = first === 0xfc ? FC + reader.u32() : first === 0xfd ? FD + reader.u32() : first;
  const immediates = readImmediates(reader, op, types);
  return {
    op,
    a: 0,
    b: 0,
    ...immediates,
    bytes: reader.bytes.subarray(from, reader.pos),
    cost: costOf(op),
    endsRun: LEAVES.has(op) || HEADS.has(op),
  };
}

type Immediates = Partial<Omit<Instruction, 'op' | 'bytes' | 'cost' | 'endsRun'>>;

function readImmediates(reader: ByteReader, op: number, types: readonly FunctionType[]): Immediates {
  switch (op) {
    case 0x02: // block
    case 0x03: // loop
    case 0x04: // if
      return { type: readBlockType(reader, types) };
    case 0x1f: // try_table
      return { type: readBlockType(reader, types), handlers: reader.list(() => readHandler(reader)) };
    case 0x0c: // br
    case 0x0d: // br_if
      return { labels: [reader.u32()] };
    case 0x0e: // br_table
      return { labels: [...reader.list(() => reader.u32()), reader.u32()] };
    case 0x08: // throw
    case 0x10: // call
    case 0x12: // return_call
    case 0x20: // local.get, local.set, local.tee, global.get, global.set, table.get, table.set
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:
    case 0x25:
    case 0x26:
    case 0x3f: // memory.size, memory.grow
    case 0x40:
    case 0xd2: // ref.func
    case FC + 9: // data.drop
    case FC + 11: // memory.fill
    case FC + 13: // elem.drop
    case FC + 15: // table.grow, table.size, table.fill
    case FC + 16:
    case FC + 17:
      return { a: reader.u32() };
    case 0x11: // call_indirect, return_call_indirect: type, table
    case 0x13:
    case FC + 8: // memory.init: segment, memory
    case FC + 10: // memory.copy: to, from
    case FC + 12: // table.init: segment, table
    case FC + 14: // table.copy: to, from
      return { a: reader.u32(), b: reader.u32() };
    case 0x1c: // select
      reader.list(() => readValueType(reader));
      return {};
    case 0xd0: // ref.null
      reader.signed(33);
      return {};
    case 0x41:
      return { constant: Number(reader.signed(32)) };
    case 0x42:
      return { constant: reader.signed(64) };
    case 0x43:
      return { constant: viewOf(reader.slice(4)).getInt32(0, true) };
    case 0x44:
      return { constant: viewOf(reader.slice(8)).getBigInt64(0, true) };
    case FD + 12: {
      const view = viewOf(reader.slice(16));
      return { constant: [view.getBigInt64(0, true), view.getBigInt64(8, true)] };
    }
    case FD + 13: // i8x16.shuffle
      reader.slice(16);
      return {};
    default:
      return readMemoryArgument(reader, op);
  }
}

function readMemoryArgument(reader: ByteReader, op: number): Immediates {
  const vector = op - FD;
  const accesses =
    (op >= 0x28 && op <= 0x3e) || (vector >= 0 && vector <= 11) || (vector >= 84 && vector <= 93);
  let memory = 0;
  if (accesses) {
    if (reader.u32() & 0x40) memory = reader.u32();
    reader.u64();
  }
  const hasLane = (vector >= 21 && vector <= 34) || (vector >= 84 && vector <= 91);
  if (hasLane) reader.u8();
  return { a: memory };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readBlockType(reader: ByteReader, types: readonly FunctionType[]): FunctionType {
  const first = reader.bytes[reader.pos]!;
  if (first === 0x40) {
    reader.pos++;
    return { parameters: [], results: [] };
  }
  // A value type is one negative byte (or begins with one); an index is not negative.
  if ((first & 0xc0) === 0x40) return { parameters: [], results: [readValueType(reader)] };
  return types[Number(reader.signed(33))]!;
}

function readHandler(reader: ByteReader): Handler {
  const kind = reader.u8();
  return { tag: kind < 2 ? reader.u32() : undefined, wantsReference: (kind & 1) === 1, label: reader.u32() };
}
