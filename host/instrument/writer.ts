/** Bytes of `value` as an unsigned LEB128. */
export function lengthOfU32(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/** A part of this length is rather preceded by a padded length than moved; only sections are longer. */
const MAX_MOVED = 2 ** 20;

/** Below this many bytes a loop beats `set`. */
const SHORT = 24;

/**
 * A growing byte buffer. It starts at the size that its caller expects, so that most modules are written
 * without a single reallocation.
 */
export class ByteSink {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(expectedBytes: number) {
    this.#bytes = new Uint8Array(Math.max(expectedBytes, 64));
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes written so far; a view that later writes invalidate. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Moves what was written behind `at` to make room for `bytes`. */
  insert(at: number, bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.copyWithin(at + bytes.length, at, this.#length);
    this.#bytes.set(bytes, at);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    if (this.#length + count > this.#bytes.length) this.#grow(this.#length + count);
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, Math.ceil(this.#bytes.length * 1.5)));
    grown.set(this.written());
    this.#bytes = grown;
  }

  u8(value: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  /** A non-negative integer below 2^53 as signed LEB128, the immediate of `i64.const`. */
  s64(value: number): void {
    let rest = value;
    while (rest >= 0x40) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  list(bytes: readonly number[]): void {
    for (const byte of bytes) this.u8(byte);
  }

  copy(source: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (count <= 0) return;
    this.#reserve(count);
    if (count < SHORT) {
      const bytes = this.#bytes;
      let at = this.#length;
      for (let i = from; i < to; i++) bytes[at++] = source[i]!;
    } else {
      this.#bytes.set(source.subarray(from, to), this.#length);
    }
    this.#length += count;
  }

  /** Writes what `body` writes behind its length, as sections and names are encoded. Space is left for it as `expectedLength` needs it. */
  sized(expectedLength: number, body: () => void): void {
    let width = lengthOfU32(expectedLength);
    this.#reserve(width);
    const at = this.#length;
    const from = at + width;
    this.#length = from;
    body();
    const length = this.#length - from;
    const needed = lengthOfU32(length);
    if (needed > width || (needed < width && length < MAX_MOVED)) {
      this.#reserve(needed);
      this.#bytes.copyWithin(at + needed, from, this.#length);
      this.#length += needed - width;
      width = needed;
    }
    // LEB128 may be padded with zero groups.
    let rest = length;
    for (let i = 0; i < width - 1; i++) {
      this.#bytes[at + i] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[at + width - 1] = rest;
  }
}
