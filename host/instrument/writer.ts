/** Bytes of `value` as an unsigned LEB128. */
export function lengthOfU32(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/** A part of this length is rather preceded by a padded length than moved; only sections are longer. */
const MAX_MOVED = 2 ** 20;

/** Below this many bytes a loop beats `set`. */
const SHORT = 24;
const MAX_RUN = 256;
const WORD = 4;
const I64_CONST = 0x42;

/**
 * A growing byte buffer. It starts at the size that its caller expects, so that most modules are written
 * without a single reallocation.
 */
export class ByteSink {
  #bytes: Uint8Array<ArrayBuffer>;
  /** Of the same buffer. */
  #view: DataView<ArrayBuffer>;
  /** What runs were copied from last, and up to where words can be read of it. */
  #source: DataView | undefined;
  #sourceEnd = 0;
  #length = 0;

  constructor(expectedBytes: number) {
    this.#bytes = new Uint8Array(Math.max(expectedBytes, 64));
    this.#view = new DataView(this.#bytes.buffer);
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

  clear(): void {
    this.#length = 0;
  }

  #reserve(count: number): void {
    if (this.#length + count > this.#bytes.length) this.#grow(this.#length + count);
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, Math.ceil(this.#bytes.length * 1.5)));
    grown.set(this.written());
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  u8(value: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** The lowest `count` bytes of a word, the lowest first. */
  word(value: number, count: number): void {
    if (this.#length + WORD > this.#bytes.length) this.#reserve(WORD);
    this.#view.setInt32(this.#length, value, true);
    this.#length += count;
  }

  u32(value: number): void {
    if (value < 0x80) {
      this.u8(value);
      return;
    }
    if (value < 0x20_0000) {
      const low = (value & 0x7f) | 0x80;
      if (value < 0x4000) this.word(low | ((value >>> 7) << 8), 2);
      else this.word(low | (((value >>> 7) & 0x7f) << 8) | 0x8000 | ((value >>> 14) << 16), 3);
      return;
    }
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

  /** A signed 32-bit integer, the immediate of `i32.const`. */
  s32(value: number): void {
    let rest = value;
    while (rest >= 0x40 || rest < -0x40) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.u8(rest & 0x7f);
  }

  /** `i64.const` of a non-negative integer below 2^53. */
  i64Const(value: number): void {
    if (value >= 0x40) {
      this.u8(I64_CONST);
      this.s64(value);
    } else this.instruction(I64_CONST, value);
  }

  list(bytes: readonly number[]): void {
    for (const byte of bytes) this.u8(byte);
  }

  /** Copies all that another one has written. */
  append(other: ByteSink): void {
    this.copy(other.#bytes, 0, other.#length);
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

  /**
   * The same of short runs, as they stand between two edits, 11 bytes in the mean: by words, of which the last may be
   * too long, where byte by byte takes twice as long, and `set` makes an object each time.
   */
  copyRun(source: DataView, from: number, to: number): void {
    const count = to - from;
    if (count <= 0) return;
    this.#reserve(count + WORD);
    const end = this.#length + count;
    // Asking a view for its length is a call.
    if (count > MAX_RUN || to > this.#sourceEnd || source !== this.#source) {
      this.#remember(source);
      this.#bytes.set(new Uint8Array(source.buffer, source.byteOffset + from, count), this.#length);
    } else {
      const view = this.#view;
      let at = this.#length;
      for (let i = from; at < end; i += WORD, at += WORD) view.setInt32(at, source.getInt32(i, true), true);
    }
    this.#length = end;
  }

  #remember(source: DataView): void {
    this.#source = source;
    this.#sourceEnd = source.byteLength - WORD;
  }

  /** One byte and an index, as most instructions of metering are. */
  instruction(opcode: number, index: number): void {
    if (index < 0x80) {
      this.word(opcode | (index << 8), 2);
      return;
    }
    this.u8(opcode);
    this.u32(index);
  }

  /** Replaces a byte that was written, `back` before the end. */
  patch(back: number, value: number): void {
    this.#bytes[this.#length - back] = value;
  }

  /** Writes what `body` writes behind its length, as sections, function bodies and names are encoded. Returns that length. */
  sized(expectedLength: number, body: () => void): number {
    const from = this.open(expectedLength);
    body();
    return this.close(from, expectedLength);
  }

  /**
   * The same in two calls, for the bodies of functions: a closure for each of ten thousand is a megabyte of garbage. Leaves
   * space for a length as `expectedLength` needs it, and returns where what has that length starts.
   */
  open(expectedLength: number): number {
    const width = lengthOfU32(expectedLength);
    this.#reserve(width);
    this.#length += width;
    return this.#length;
  }

  /** Fills in the length of what was written since `open` returned `from`; if it needs other space, what was written is moved. */
  close(from: number, expectedLength: number): number {
    let width = lengthOfU32(expectedLength);
    const at = from - width;
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
    return length;
  }
}
