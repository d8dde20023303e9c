/**
 * What instructions without effect on control take and give. `a` is an address: i32, or i64 for a memory of 64
 * bits. Those absent here are executed by the machine itself.
 */
import { FC, FD } from './instruction.ts';

export type Operand = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'a';

export interface Signature {
  readonly takes: readonly Operand[];
  readonly gives: Operand | undefined;
}

const SIGNATURES = new Map<number, Signature>();

/** `signature` as `i32 i32 -> i64`, for all opcodes of the range. */
function range(from: number, to: number, signature: string, base = 0): void {
  const [left = '', right = ''] = signature.split('->');
  const takes = left.trim().split(' ').filter(Boolean) as Operand[];
  const gives = right.trim() === '' ? undefined : (right.trim() as Operand);
  for (let op = from; op <= to; op++) SIGNATURES.set(base + op, { takes, gives });
}

const vector = (from: number, to: number, signature: string): void => range(from, to, signature, FD);
const VECTOR_UNARY = 'v128 -> v128';
const VECTOR_BINARY = 'v128 v128 -> v128';

range(0x28, 0x28, 'a -> i32');
range(0x29, 0x29, 'a -> i64');
range(0x2a, 0x2a, 'a -> f32');
range(0x2b, 0x2b, 'a -> f64');
range(0x2c, 0x2f, 'a -> i32');
range(0x30, 0x35, 'a -> i64');
range(0x36, 0x36, 'a i32 ->');
range(0x37, 0x37, 'a i64 ->');
range(0x38, 0x38, 'a f32 ->');
range(0x39, 0x39, 'a f64 ->');
range(0x3a, 0x3b, 'a i32 ->');
range(0x3c, 0x3e, 'a i64 ->');
range(0x45, 0x45, 'i32 -> i32');
range(0x46, 0x4f, 'i32 i32 -> i32');
range(0x50, 0x50, 'i64 -> i32');
range(0x51, 0x5a, 'i64 i64 -> i32');
range(0x5b, 0x60, 'f32 f32 -> i32');
range(0x61, 0x66, 'f64 f64 -> i32');
range(0x67, 0x69, 'i32 -> i32');
range(0x6a, 0x78, 'i32 i32 -> i32');
range(0x79, 0x7b, 'i64 -> i64');
range(0x7c, 0x8a, 'i64 i64 -> i64');
range(0x8b, 0x91, 'f32 -> f32');
range(0x92, 0x98, 'f32 f32 -> f32');
range(0x99, 0x9f, 'f64 -> f64');
range(0xa0, 0xa6, 'f64 f64 -> f64');
range(0xa7, 0xa7, 'i64 -> i32');
range(0xa8, 0xa9, 'f32 -> i32');
range(0xaa, 0xab, 'f64 -> i32');
range(0xac, 0xad, 'i32 -> i64');
range(0xae, 0xaf, 'f32 -> i64');
range(0xb0, 0xb1, 'f64 -> i64');
range(0xb2, 0xb3, 'i32 -> f32');
range(0xb4, 0xb5, 'i64 -> f32');
range(0xb6, 0xb6, 'f64 -> f32');
range(0xb7, 0xb8, 'i32 -> f64');
range(0xb9, 0xba, 'i64 -> f64');
range(0xbb, 0xbb, 'f32 -> f64');
range(0xbc, 0xbc, 'f32 -> i32');
range(0xbd, 0xbd, 'f64 -> i64');
range(0xbe, 0xbe, 'i32 -> f32');
range(0xbf, 0xbf, 'i64 -> f64');
range(0xc0, 0xc1, 'i32 -> i32');
range(0xc2, 0xc4, 'i64 -> i64');
range(0, 1, 'f32 -> i32', FC);
range(2, 3, 'f64 -> i32', FC);
range(4, 5, 'f32 -> i64', FC);
range(6, 7, 'f64 -> i64', FC);

vector(13, 255, VECTOR_BINARY);
vector(0, 10, 'a -> v128');
vector(11, 11, 'a v128 ->');
vector(15, 17, 'i32 -> v128');
vector(18, 18, 'i64 -> v128');
vector(19, 19, 'f32 -> v128');
vector(20, 20, 'f64 -> v128');
for (const extract of [21, 22, 24, 25, 27]) vector(extract, extract, 'v128 -> i32');
for (const replace of [23, 26, 28]) vector(replace, replace, 'v128 i32 -> v128');
vector(29, 29, 'v128 -> i64');
vector(30, 30, 'v128 i64 -> v128');
vector(31, 31, 'v128 -> f32');
vector(32, 32, 'v128 f32 -> v128');
vector(33, 33, 'v128 -> f64');
vector(34, 34, 'v128 f64 -> v128');
vector(82, 82, 'v128 v128 v128 -> v128');
vector(84, 87, 'a v128 -> v128');
vector(88, 91, 'a v128 ->');
vector(92, 93, 'a -> v128');
for (const test of [83, 99, 100, 131, 132, 163, 164, 195, 196]) vector(test, test, 'v128 -> i32');
for (const shift of [107, 139, 171, 203]) vector(shift, shift + 2, 'v128 i32 -> v128');
for (const [from, to] of [
  [77, 77], // not
  [94, 98], // demote, promote, abs, neg, popcnt
  [103, 106], // f32x4 rounding
  [116, 117], // f64x2 rounding
  [122, 122],
  [124, 129], // pairwise additions, abs, neg
  [135, 138], // extend
  [148, 148], // f64x2.nearest
  [160, 161],
  [167, 170],
  [192, 193],
  [199, 202],
  [224, 225], // f32x4 abs, neg, sqrt
  [227, 227],
  [236, 237], // f64x2 abs, neg, sqrt
  [239, 239],
  [248, 255], // conversions
] as const)
  vector(from, to, VECTOR_UNARY);

export function signatureOf(op: number): Signature | undefined {
  return SIGNATURES.get(op);
}
