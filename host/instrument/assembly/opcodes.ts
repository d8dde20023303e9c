import { OpcodeBytes } from './arrays.ts';

/** What follows an opcode of one byte, as IMMEDIATE of ../opcodes.ts. */
export enum Immediate {
  None = 0,
  /** Read by hand. */
  Special = 1,
  Memory = 2,
  I32 = 3,
  I64 = 4,
  Bytes4 = 5,
  Bytes8 = 6,
  Local = 7,
  Table = 8,
  Unknown = 9,
}

/** What follows a SIMD opcode (behind 0xfd), as SIMD_IMMEDIATE of ../opcodes.ts. */
export enum SimdImmediate {
  None = 0,
  Memory = 1,
  Lane = 2,
  MemoryAndLane = 3,
  Bytes16 = 4,
}

/** The tables of ../opcodes.ts and ../cost-model.ts, each by opcode, which the host fills once. */
export const IMMEDIATES: OpcodeBytes = changetype<OpcodeBytes>(memory.data(256));
export const SIMD_IMMEDIATES: OpcodeBytes = changetype<OpcodeBytes>(memory.data(256));
export const OPCODE_COST: OpcodeBytes = changetype<OpcodeBytes>(memory.data(256));
