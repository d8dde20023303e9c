import type { CanonicalContext } from './canonical-context.ts';

export type FlatType = 'i32' | 'i64' | 'f32' | 'f64';
/** As core code passes it: an i64 is a BigInt, an i32 is signed. */
export type CoreValue = number | bigint;

/**
 * One component-level type in the canonical ABI (CanonicalABI.md, "Alignment" to "Flat Lowering"). Values are those of
 * jco: records are objects with fields in camel case, tuples arrays, variants `{ tag, val }`, enums strings, flags
 * objects of booleans, an option undefined or its value (`{ tag: 'some' | 'none', val }` where that may be an option
 * itself), results `{ tag: 'ok' | 'err', val }`, s64 and u64 BigInts, lists of numbers typed arrays.
 *
 * What is lifted is the guest's and may be anything: it throws `ComponentTrap` where it is not of the type, and nothing
 * else. What is lowered is the host's own: a value of another type is a fault of the host and throws a TypeError.
 */
export interface Codec {
  /** CanonicalABI.md, `elem_size`. */
  readonly size: number;
  readonly alignment: number;
  /** The core values that stand for one value outside of memory. */
  readonly flat: readonly FlatType[];
  /** From memory; `pointer` is aligned and in bounds, and `context.begin()` was called. */
  load(context: CanonicalContext, pointer: number): unknown;
  store(context: CanonicalContext, value: unknown, pointer: number): void;
  /** From `values[at]` and the following, as many as `flat` says. */
  liftFlat(context: CanonicalContext, values: readonly CoreValue[], at: number): unknown;
  /** Appends as many core values as `flat` says. */
  lowerFlat(context: CanonicalContext, value: unknown, into: CoreValue[]): void;
  /** Of a type that is one core value and asks for nothing else: what `lowerFlat` appends. */
  readonly lower?: ((value: unknown) => CoreValue) | undefined;
  /** Of a number: what a list of it is. */
  readonly typedArray?: TypedArrayClass | undefined;
}

export type TypedArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

export interface TypedArrayClass {
  new (length: number): TypedArray;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
}

export function alignTo(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
