import type { Codec } from './codec.ts';
import { camelCase } from './record-codec.ts';

/** CanonicalABI.md, `pack_flags_into_int`; bits beyond the last flag are ignored. */
export function flagsCodec(labels: readonly string[]): Codec {
  const names = labels.map(camelCase);
  if (names.length === 0 || names.length > 32) throw new RangeError(`${names.length} flags`);
  const size = names.length <= 8 ? 1 : names.length <= 16 ? 2 : 4;
  const unpack = (bits: number): Record<string, boolean> => {
    const flags: Record<string, boolean> = {};
    for (const [index, name] of names.entries()) flags[name] = ((bits >>> index) & 1) === 1;
    return flags;
  };
  const pack = (value: unknown): number => {
    const flags = value as Readonly<Record<string, unknown>>;
    let bits = 0;
    for (const [index, name] of names.entries()) if (flags[name]) bits |= 1 << index;
    return bits;
  };
  return {
    size,
    alignment: size,
    flat: ['i32'],
    load({ view }, pointer) {
      if (size === 1) return unpack(view.getUint8(pointer));
      return unpack(size === 2 ? view.getUint16(pointer, true) : view.getUint32(pointer, true));
    },
    store({ view }, value, pointer) {
      if (size === 1) view.setUint8(pointer, pack(value));
      else if (size === 2) view.setUint16(pointer, pack(value), true);
      else view.setUint32(pointer, pack(value), true);
    },
    liftFlat: (_context, values, at) => unpack(values[at] as number),
    lowerFlat: (_context, value, into) => {
      into.push(pack(value));
    },
  };
}
