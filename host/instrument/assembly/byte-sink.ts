import { Bytes } from './arrays.ts';

/** Bytes that are written, and copied, at once. */
const WORD = 8;
/** Longer runs are left to the engine's own copy, which is a call; any bound from 64 to 512 does as well. */
const MAX_RUN = 256;
/** A body of this length is rather preceded by a padded length than moved. */
const MAX_MOVED = 1 << 20;
const I64_CONST = 0x42;

/** Bytes of `value` as an unsigned LEB128. */
function lengthOfU32(value: u32): i32 {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/**
 * A growing byte buffer. It starts at the size that its caller expects, so that most of what it takes is written without a
 * single reallocation.
 *
 * Invariant: behind what was written there is room for a word. So whatever is no longer than that is written without a look
 * first, and then makes room for the next; and runs are copied by words, of which the last may be too long, also out of a sink.
 */
@final
export class ByteSink {
  private bytes: Bytes;
  /** Where in memory the next byte goes, and the last place at which a word still has room. */
  private end: usize = 0;
  private limit: usize = 0;

  constructor(expectedBytes: i32) {
    this.bytes = Bytes.of(max(expectedBytes, 64) + WORD);
    this.end = this.bytes.start;
    this.limit = this.end + this.bytes.length - WORD;
  }

  /** Where in memory the bytes written so far start; later writes may move them. */
  get start(): usize {
    return this.bytes.start;
  }

  @inline
  get length(): i32 {
    return <i32>(this.end - this.bytes.start);
  }

  clear(): void {
    this.end = this.bytes.start;
  }

  @inline
  u8(value: i32): void {
    store<u8>(this.end, value);
    this.advance(1);
  }

  /** The lowest `count` bytes of a word, the lowest first. */
  @inline
  word(value: u64, count: i32): void {
    store<u64>(this.end, value);
    this.advance(count);
  }

  u32(value: u32): void {
    if (value < 0x80) {
      this.u8(value);
      return;
    }
    let rest = value;
    let word: u64 = 0;
    let bits = 0;
    for (; rest >= 0x80; rest >>>= 7, bits += 8) word |= (<u64>((rest & 0x7f) | 0x80)) << bits;
    this.word(word | ((<u64>rest) << bits), (bits >> 3) + 1);
  }

  /** A signed integer, the immediate of `i32.const` and of `i64.const`. */
  signed(value: i32): void {
    let rest = value;
    let word: u64 = 0;
    let bits = 0;
    for (; rest >= 0x40 || rest < -0x40; rest >>= 7, bits += 8) word |= (<u64>((rest & 0x7f) | 0x80)) << bits;
    this.word(word | ((<u64>(rest & 0x7f)) << bits), (bits >> 3) + 1);
  }

  i64Const(value: i32): void {
    this.u8(I64_CONST);
    this.signed(value);
  }

  /** One byte and an index, as most instructions of metering are. */
  instruction(opcode: i32, index: u32): void {
    if (index < 0x80) {
      this.word(opcode | (index << 8), 2);
    } else if (index < 0x4000) {
      this.word(opcode | (((index & 0x7f) | 0x80) << 8) | ((index >>> 7) << 16), 3);
    } else {
      this.u8(opcode);
      this.u32(index);
    }
  }

  /** Copies all that was written to another one. */
  append(other: ByteSink): void {
    this.copy(other.start, other.length);
  }

  /**
   * Copies the `count` bytes at the address `source`: mostly runs of code between two edits, 11 bytes in the mean. At the last of
   * them a word can be read.
   */
  copy(source: usize, count: i32): void {
    if (count <= 0) return;
    const to = this.end;
    if (to + count > this.limit) {
      this.grow(count);
      this.copy(source, count);
      return;
    }
    if (count > MAX_RUN) memory.copy(to, source, count);
    else for (let i = 0; i < count; i += WORD) store<u64>(to + i, load<u64>(source + i));
    this.end = to + count;
  }

  /** Replaces a byte that was written, `back` before the end. */
  @inline
  patch(back: i32, value: i32): void {
    store<u8>(this.end - back, value);
  }

  /**
   * Leaves space for a length as `expectedLength` needs it, as function bodies are encoded, and returns where what has that length
   * starts.
   */
  open(expectedLength: i32): i32 {
    this.advance(lengthOfU32(expectedLength));
    return this.length;
  }

  /**
   * Fills in the length of what was written since `open` returned `from`; if it needs other space, what was written is moved.
   * Returns that length.
   */
  close(from: i32, expectedLength: i32): i32 {
    let width = lengthOfU32(expectedLength);
    const length = this.length - from;
    const needed = lengthOfU32(length);
    const at = this.bytes.start + from - width;
    if (needed > width || (needed < width && length < MAX_MOVED)) {
      memory.copy(at + needed, at + width, length);
      this.end = at + needed + length;
      width = needed;
    }
    // LEB128 may be padded with zero groups.
    let rest = length;
    for (let i = 0; i < width - 1; i++) {
      store<u8>(at + i, (rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    store<u8>(at + width - 1, rest);
    // What was moved may have taken up the room behind it.
    this.advance(0);
    return length;
  }

  @inline
  private advance(count: i32): void {
    this.end += count;
    if (this.end > this.limit) this.grow(WORD);
  }

  /** Makes room for `count` bytes, and a word behind them. */
  private grow(count: i32): void {
    const length = this.length;
    this.bytes = Bytes.grown(this.bytes, length + count + WORD);
    this.end = this.bytes.start + length;
    this.limit = this.bytes.start + this.bytes.length - WORD;
  }
}
