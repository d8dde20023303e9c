import type { ByteReader } from './byte-reader.ts';

/** What the machine keeps apart. Of a reference it knows the type as text only, to declare it again elsewhere. */
export type Kind = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'ref';

export interface ValueType {
  readonly kind: Kind;
  /** In the text format; undefined for a reference to a type of the module. */
  readonly text: string | undefined;
  /** Of a reference: whether null is one of its values. */
  readonly isNullable: boolean;
}

const NUMERIC: Readonly<Record<number, Kind>> = {
  127: 'i32',
  126: 'i64',
  125: 'f32',
  124: 'f64',
  123: 'v128',
};

const HEAP: Readonly<Record<number, string>> = {
  116: 'noexn',
  115: 'nofunc',
  114: 'noextern',
  113: 'none',
  112: 'func',
  111: 'extern',
  110: 'any',
  109: 'eq',
  108: 'i31',
  107: 'struct',
  106: 'array',
  105: 'exn',
};

export function readValueType(reader: ByteReader): ValueType {
  const code = reader.u8();
  const numeric = NUMERIC[code];
  if (numeric !== undefined) return { kind: numeric, text: numeric, isNullable: false };
  const isLong = code === 0x63 || code === 0x64;
  const heap = isLong ? Number(reader.signed(33)) : code - 0x80;
  const name = heap < 0 ? HEAP[heap + 0x80] : undefined;
  const isNullable = code !== 0x64;
  const text = name === undefined ? undefined : `(ref ${isNullable ? 'null ' : ''}${name})`;
  return { kind: 'ref', text, isNullable };
}

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export function sameType(a: FunctionType, b: FunctionType): boolean {
  const text = ({ parameters, results }: FunctionType): string =>
    `${parameters.map((type) => type.text).join()}:${results.map((type) => type.text).join()}`;
  return text(a) === text(b);
}
