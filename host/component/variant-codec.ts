import { alignTo, type Codec, type CoreValue, type FlatType } from './codec.ts';
import { ComponentTrap } from './component-trap.ts';

/** How the cases of a variant look in JavaScript. */
export interface VariantShape {
  /** Number of the case, and what it carries. A TypeError if it is none of them. */
  readonly split: (value: unknown) => readonly [index: number, payload: unknown];
  readonly join: (index: number, payload: unknown) => unknown;
}

function join(a: FlatType, b: FlatType): FlatType {
  if (a === b) return a;
  return a !== 'i64' && b !== 'i64' && a !== 'f64' && b !== 'f64' ? 'i32' : 'i64';
}

/** CanonicalABI.md, `flatten_variant`, without the discriminant. */
function joinFlat(cases: readonly (Codec | undefined)[]): readonly FlatType[] {
  const joined: FlatType[] = [];
  for (const payload of cases) {
    for (const [index, type] of (payload?.flat ?? []).entries()) {
      const present = joined[index];
      joined[index] = present === undefined ? type : join(present, type);
    }
  }
  return joined;
}

const CELL = new DataView(new ArrayBuffer(8));

/** A joined core value as the one that the case's type has. */
function narrow(value: CoreValue, have: FlatType, want: FlatType): CoreValue {
  if (have === want) return value;
  if (want === 'f64') {
    CELL.setBigInt64(0, value as bigint);
    return CELL.getFloat64(0);
  }
  const bits = have === 'i64' ? Number(BigInt.asIntN(32, value as bigint)) : (value as number);
  if (want === 'i32') return bits;
  CELL.setInt32(0, bits);
  return CELL.getFloat32(0);
}

/** The reverse; what is narrower is extended with zeros. */
function widen(value: CoreValue, have: FlatType, want: FlatType): CoreValue {
  if (have === want) return value;
  if (have === 'f64') {
    CELL.setFloat64(0, value as number);
    return CELL.getBigInt64(0);
  }
  let bits = value as number;
  if (have === 'f32') {
    CELL.setFloat32(0, bits);
    bits = CELL.getInt32(0);
  }
  return want === 'i64' ? BigInt(bits >>> 0) : bits;
}

/** CanonicalABI.md, `discriminant_type`. */
function discriminantSize(cases: number): 1 | 2 | 4 {
  if (cases <= 0x100) return 1;
  return cases <= 0x1_0000 ? 2 : 4;
}

/** Variants, and what is one: options, results, enums. */
export function variantCodec(cases: readonly (Codec | undefined)[], shape: VariantShape): Codec {
  const discriminant = discriminantSize(cases.length);
  const payloadAlignment = Math.max(1, ...cases.map((payload) => payload?.alignment ?? 1));
  const payloadSize = Math.max(0, ...cases.map((payload) => payload?.size ?? 0));
  const payloadOffset = alignTo(discriminant, payloadAlignment);
  const alignment = Math.max(discriminant, payloadAlignment);
  const joined = joinFlat(cases);
  const isWidened = cases.map((payload) => payload?.flat.some((type, index) => type !== joined[index]));
  const check = (index: number): number => {
    if (index >= cases.length)
      throw new ComponentTrap(`${index} is no case of a variant with ${cases.length}`);
    return index;
  };

  return {
    size: alignTo(payloadOffset + payloadSize, alignment),
    alignment,
    flat: ['i32', ...joined],
    load(context, pointer) {
      const { view } = context;
      const index = check(
        discriminant === 1
          ? view.getUint8(pointer)
          : discriminant === 2
            ? view.getUint16(pointer, true)
            : view.getUint32(pointer, true),
      );
      return shape.join(index, cases[index]?.load(context, pointer + payloadOffset));
    },
    store(context, value, pointer) {
      const [index, payload] = shape.split(value);
      const { view } = context;
      if (discriminant === 1) view.setUint8(pointer, index);
      else if (discriminant === 2) view.setUint16(pointer, index, true);
      else view.setUint32(pointer, index, true);
      cases[index]?.store(context, payload, pointer + payloadOffset);
    },
    liftFlat(context, values, at) {
      const index = check((values[at] as number) >>> 0);
      const payload = cases[index];
      if (payload === undefined) return shape.join(index, undefined);
      if (!isWidened[index]) return shape.join(index, payload.liftFlat(context, values, at + 1));
      const own = payload.flat.map((want, i) => narrow(values[at + 1 + i]!, joined[i]!, want));
      return shape.join(index, payload.liftFlat(context, own, 0));
    },
    lowerFlat(context, value, into) {
      const [index, content] = shape.split(value);
      into.push(index);
      const begin = into.length;
      const payload = cases[index];
      payload?.lowerFlat(context, content, into);
      if (isWidened[index] === true) {
        for (const [i, have] of payload!.flat.entries())
          into[begin + i] = widen(into[begin + i]!, have, joined[i]!);
      }
      for (let i = into.length - begin; i < joined.length; i++) into.push(joined[i] === 'i64' ? 0n : 0);
    },
  };
}
