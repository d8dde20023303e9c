/** `crypto.getRandomValues`, `crypto.randomUUID` and a `Math.random` that differs between invocations. */
import { getRandomBytes } from 'wasi:random/random@0.2.12';
import { requireServing } from './phase.ts';

/** The bound of the Web Cryptography API. */
const MAX_BYTES = 65_536;

function getRandomValues<T extends ArrayBufferView>(array: T): T {
  requireServing('crypto.getRandomValues');
  if (array.byteLength > MAX_BYTES)
    throw new RangeError(`${array.byteLength} bytes were asked for; at most ${MAX_BYTES} at once`);
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(getRandomBytes(array.byteLength));
  return array;
}

function randomUUID(): string {
  requireServing('crypto.randomUUID');
  const bytes = getRandomBytes(16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

export const crypto = { getRandomValues, randomUUID };

/** xorshift128 state; QuickJS seeds its own generator once, when the component is built, so every invocation would repeat it. */
let state: Uint32Array | undefined;

export function random(): number {
  requireServing('Math.random');
  state ??= new Uint32Array(getRandomBytes(16).slice().buffer);
  const next = (): number => {
    const s = state as Uint32Array;
    let t = s[3] as number;
    t ^= t << 11;
    t ^= t >>> 8;
    s[3] = s[2] as number;
    s[2] = s[1] as number;
    s[1] = s[0] as number;
    s[0] = t ^ (s[1] as number) ^ ((s[1] as number) >>> 19);
    return s[0] as number;
  };
  return (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
}
