/** How variants, enums, options and results look in JavaScript: as jco has them. */
import type { VariantShape } from './variant-codec.ts';

interface Tagged {
  readonly tag: string;
  readonly val?: unknown;
}

function indicesOf(names: readonly string[]): (name: unknown) => number {
  const indices = new Map<unknown, number>(names.map((name, index) => [name, index]));
  return (name) => {
    const index = indices.get(name);
    if (index === undefined) throw new TypeError(`${String(name)} is none of ${names.join(', ')}`);
    return index;
  };
}

export function taggedShape(names: readonly string[], hasPayload: readonly boolean[]): VariantShape {
  const indexOf = indicesOf(names);
  return {
    split: (value) => [indexOf((value as Tagged).tag), (value as Tagged).val],
    join: (index, val) => (hasPayload[index] ? { tag: names[index], val } : { tag: names[index] }),
  };
}

/** Both cases have a `val`, if only undefined. */
export const RESULT_SHAPE: VariantShape = {
  split: (value) => [(value as Tagged).tag === 'ok' ? 0 : 1, (value as Tagged).val],
  join: (index, val) => ({ tag: index === 0 ? 'ok' : 'err', val }),
};

export const OPTION_SHAPE: VariantShape = {
  split: (value) => [value === undefined || value === null ? 0 : 1, value],
  join: (_index, payload) => payload,
};

/** An option of something that may be undefined itself. */
export const NESTED_OPTION_SHAPE: VariantShape = taggedShape(['none', 'some'], [false, true]);

export function enumShape(names: readonly string[]): VariantShape {
  const indexOf = indicesOf(names);
  return { split: (value) => [indexOf(value), undefined], join: (index) => names[index] };
}
