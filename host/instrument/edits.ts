/** What an edit does to a declaration (those of code are in assembly/code-edits.ts). `value` is given in brackets. */
export const EDIT = {
  /** Replace the index of a defined function [old index]. */
  functionIndex: 1,
  /** Replace the index of a defined global [old index]. */
  globalIndex: 2,
  /** Replace the indices of a vector of functions [its length]; the offset is behind the length. */
  functionIndices: 3,
  /** Replace the index of a defined function by that of its entry for the outside [old index]. */
  exportedFunction: 4,
} as const;

export type EditKind = (typeof EDIT)[keyof typeof EDIT];

/** Helpers that charge by length: width of the operand on top of the stack, and what it counts. As LengthKind of assembly/code-edits.ts. */
export const LENGTH = { bytes32: 0, bytes64: 1, entries32: 2, entries64: 3 } as const;
export const LENGTH_KINDS = 4;

/**
 * Edits of a module's declarations, in the order of their offsets: plain data that reading fills and the rewriting
 * applies. Values are 32-bit integers: doubles would be put on the heap one by one.
 */
export class EditList {
  length = 0;
  #offsets = new Uint32Array(256);
  #kinds = new Uint8Array(256);
  #values = new Int32Array(256);

  add(offset: number, kind: EditKind, value: number): void {
    const slot = this.length++;
    if (slot === this.#offsets.length) this.#grow();
    this.#offsets[slot] = offset;
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
