/** Protocol Buffers, written at once into one buffer: the parts of a span that differ from one to the next. Whoever writes sees to it that there is room. */
import { attributeField, bytesField, stringField } from './otlp-fields.ts';

/** Of a Span: its attributes. */
const ATTRIBUTES = 9;
const UUID_LENGTH = 36;
const TWO_32 = 2 ** 32;

export class OtlpBytes {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #at = 0;

  constructor(capacityBytes: number) {
    this.#bytes = Buffer.alloc(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset);
  }

  /** An attribute whose value is a UUID as text, up to that text. */
  static uuidAttribute(key: string): Uint8Array {
    return attributeField(ATTRIBUTES, [key, ' '.repeat(UUID_LENGTH)]).subarray(0, -UUID_LENGTH);
  }

  /** An attribute whose value is a number, up to that: for {@link int}. */
  static intAttribute(key: string): Uint8Array {
    return attributeField(ATTRIBUTES, [key, 0]).subarray(0, -1);
  }

  static varintLength(value: number): number {
    let length = 1;
    for (let bound = 0x80; value >= bound; bound *= 0x80) length++;
    return length;
  }

  get length(): number {
    return this.#at;
  }

  /** What has been written, in memory of its own; the buffer is empty then. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#at);
    bytes.set(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return bytes;
  }

  copy(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Up to some thirty bytes are sooner copied one by one than handed to `set`. */
  copyShort(bytes: Uint8Array): void {
    const to = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < bytes.length; i++) to[at++] = bytes[i]!;
    this.#at = at;
  }

  copyPart(from: Uint8Array, start: number, length: number): void {
    const to = this.#bytes;
    const at = this.#at;
    for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
    this.#at = at + length;
  }

  /** Writes once more what lies between two lengths; gives where it begins. */
  repeat(start: number, end: number): number {
    const at = this.#at;
    this.#bytes.copyWithin(at, start, end);
    this.#at = at + end - start;
    return at;
  }

  /** What is written next is written there, over what was. */
  moveTo(at: number): void {
    this.#at = at;
  }

  /** Each field number that is written here takes one byte with its wire type, but those from 16 on. */
  beginMessage(field: number): number {
    this.#bytes[this.#at++] = field * 8 + 2;
    // A span has 128 to 16,383 bytes, as a rule.
    this.#at += 2;
    return this.#at;
  }

  /** @param start what `beginMessage` gave; what has been written since is at most 16,383 bytes */
  endMessage(start: number): void {
    const length = this.#at - start;
    if (length >= 0x80) {
      this.#bytes[start - 2] = (length & 0x7f) | 0x80;
      this.#bytes[start - 1] = length >>> 7;
      return;
    }
    this.#bytes[start - 2] = length;
    this.#bytes.copyWithin(start - 1, start, this.#at);
    this.#at--;
  }

  /** An id of a trace or a span, which lies somewhere in `from`. */
  id(field: number, from: Uint8Array, start: number, length: number): void {
    this.#bytes[this.#at++] = field * 8 + 2;
    this.#bytes[this.#at++] = length;
    this.copyPart(from, start, length);
  }

  /** Nanoseconds since the epoch, as the SDK's `millisToHrTime` rounds them: 64 bits, of which a number holds 53. */
  time(field: number, epochMs: number): void {
    const seconds = Math.trunc(epochMs / 1_000);
    const nanos = Math.round((epochMs % 1_000) * 1e6);
    const upper = Math.trunc(seconds / 0x1_00_00) * 1e9;
    const low = (seconds % 0x1_00_00) * 1e9 + (upper % 0x1_00_00) * 0x1_00_00 + nanos;
    const high = Math.trunc(upper / 0x1_00_00) + Math.trunc(low / TWO_32);
    this.#bytes[this.#at] = field * 8 + 1;
    this.#view.setUint32(this.#at + 1, low % TWO_32, true);
    this.#view.setUint32(this.#at + 5, high, true);
    this.#at += 9;
  }

  /** @param field from 16 on */
  fixed32(field: number, value: number): void {
    this.varint(field * 8 + 5);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /**
   * @param attribute what {@link OtlpBytes.intAttribute} gave
   * @param value a whole number of at least 0
   */
  int(attribute: Uint8Array, value: number): void {
    const start = this.#at;
    this.copyShort(attribute);
    const valueAt = this.#at;
    this.varint(value);
    const more = this.#at - valueAt - 1;
    if (more === 0) return;
    // Both lengths were those of a value of one byte.
    const bytes = this.#bytes;
    bytes[start + 1] = bytes[start + 1]! + more;
    bytes[valueAt - 2] = bytes[valueAt - 2]! + more;
  }

  stringAttribute(key: string, value: string): void {
    if (isShortAscii(key, value)) {
      const bytes = this.#bytes;
      let at = this.#at;
      bytes[at++] = ATTRIBUTES * 8 + 2;
      bytes[at++] = key.length + value.length + 6;
      bytes[at++] = 1 * 8 + 2;
      bytes[at++] = key.length;
      for (let i = 0; i < key.length; i++) bytes[at++] = key.charCodeAt(i);
      bytes[at++] = 2 * 8 + 2;
      bytes[at++] = value.length + 2;
      bytes[at++] = 1 * 8 + 2;
      bytes[at++] = value.length;
      for (let i = 0; i < value.length; i++) bytes[at++] = value.charCodeAt(i);
      this.#at = at;
    } else this.copy(bytesField(ATTRIBUTES, stringField(1, key), bytesField(2, stringField(1, value))));
  }

  varint(value: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    let rest = value;
    for (; rest > 0x7f_ff_ff_ff; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
    for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    this.#at = at;
  }
}

/** Whether each length in its attribute is one byte. */
function isShortAscii(key: string, value: string): boolean {
  if (key.length + value.length > 0x7f - 6) return false;
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) >= 0x80) return false;
  return true;
}
