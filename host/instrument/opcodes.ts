/**
 * What follows each opcode of one byte. The shapes with consequences for metering (control, calls, indices,
 * growth) are read by hand (assembly/function-reader.ts); this table has the rest, and which opcodes exist.
 */
export const IMMEDIATE = {
  none: 0,
  /** Read by hand. */
  special: 1,
  memory: 2,
  i32: 3,
  i64: 4,
  bytes4: 5,
  bytes8: 6,
  local: 7,
  table: 8,
  unknown: 9,
} as const;

export const IMMEDIATES: Uint8Array = new Uint8Array(256).fill(IMMEDIATE.unknown);

function mark(from: number, to: number, shape: number): void {
  IMMEDIATES.fill(shape, from, to + 1);
}

mark(0x00, 0x01, IMMEDIATE.none); // unreachable, nop
mark(0x02, 0x15, IMMEDIATE.special); // control, calls
mark(0x18, 0x19, IMMEDIATE.special); // delegate, catch_all
mark(0x1a, 0x1b, IMMEDIATE.none); // drop, select
mark(0x1c, 0x1c, IMMEDIATE.special); // select with types
mark(0x1f, 0x1f, IMMEDIATE.special); // try_table
mark(0x20, 0x22, IMMEDIATE.local);
mark(0x23, 0x24, IMMEDIATE.special); // global.get, global.set
mark(0x25, 0x26, IMMEDIATE.table);
mark(0x28, 0x3e, IMMEDIATE.memory); // loads and stores
mark(0x3f, 0x40, IMMEDIATE.special); // memory.size, memory.grow
mark(0x41, 0x41, IMMEDIATE.i32);
mark(0x42, 0x42, IMMEDIATE.i64);
mark(0x43, 0x43, IMMEDIATE.bytes4);
mark(0x44, 0x44, IMMEDIATE.bytes8);
mark(0x45, 0xc4, IMMEDIATE.none); // numeric
mark(0xd0, 0xd0, IMMEDIATE.special); // ref.null
mark(0xd1, 0xd1, IMMEDIATE.none); // ref.is_null
mark(0xd2, 0xd2, IMMEDIATE.special); // ref.func
mark(0xd3, 0xd4, IMMEDIATE.none); // ref.eq, ref.as_non_null
mark(0xd5, 0xd6, IMMEDIATE.special); // br_on_null, br_on_non_null
mark(0xfb, 0xfd, IMMEDIATE.special); // prefixes

/** What follows a SIMD opcode (behind 0xfd); above 0xff are the relaxed ones, which differ between machines. */
export const SIMD_IMMEDIATE = { none: 0, memory: 1, lane: 2, memoryAndLane: 3, bytes16: 4 } as const;

export const SIMD_IMMEDIATES: Uint8Array = new Uint8Array(256).fill(SIMD_IMMEDIATE.none);
SIMD_IMMEDIATES.fill(SIMD_IMMEDIATE.memory, 0, 12); // loads, v128.store
SIMD_IMMEDIATES.fill(SIMD_IMMEDIATE.bytes16, 12, 14); // v128.const, i8x16.shuffle
SIMD_IMMEDIATES.fill(SIMD_IMMEDIATE.lane, 21, 35); // extract_lane, replace_lane
SIMD_IMMEDIATES.fill(SIMD_IMMEDIATE.memoryAndLane, 84, 92); // load_lane, store_lane
SIMD_IMMEDIATES.fill(SIMD_IMMEDIATE.memory, 92, 94); // load_zero
