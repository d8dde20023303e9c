import { alignTo, type Codec } from './codec.ts';

/** `get-x` -> `getX`, `HTTP-code` -> `httpCode`: a name of WIT as jco writes it in JavaScript. */
export function camelCase(name: string): string {
  return name.toLowerCase().replace(/-+([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

interface Layout {
  readonly size: number;
  readonly alignment: number;
  readonly offsets: readonly number[];
}

/** CanonicalABI.md, `alignment_record`, `elem_size_record`. */
export function layoutOf(fields: readonly Codec[]): Layout {
  let end = 0;
  let alignment = 1;
  const offsets: number[] = [];
  for (const field of fields) {
    const offset = alignTo(end, field.alignment);
    offsets.push(offset);
    end = offset + field.size;
    alignment = Math.max(alignment, field.alignment);
  }
  return { size: alignTo(end, alignment), alignment, offsets };
}

export function tupleCodec(elements: readonly Codec[]): Codec {
  const { size, alignment, offsets } = layoutOf(elements);
  const count = elements.length;
  return {
    size,
    alignment,
    flat: elements.flatMap(({ flat }) => flat),
    load(context, pointer) {
      const values = new Array<unknown>(count);
      for (let i = 0; i < count; i++) values[i] = elements[i]!.load(context, pointer + offsets[i]!);
      return values;
    },
    store(context, value, pointer) {
      const values = value as readonly unknown[];
      for (let i = 0; i < count; i++) elements[i]!.store(context, values[i], pointer + offsets[i]!);
    },
    liftFlat(context, values, at) {
      const lifted = new Array<unknown>(count);
      let position = at;
      for (let i = 0; i < count; i++) {
        lifted[i] = elements[i]!.liftFlat(context, values, position);
        position += elements[i]!.flat.length;
      }
      return lifted;
    },
    lowerFlat(context, value, into) {
      const values = value as readonly unknown[];
      for (let i = 0; i < count; i++) elements[i]!.lowerFlat(context, values[i], into);
    },
  };
}

export function recordCodec(fields: readonly (readonly [name: string, codec: Codec])[]): Codec {
  const names = fields.map(([name]) => camelCase(name));
  const codecs = fields.map(([, codec]) => codec);
  const { size, alignment, offsets } = layoutOf(codecs);
  const count = codecs.length;
  return {
    size,
    alignment,
    flat: codecs.flatMap(({ flat }) => flat),
    load(context, pointer) {
      const record: Record<string, unknown> = {};
      for (let i = 0; i < count; i++) record[names[i]!] = codecs[i]!.load(context, pointer + offsets[i]!);
      return record;
    },
    store(context, value, pointer) {
      const record = value as Readonly<Record<string, unknown>>;
      for (let i = 0; i < count; i++) codecs[i]!.store(context, record[names[i]!], pointer + offsets[i]!);
    },
    liftFlat(context, values, at) {
      const record: Record<string, unknown> = {};
      let position = at;
      for (let i = 0; i < count; i++) {
        record[names[i]!] = codecs[i]!.liftFlat(context, values, position);
        position += codecs[i]!.flat.length;
      }
      return record;
    },
    lowerFlat(context, value, into) {
      const record = value as Readonly<Record<string, unknown>>;
      for (let i = 0; i < count; i++) codecs[i]!.lowerFlat(context, record[names[i]!], into);
    },
  };
}
