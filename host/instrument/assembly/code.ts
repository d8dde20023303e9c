/** Reading a word at the last byte reads that many behind it. */
const SPARE_BYTES = 16;

/**
 * The module's code, as far as it lies in memory at the moment: a window of whole function bodies, addressed by their offsets in
 * the module. So the module need not be held twice.
 */
export class Code {
  /** Where the module's first byte would be. */
  private static origin: usize = 0;
  private static window: usize = 0;
  private static capacity: i32 = 0;

  /** Forgets the window's memory, which has been given to others. */
  static forget(): void {
    Code.window = 0;
    Code.capacity = 0;
  }

  /** Makes a window for `bytes` bytes of the module from `from` on. Returns where in memory they belong. */
  static open(from: i32, bytes: i32): usize {
    if (bytes > Code.capacity) {
      Code.capacity = bytes;
      Code.window = heap.alloc(bytes + SPARE_BYTES);
    }
    memory.fill(Code.window + bytes, 0, SPARE_BYTES);
    Code.origin = Code.window - from;
    return Code.window;
  }

  @inline
  static byteAt(at: i32): i32 {
    return load<u8>(Code.origin + at);
  }

  /** Four bytes, the lowest first. */
  @inline
  static wordAt(at: i32): i32 {
    return load<i32>(Code.origin + at);
  }

  /** Where in memory the byte at `at` is. */
  @inline
  static addressOf(at: i32): usize {
    return Code.origin + at;
  }

  /** Where the integer in LEB128 ends that starts at `at`. */
  static behindInteger(at: i32): i32 {
    let last = at;
    while (Code.byteAt(last) >= 0x80) last++;
    return last + 1;
  }

  /** An unsigned integer in LEB128 that has been read before, and so is known to be one of 32 bits. */
  static integerAt(at: i32): i32 {
    let last = at;
    let byte = Code.byteAt(last);
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = Code.byteAt(++last);
      value |= (byte & 0x7f) << shift;
    }
    return value;
  }
}
