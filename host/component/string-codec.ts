import type { CanonicalContext } from './canonical-context.ts';
import type { Codec } from './codec.ts';
import { ComponentTrap } from './component-trap.ts';

/** CanonicalABI.md, `MAX_STRING_BYTE_LENGTH`, `MAX_LIST_BYTE_LENGTH`. */
export const MAX_BYTE_LENGTH: number = 2 ** 28 - 1;
/** Says of a latin1+utf16 string that it is UTF-16. */
const UTF16_TAG = 0x8000_0000;

/**
 * TextDecoder and encodeInto took 0.25 and 0.2 µs for 20 bytes, 1.9 and 0.8 µs for 10,000; Buffer's `utf8Slice` decodes
 * short strings in half of that, but replaces what is not UTF-8 instead of refusing it.
 */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const UTF16 = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

/**
 * What goes through C++ runs through some kilobytes of code for a few characters: 1 to 2 µs in a host, whose caches other code has filled. A loop
 * over characters that are ASCII, as nearly all are, takes a quarter of that. Text that is put together from more than 12 characters would be
 * flattened by whoever reads it, in C++ again.
 */
const SHORT_DECODED = 12;
const SHORT_ENCODED = 32;

/** The text of bytes that are all ASCII, or undefined. */
function decodeAscii(bytes: Uint8Array, from: number, to: number): string | undefined {
  let text = '';
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

function isShortAscii(value: string): boolean {
  if (value.length > SHORT_ENCODED) return false;
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) >= 0x80) return false;
  return true;
}

/** CanonicalABI.md, `load_string_from_range`. `length` is tagged, in code units. */
export function loadString(context: CanonicalContext, pointer: number, length: number): string {
  switch (context.encoding) {
    case 'utf8':
      return decode(context, UTF8, pointer, length, 1);
    case 'utf16':
      return decode(context, UTF16, pointer, length * 2, 2);
    case 'latin1+utf16':
      return length >= UTF16_TAG
        ? decode(context, UTF16, pointer, (length - UTF16_TAG) * 2, 2)
        : loadLatin1(context, pointer, length);
  }
}

function checkString(
  context: CanonicalContext,
  pointer: number,
  byteLength: number,
  alignment: number,
): void {
  if (byteLength > MAX_BYTE_LENGTH) throw new ComponentTrap('the string is too long');
  context.checkRange(pointer, alignment, byteLength);
  context.liftLength(byteLength, byteLength);
}

function decode(
  context: CanonicalContext,
  decoder: TextDecoder,
  pointer: number,
  byteLength: number,
  alignment: number,
): string {
  checkString(context, pointer, byteLength, alignment);
  if (byteLength === 0) return '';
  if (decoder === UTF8 && byteLength <= SHORT_DECODED) {
    const text = decodeAscii(context.bytes, pointer, pointer + byteLength);
    if (text !== undefined) return text;
  }
  try {
    return decoder.decode(context.bytes.subarray(pointer, pointer + byteLength));
  } catch (cause) {
    throw new ComponentTrap(`the string is not ${decoder.encoding}`, { cause });
  }
}

function loadLatin1(context: CanonicalContext, pointer: number, byteLength: number): string {
  checkString(context, pointer, byteLength, 2);
  return Buffer.from(context.bytes.buffer, pointer, byteLength).toString('latin1');
}

/**
 * CanonicalABI.md, `store_string_into_range`; gives the tagged length at once. The host's strings have no encoding of
 * their own, so their length is known before and one allocation does.
 */
export function storeString(context: CanonicalContext, value: string): readonly [number, number] {
  if (typeof value !== 'string') throw new TypeError('not a string');
  switch (context.encoding) {
    case 'utf8':
      return storeUtf8(context, value);
    case 'utf16':
      return [storeUtf16(context, value), value.length];
    case 'latin1+utf16': {
      if (!/^[\0-\xff]*$/.test(value)) return [storeUtf16(context, value), value.length + UTF16_TAG];
      const pointer = allocate(context, 2, value.length);
      const { bytes } = context;
      for (let i = 0; i < value.length; i++) bytes[pointer + i] = value.charCodeAt(i);
      return [pointer, value.length];
    }
  }
}

function allocate(context: CanonicalContext, alignment: number, byteLength: number): number {
  if (byteLength > MAX_BYTE_LENGTH) throw new ComponentTrap('the string is too long');
  context.lowerLength(byteLength);
  return context.allocate(alignment, byteLength);
}

function storeUtf8(context: CanonicalContext, value: string): readonly [number, number] {
  if (isShortAscii(value)) {
    const at = allocate(context, 1, value.length);
    const { bytes } = context;
    for (let i = 0; i < value.length; i++) bytes[at + i] = value.charCodeAt(i);
    return [at, value.length];
  }
  const byteLength = Buffer.byteLength(value);
  const pointer = allocate(context, 1, byteLength);
  if (byteLength > 0) ENCODER.encodeInto(value, context.bytes.subarray(pointer, pointer + byteLength));
  return [pointer, byteLength];
}

/** A lone surrogate is none of a component's characters: it becomes U+FFFD, as `encodeInto` writes it. */
function storeUtf16(context: CanonicalContext, value: string): number {
  const text = value.isWellFormed() ? value : value.toWellFormed();
  const pointer = allocate(context, 2, text.length * 2);
  const units = new Uint16Array(context.bytes.buffer, pointer, text.length);
  for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
  return pointer;
}

export const STRING_CODEC: Codec = {
  size: 8,
  alignment: 4,
  flat: ['i32', 'i32'],
  load: (context, pointer) =>
    loadString(context, context.view.getUint32(pointer, true), context.view.getUint32(pointer + 4, true)),
  store(context, value, pointer) {
    const [begin, length] = storeString(context, value as string);
    context.view.setUint32(pointer, begin, true);
    context.view.setUint32(pointer + 4, length, true);
  },
  liftFlat: (context, values, at) =>
    loadString(context, (values[at] as number) >>> 0, (values[at + 1] as number) >>> 0),
  lowerFlat(context, value, into) {
    const [begin, length] = storeString(context, value as string);
    into.push(begin | 0, length | 0);
  },
};
