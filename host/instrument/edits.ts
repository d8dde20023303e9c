/** What an edit does at its offset. `value` is given in brackets. */
export const EDIT = {
  /** Nothing: a run that costs nothing. */
  none: 0,
  /** Insert code that subtracts [units] from the fuel counter. */
  charge: 1,
  /** Insert the same, and the check that follows it. */
  chargeAndCheck: 2,
  /** Replace the index of a defined function [old index]. */
  functionIndex: 3,
  /** Replace the index of a defined global [old index]. */
  globalIndex: 4,
  /** Replace the indices of a vector of functions [its length]; the offset is behind the length. */
  functionIndices: 5,
  /** Insert a call of the helper that charges by length [kind of length, see LENGTH]. */
  chargeLength: 6,
  /** Replace memory.grow, opcode and immediate, by a call of its helper [memory]. */
  memoryGrow: 7,
  /** Replace table.grow, opcode and immediate, by a call of its helper [table]. */
  tableGrow: 8,
  /** Insert code that adds [units] to the local counter. */
  localCharge: 9,
  /** Insert the same, and the check that follows it. */
  localChargeAndCheck: 10,
  /** Insert code that subtracts the local counter and [units] from the fuel counter, and clears the former. */
  settle: 11,
  settleAndCheck: 12,
  /** Insert the same where the function is left, without the clearing. */
  settleAndLeave: 13,
  /** Insert the declaration of the local counter. */
  declareCounter: 15,
  /** Replace the index of a defined function by that of its entry for the outside [old index]. */
  exportedFunction: 16,
  /** Insert `local.get` or `local.set` of the counter. */
  pushCounter: 17,
  popCounter: 18,
  /** Replace the index of a local [new index]. */
  localIndex: 19,
  /** Replace a number [new number]. */
  number: 20,
  /** Insert the declaration of one local, of the type that the function's first one has. */
  declareMoved: 21,
  /** Insert the start of a block with the function's result. */
  openBody: 22,
  /** Insert the end of that block. */
  closeBody: 23,
  /** Insert the start of a loop around the one that follows, and a check in it [length of its block type]. */
  openChunks: 24,
  /** Insert a branch to that check if it would find something, and code that adds [units] to the local counter. */
  chunkCharge: 25,
  /** Insert code that subtracts the headroom from the size on the stack [memory]. */
  subtractHeadroom: 32,
  /** Insert what stands before a counted loop, in its condition and behind it [number of the loop in the function]. */
  openCounted: 26,
  countedCondition: 27,
  closeCounted: 28,
  /** Insert the declaration of the locals that counted loops need. */
  declareTurns: 29,
  /** Insert a call of the helper that counts an object's [bytes]. */
  allocate: 30,
  /** Insert a call of the helper that counts an array's bytes by its length [logarithm of its elements' size]. */
  allocateArray: 31,
} as const;

export type EditKind = (typeof EDIT)[keyof typeof EDIT];

/** Helpers that charge by length: width of the operand on top of the stack, and what it counts. */
export const LENGTH = { bytes32: 0, bytes64: 1, entries32: 2, entries64: 3 } as const;
export const LENGTH_KINDS = 4;

/**
 * Edits of a stretch of bytes, in the order of their offsets: plain data that the analysis fills and the
 * rewriting applies. Three flat arrays, reused from function to function, since StarlingMonkey alone
 * has over a million edits. Values are 32-bit integers: doubles would be put on the heap one by one.
 */
export class EditList {
  length = 0;
  #offsets = new Uint32Array(256);
  #kinds = new Uint8Array(256);
  #values = new Int32Array(256);

  clear(): void {
    this.length = 0;
  }

  /** Appends an edit and returns its slot, for {@link set}. */
  add(offset: number, kind: EditKind, value: number): number {
    const slot = this.length++;
    if (slot === this.#offsets.length) this.#grow();
    this.#offsets[slot] = offset;
    this.#kinds[slot] = kind;
    this.#values[slot] = value;
    return slot;
  }

  set(slot: number, kind: EditKind, value: number): void {
    this.#kinds[slot] = kind;
    this.#values[slot] = value;
  }

  offset(slot: number): number {
    return this.#offsets[slot]!;
  }

  kind(slot: number): EditKind {
    return this.#kinds[slot]! as EditKind;
  }

  value(slot: number): number {
    return this.#values[slot]!;
  }

  /** First slot whose offset is not below `offset`. */
  seek(offset: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsets[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #grow(): void {
    const size = this.#offsets.length * 2;
    const offsets = new Uint32Array(size);
    const kinds = new Uint8Array(size);
    const values = new Int32Array(size);
    offsets.set(this.#offsets);
    kinds.set(this.#kinds);
    values.set(this.#values);
    this.#offsets = offsets;
    this.#kinds = kinds;
    this.#values = values;
  }
}
