/**
 * Layout of a record, a word of 32 bits: its kind, the cost of the straight code before it, its own instruction included, its
 * distance in bytes from the record before, and an argument: of what opens, ends or leads to a block, the block's label. All fit in 97
 * of a hundred records. What is added to them needs 27 bits: no function costs more, or is longer.
 */
export const KIND_MASK = 0x1f;
export const KIND_BITS = 5;
export const COST_SHIFT = 5;
export const MAX_RECORD_COST = 0x1f;
export const DISTANCE_SHIFT = 10;
export const MAX_DISTANCE = 0x3f;
export const ARGUMENT_SHIFT = 16;
export const MAX_ARGUMENT = 0xffff;
