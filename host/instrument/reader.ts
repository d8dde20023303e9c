import { InstrumentError } from './error.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the primitives of the WebAssembly binary format (core specification 5.2; components share them) from
 * `bytes[pos..end)`. Every read is bounds-checked and every LEB128 is held to its width, as V8 does, so that
 * the two never disagree on where an instruction ends. Throws `InstrumentError('malformed')`.
 */
export class Cursor {
  readonly bytes: Uint8Array;
  pos: number;
  end: number;

  constructor(bytes: Uint8Array, pos = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.pos;
  }

  fail(what: string, at: number = this.pos): never {
    throw new InstrumentError('malformed', what, at);
  }

  u8(): number {
    if (this.pos >= this.end) this.fail('unexpected end');
    return this.bytes[this.pos++]!;
  }

  peek(): number {
    if (this.pos >= this.end) this.fail('unexpected end');
    return this.bytes[this.pos]!;
  }

  skip(count: number): void {
    if (count > this.end - this.pos) this.fail('unexpected end');
    this.pos += count;
  }

  u32(): number {
    // Nearly all immediates are one byte long.
    if (this.pos < this.end) {
      const first = this.bytes[this.pos]!;
      if (first < 0x80) {
        this.pos++;
        return first;
      }
    }
    return this.#longU32();
  }

  #longU32(): number {
    const at = this.pos;
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.u8();
    if (last > 0x0f) this.fail('integer does not fit into 32 bits', at);
    return (value | (last << 28)) >>> 0;
  }

  /** An unsigned 64-bit integer; above 2^53 it is rounded, which is enough to compare it with a bound. */
  u64(): number {
    const at = this.pos;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 9; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    const last = this.u8();
    if (last > 1) this.fail('integer does not fit into 64 bits', at);
    return value + last * scale;
  }

  /** A signed 33-bit integer: block types and heap types. Negative ones are type codes, others type indices. */
  s33(): number {
    const at = this.pos;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) {
        if (i < 4) return byte & 0x40 ? value - scale : value;
        // 33 bits: the fifth byte has five bits of value, the two above must repeat the sign.
        const top = byte & 0x70;
        if (top !== 0 && top !== 0x70) break;
        return top ? value - scale : value;
      }
    }
    return this.fail('integer does not fit into 33 bits', at);
  }

  skipS32(): void {
    const at = this.pos;
    for (let i = 0; i < 4; i++) if (this.u8() < 0x80) return;
    const top = this.u8() & 0xf8;
    if (top !== 0 && top !== 0x78) this.fail('integer does not fit into 32 bits', at);
  }

  skipS64(): void {
    const at = this.pos;
    for (let i = 0; i < 9; i++) if (this.u8() < 0x80) return;
    const last = this.u8();
    if (last !== 0 && last !== 0x7f) this.fail('integer does not fit into 64 bits', at);
  }

  skipU64(): void {
    const at = this.pos;
    for (let i = 0; i < 9; i++) if (this.u8() < 0x80) return;
    if (this.u8() > 1) this.fail('integer does not fit into 64 bits', at);
  }

  /**
   * The length of a vector. An element takes at least `minBytesEach` bytes, so a count that the rest of the
   * input cannot hold is refused before anything is allocated for it.
   */
  count(what: string, minBytesEach = 1): number {
    const at = this.pos;
    const count = this.u32();
    if (count * minBytesEach > this.end - this.pos)
      this.fail(`${count} ${what} do not fit into the input`, at);
    return count;
  }

  skipName(): void {
    this.skip(this.count('bytes of a name'));
  }

  name(): string {
    const length = this.count('bytes of a name');
    const at = this.pos;
    this.pos += length;
    try {
      return utf8.decode(this.bytes.subarray(at, this.pos));
    } catch {
      return this.fail('name is not UTF-8', at);
    }
  }
}
