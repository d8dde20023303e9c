import type { PrimitiveType } from '../model/link-plan.ts';
import type { CanonicalContext } from './canonical-context.ts';
import type { Codec, CoreValue, FlatType, TypedArrayClass } from './codec.ts';
import { ComponentTrap } from './component-trap.ts';

interface Scalar<T> {
  readonly size: 1 | 2 | 4 | 8;
  readonly flat: FlatType;
  readonly load: (view: DataView, pointer: number) => T;
  readonly store: (view: DataView, pointer: number, value: T) => void;
  readonly lift: (value: CoreValue) => T;
  readonly lower: (value: T) => CoreValue;
  readonly typedArray?: TypedArrayClass;
}

function scalar<T>({ size, flat, load, store, lift, lower, typedArray }: Scalar<T>): Codec {
  return {
    size,
    alignment: size,
    flat: [flat],
    typedArray,
    lower: lower as (value: unknown) => CoreValue,
    load: (context, pointer) => load(context.view, pointer),
    store: (context, value, pointer) => store(context.view, pointer, value as T),
    liftFlat: (_context, values, at) => lift(values[at] as CoreValue),
    lowerFlat: (_context: CanonicalContext, value: unknown, into: CoreValue[]) => {
      into.push(lower(value as T));
    },
  };
}

function toChar(code: number): string {
  if (code >= 0x11_0000 || (code >= 0xd800 && code <= 0xdfff))
    throw new ComponentTrap(`${code} is no Unicode scalar value`);
  return String.fromCodePoint(code);
}

function ofChar(value: string): number {
  const code = value.codePointAt(0);
  if (code === undefined || (code >= 0xd800 && code <= 0xdfff)) throw new TypeError('not a character');
  return code;
}

/** CanonicalABI.md: integers that do not fill their core value are cut, not refused. */
export const SCALAR_CODECS: Readonly<Record<Exclude<PrimitiveType, 'string' | 'error-context'>, Codec>> = {
  bool: scalar<boolean>({
    size: 1,
    flat: 'i32',
    load: (view, pointer) => view.getUint8(pointer) !== 0,
    store: (view, pointer, value) => view.setUint8(pointer, value ? 1 : 0),
    lift: (value) => value !== 0,
    lower: (value) => (value ? 1 : 0),
  }),
  u8: scalar<number>({
    size: 1,
    flat: 'i32',
    load: (view, pointer) => view.getUint8(pointer),
    store: (view, pointer, value) => view.setUint8(pointer, value),
    lift: (value) => (value as number) & 0xff,
    lower: (value) => value & 0xff,
    typedArray: Uint8Array,
  }),
  s8: scalar<number>({
    size: 1,
    flat: 'i32',
    load: (view, pointer) => view.getInt8(pointer),
    store: (view, pointer, value) => view.setInt8(pointer, value),
    lift: (value) => ((value as number) << 24) >> 24,
    lower: (value) => (value << 24) >> 24,
    typedArray: Int8Array,
  }),
  u16: scalar<number>({
    size: 2,
    flat: 'i32',
    load: (view, pointer) => view.getUint16(pointer, true),
    store: (view, pointer, value) => view.setUint16(pointer, value, true),
    lift: (value) => (value as number) & 0xffff,
    lower: (value) => value & 0xffff,
    typedArray: Uint16Array,
  }),
  s16: scalar<number>({
    size: 2,
    flat: 'i32',
    load: (view, pointer) => view.getInt16(pointer, true),
    store: (view, pointer, value) => view.setInt16(pointer, value, true),
    lift: (value) => ((value as number) << 16) >> 16,
    lower: (value) => (value << 16) >> 16,
    typedArray: Int16Array,
  }),
  u32: scalar<number>({
    size: 4,
    flat: 'i32',
    load: (view, pointer) => view.getUint32(pointer, true),
    store: (view, pointer, value) => view.setUint32(pointer, value, true),
    lift: (value) => (value as number) >>> 0,
    lower: (value) => value | 0,
    typedArray: Uint32Array,
  }),
  s32: scalar<number>({
    size: 4,
    flat: 'i32',
    load: (view, pointer) => view.getInt32(pointer, true),
    store: (view, pointer, value) => view.setInt32(pointer, value, true),
    lift: (value) => value as number,
    lower: (value) => value | 0,
    typedArray: Int32Array,
  }),
  u64: scalar<bigint>({
    size: 8,
    flat: 'i64',
    load: (view, pointer) => view.getBigUint64(pointer, true),
    store: (view, pointer, value) => view.setBigUint64(pointer, value, true),
    lift: (value) => BigInt.asUintN(64, value as bigint),
    lower: (value) => BigInt.asIntN(64, value),
    typedArray: BigUint64Array as unknown as TypedArrayClass,
  }),
  s64: scalar<bigint>({
    size: 8,
    flat: 'i64',
    load: (view, pointer) => view.getBigInt64(pointer, true),
    store: (view, pointer, value) => view.setBigInt64(pointer, value, true),
    lift: (value) => value as bigint,
    lower: (value) => BigInt.asIntN(64, value),
    typedArray: BigInt64Array as unknown as TypedArrayClass,
  }),
  f32: scalar<number>({
    size: 4,
    flat: 'f32',
    load: (view, pointer) => view.getFloat32(pointer, true),
    store: (view, pointer, value) => view.setFloat32(pointer, value, true),
    lift: (value) => value as number,
    lower: (value) => value,
    typedArray: Float32Array,
  }),
  f64: scalar<number>({
    size: 8,
    flat: 'f64',
    load: (view, pointer) => view.getFloat64(pointer, true),
    store: (view, pointer, value) => view.setFloat64(pointer, value, true),
    lift: (value) => value as number,
    lower: (value) => value,
    typedArray: Float64Array,
  }),
  char: scalar<string>({
    size: 4,
    flat: 'i32',
    load: (view, pointer) => toChar(view.getUint32(pointer, true)),
    store: (view, pointer, value) => view.setUint32(pointer, ofChar(value), true),
    lift: (value) => toChar((value as number) >>> 0),
    lower: ofChar,
  }),
};
