/** Random types of the component model, and values of them, for property tests. */
import type { PrimitiveType, TypeIndex, ValueType } from '../../host/model/link-plan.ts';
import type { Random } from '../instrument/random.ts';

const SCALARS: readonly PrimitiveType[] = [
  'bool',
  's8',
  'u8',
  's16',
  'u16',
  's32',
  'u32',
  's64',
  'u64',
  'f32',
  'f64',
  'char',
  'string',
];

const TEXTS = ['', 'a', 'hello', 'naïve', 'ÿ', '日本語', '😀 and 𝄞', '\0', '\uFEFFbom', 'x'.repeat(300)];

export class RandomTypes {
  readonly types: ValueType[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Adds a type at most `depth` deep. */
  add(depth: number): TypeIndex {
    const type = this.#type(depth);
    this.types.push(type);
    return this.types.length - 1;
  }

  #type(depth: number): ValueType {
    const random = this.#random;
    if (depth === 0) return { kind: random.pick(SCALARS) };
    const inner = (): TypeIndex => this.add(depth - 1);
    const optional = (): TypeIndex | null => (random.below(3) === 0 ? null : inner());
    const names = (bound: number): string[] =>
      Array.from({ length: 1 + random.below(bound) }, (_, index) => `name-of-${index}`);
    switch (random.below(9)) {
      case 0:
        return { kind: 'list', element: inner() };
      case 1:
        return { kind: 'record', fields: names(5).map((name) => [name, inner()]) };
      case 2:
        return { kind: 'tuple', elements: names(5).map(inner) };
      case 3:
        return { kind: 'variant', cases: names(5).map((name) => [name, optional()]) };
      case 4:
        return { kind: 'enum', names: names(300) };
      case 5:
        return { kind: 'flags', names: names(32) };
      case 6:
        return { kind: 'option', some: inner() };
      case 7:
        return { kind: 'result', ok: optional(), err: optional() };
      default:
        return { kind: random.pick(SCALARS) };
    }
  }

  value(index: TypeIndex): unknown {
    const random = this.#random;
    const type = this.types[index]!;
    const camel = (name: string): string =>
      name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    const optional = (inner: TypeIndex | null): unknown => (inner === null ? undefined : this.value(inner));
    switch (type.kind) {
      case 'list': {
        const values = Array.from({ length: random.below(5) }, () => this.value(type.element));
        const typed = TYPED[this.types[type.element]!.kind];
        return typed === undefined ? values : typed(values);
      }
      case 'record':
        return Object.fromEntries(type.fields.map(([name, field]) => [camel(name), this.value(field)]));
      case 'tuple':
        return type.elements.map((element) => this.value(element));
      case 'variant': {
        const [tag, payload] = random.pick(type.cases);
        return payload === null ? { tag } : { tag, val: this.value(payload) };
      }
      case 'enum':
        return random.pick(type.names);
      case 'flags':
        return Object.fromEntries(type.names.map((name) => [camel(name), random.below(2) === 1]));
      case 'option': {
        const isSome = random.below(2) === 1;
        if (this.types[type.some]!.kind !== 'option') return isSome ? this.value(type.some) : undefined;
        return isSome ? { tag: 'some', val: this.value(type.some) } : { tag: 'none' };
      }
      case 'result':
        return random.below(2) === 0
          ? { tag: 'ok', val: optional(type.ok) }
          : { tag: 'err', val: optional(type.err) };
      default:
        return this.#scalar(type.kind as PrimitiveType);
    }
  }

  #scalar(kind: PrimitiveType): unknown {
    const random = this.#random;
    const bits = random.below(2 ** 32);
    const wide = (BigInt(bits) << 32n) | BigInt(random.below(2 ** 32));
    switch (kind) {
      case 'bool':
        return random.below(2) === 1;
      case 's8':
        return (bits << 24) >> 24;
      case 'u8':
        return bits & 0xff;
      case 's16':
        return (bits << 16) >> 16;
      case 'u16':
        return bits & 0xffff;
      case 's32':
        return bits | 0;
      case 'u32':
        return bits;
      case 's64':
        return BigInt.asIntN(64, wide);
      case 'u64':
        return wide;
      case 'f32':
        return Math.fround(random.pick([0, -1.5, Number.NaN, Number.POSITIVE_INFINITY, bits]));
      case 'f64':
        return random.pick([0, -1.5, Number.NaN, Number.NEGATIVE_INFINITY, bits / 3]);
      case 'char':
        return random.pick(['a', 'é', '日', '😀', '\0']);
      default:
        return random.pick(TEXTS);
    }
  }
}

const TYPED: Partial<Record<ValueType['kind'], (values: unknown[]) => unknown>> = {
  u8: (values) => Uint8Array.from(values as number[]),
  s8: (values) => Int8Array.from(values as number[]),
  u16: (values) => Uint16Array.from(values as number[]),
  s16: (values) => Int16Array.from(values as number[]),
  u32: (values) => Uint32Array.from(values as number[]),
  s32: (values) => Int32Array.from(values as number[]),
  u64: (values) => BigUint64Array.from(values as bigint[]),
  s64: (values) => BigInt64Array.from(values as bigint[]),
  f32: (values) => Float32Array.from(values as number[]),
  f64: (values) => Float64Array.from(values as number[]),
};
