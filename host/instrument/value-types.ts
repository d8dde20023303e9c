import { InstrumentError } from './error.ts';
import type { FeatureSet } from './features.ts';
import type { Cursor } from './reader.ts';

const SHARED = 0x65;
const EXACT = 0x62;
const REF = 0x64;
const REF_NULL = 0x63;
const V128 = 0x7b;
const EMPTY_BLOCK = 0x40;

/** i32, i64, f32, f64. */
function isNumber(code: number): boolean {
  return code >= 0x7c && code <= 0x7f;
}

/** Abstract heap types, which are also the short forms of their nullable references: exn (0x69) to noexn (0x74). */
function isAbstractHeap(code: number): boolean {
  return code >= 0x69 && code <= 0x74;
}

function refuse(cursor: Cursor, code: number, at: number): never {
  if (code === SHARED) throw new InstrumentError('unsupported', 'shared reference types', at);
  if (code === EXACT) throw new InstrumentError('unsupported', 'exact reference types', at);
  return cursor.fail(`unknown type 0x${code.toString(16)}`, at);
}

function noteAbstract(code: number, features: FeatureSet): void {
  if (code === 0x6f || code === 0x70) features.add('reference-types');
  else if (code === 0x69 || code === 0x74) features.add('exceptions');
  else features.add('gc');
}

/** A heap type: an abstract one or a type index (core specification 5.3.3). */
export function skipHeapType(cursor: Cursor, features: FeatureSet): void {
  const at = cursor.pos;
  const type = cursor.s33();
  if (type >= 0) {
    features.add('function-references');
    return;
  }
  const code = type + 0x80;
  if (!isAbstractHeap(code)) refuse(cursor, code, at);
  noteAbstract(code, features);
}

/** The rest of a value type whose first byte `code` has been read. */
function finishValueType(cursor: Cursor, features: FeatureSet, code: number, at: number): void {
  if (isNumber(code)) return;
  if (code === V128) features.add('simd');
  else if (code === REF || code === REF_NULL) {
    features.add('function-references');
    skipHeapType(cursor, features);
  } else if (isAbstractHeap(code)) noteAbstract(code, features);
  else refuse(cursor, code, at);
}

export function skipValueType(cursor: Cursor, features: FeatureSet): void {
  const at = cursor.pos;
  finishValueType(cursor, features, cursor.u8(), at);
}

/** A field of a struct or array: a value type or i8 (0x78) or i16 (0x77), and whether it is mutable. */
export function skipFieldType(cursor: Cursor, features: FeatureSet): void {
  const at = cursor.pos;
  const code = cursor.u8();
  if (code !== 0x78 && code !== 0x77) finishValueType(cursor, features, code, at);
  skipMutability(cursor);
}

export function skipMutability(cursor: Cursor): void {
  const at = cursor.pos;
  const flag = cursor.u8();
  if (flag & 0x02) throw new InstrumentError('unsupported', 'shared globals', at);
  if (flag > 1) cursor.fail('mutability is neither 0 nor 1', at);
}

/** A block type: empty, a value type or the index of a function type. */
export function skipBlockType(cursor: Cursor, features: FeatureSet, typeCount: number): void {
  const at = cursor.pos;
  const code = cursor.peek();
  if (code === EMPTY_BLOCK) cursor.pos++;
  // A negative s33 of one byte has bit 6 set and bit 7 clear: those are the value types.
  else if (code >= EMPTY_BLOCK && code < 0x80) skipValueType(cursor, features);
  else {
    const type = cursor.s33();
    if (type < 0 || type >= typeCount) cursor.fail('unknown block type', at);
    features.add('multi-value');
  }
}
