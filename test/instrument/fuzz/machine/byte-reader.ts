/** Reads the numbers of WebAssembly's binary form. For modules that the engine has found valid: nothing is checked. */
export class ByteReader {
  readonly bytes: Uint8Array;
  pos: number;

  constructor(bytes: Uint8Array, pos = 0) {
    this.bytes = bytes;
    this.pos = pos;
  }

  u8(): number {
    return this.bytes[this.pos++]!;
  }

  u64(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  u32(): number {
    return Number(this.u64());
  }

  signed(bits: number): bigint {
    let value = 0n;
    for (let shift = 0n; ; ) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) return BigInt.asIntN(bits, BigInt.asIntN(Number(shift), value));
    }
  }

  slice(length: number): Uint8Array {
    this.pos += length;
    return this.bytes.subarray(this.pos - length, this.pos);
  }

  name(): string {
    return new TextDecoder().decode(this.slice(this.u32()));
  }

  list<T>(read: (index: number) => T): T[] {
    return Array.from({ length: this.u32() }, (_, i) => read(i));
  }
}
