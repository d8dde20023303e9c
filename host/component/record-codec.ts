import type { CanonicalContext } from './canonical-context.ts';
import { alignTo, type Codec, type CoreValue } from './codec.ts';

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
  return {
    size,
    alignment,
    flat: elements.flatMap(({ flat }) => flat),
    load: (context, pointer) =>
      elements.map((element, index) => element.load(context, pointer + offsets[index]!)),
    store(context, value, pointer) {
      const values = value as readonly unknown[];
      for (const [index, element] of elements.entries())
        element.store(context, values[index], pointer + offsets[index]!);
    },
    liftFlat(context, values, at) {
      let position = at;
      return elements.map((element) => {
        const value = element.liftFlat(context, values, position);
        position += element.flat.length;
        return value;
      });
    },
    lowerFlat(context, value, into) {
      const values = value as readonly unknown[];
      for (const [index, element] of elements.entries()) element.lowerFlat(context, values[index], into);
    },
  };
}

export function recordCodec(fields: readonly (readonly [name: string, codec: Codec])[]): Codec {
  const names = fields.map(([name]) => camelCase(name));
  const codecs = fields.map(([, codec]) => codec);
  const { size, alignment, offsets } = layoutOf(codecs);
  return {
    size,
    alignment,
    flat: codecs.flatMap(({ flat }) => flat),
    load(context, pointer) {
      const record: Record<string, unknown> = {};
      for (const [index, codec] of codecs.entries())
        record[names[index]!] = codec.load(context, pointer + offsets[index]!);
      return record;
    },
    store(context, value, pointer) {
      const record = value as Readonly<Record<string, unknown>>;
      for (const [index, codec] of codecs.entries())
        codec.store(context, record[names[index]!], pointer + offsets[index]!);
    },
    liftFlat(context: CanonicalContext, values: readonly CoreValue[], at: number) {
      const record: Record<string, unknown> = {};
      let position = at;
      for (const [index, codec] of codecs.entries()) {
        record[names[index]!] = codec.liftFlat(context, values, position);
        position += codec.flat.length;
      }
      return record;
    },
    lowerFlat(context, value, into) {
      const record = value as Readonly<Record<string, unknown>>;
      for (const [index, codec] of codecs.entries()) codec.lowerFlat(context, record[names[index]!], into);
    },
  };
}
