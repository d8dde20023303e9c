import { Code } from './code.ts';
import { malformed } from './failure.ts';

/**
 * Reads the primitives of the WebAssembly binary format (core specification 5.2) from the module's code, between `pos` and
 * `end`. Every read is bounds-checked and every LEB128 is held to its width, as V8 does, so that the two never disagree on where
 * an instruction ends.
 */
@final
export class Cursor {
  pos: i32 = 0;
  end: i32 = 0;

  u8(): i32 {
    if (this.pos >= this.end) malformed('unexpected end', this.pos);
    return Code.byteAt(this.pos++);
  }

  peek(): i32 {
    if (this.pos >= this.end) malformed('unexpected end', this.pos);
    return Code.byteAt(this.pos);
  }

  skip(count: i32): void {
    if (count > this.end - this.pos) malformed('unexpected end', this.pos);
    this.pos += count;
  }

  u32(): u32 {
    const at = this.pos;
    let value: u32 = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.u8();
    if (last > 0x0f) malformed('integer does not fit into 32 bits', at);
    return value | (last << 28);
  }

  /** A signed 33-bit integer: block types and heap types. Negative ones are type codes, others type indices. */
  s33(): i64 {
    const at = this.pos;
    let value: i64 = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.u8();
      value |= (<i64>(byte & 0x7f)) << (7 * i);
      if (byte >= 0x80) continue;
      if (i < 4) return byte & 0x40 ? value - ((<i64>1) << (7 * i + 7)) : value;
      // 33 bits: the fifth byte has five bits of value, the two above must repeat the sign.
      const top = byte & 0x70;
      if (top !== 0 && top !== 0x70) break;
      return top !== 0 ? value - ((<i64>1) << 35) : value;
    }
    malformed('integer does not fit into 33 bits', at);
    return 0;
  }

  skipS32(): void {
    const at = this.pos;
    for (let i = 0; i < 4; i++) if (this.u8() < 0x80) return;
    const top = this.u8() & 0xf8;
    if (top !== 0 && top !== 0x78) malformed('integer does not fit into 32 bits', at);
  }

  skipS64(): void {
    const at = this.pos;
    for (let i = 0; i < 9; i++) if (this.u8() < 0x80) return;
    const last = this.u8();
    if (last !== 0 && last !== 0x7f) malformed('integer does not fit into 64 bits', at);
  }

  skipU64(): void {
    const at = this.pos;
    for (let i = 0; i < 9; i++) if (this.u8() < 0x80) return;
    if (this.u8() > 1) malformed('integer does not fit into 64 bits', at);
  }

  /** An index below `count`, or malformed: a dangling one must not come to mean something that is appended. */
  index(count: i32, what: string): i32 {
    const at = this.pos;
    const index = this.u32();
    if (index >= <u32>count) malformed(`unknown ${what} ${index}`, at);
    return index;
  }

  /**
   * The length of a vector. An element takes at least `bytesEach` bytes, so a count that the rest of the function cannot hold
   * is refused before anything is done about it.
   */
  count(what: string, bytesEach: i32): i32 {
    const at = this.pos;
    const count = this.u32();
    if (<u64>count * <u64>bytesEach > <u64>(this.end - this.pos))
      malformed(`${count} ${what} do not fit into the input`, at);
    return count;
  }
}
