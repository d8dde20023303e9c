/** Values for a JSON Schema of the API's description: as it asks, a little beside it, or nothing like it. */
import type { Random } from '../../instrument/random.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Schema = Readonly<Record<string, unknown>>;

const DEPTH = 6;
const ODD_NUMBERS = [-1, 0, 1, 1.5, 2 ** 31, 2 ** 53, 1e308, -1e-7];
const ODD_STRINGS = [
  '',
  ' ',
  '\0',
  '..',
  '../../etc/passwd',
  '%00',
  "' OR 1=1 --",
  '__proto__',
  'constructor',
  '\u202e\ud83d\ude00',
  'a'.repeat(5_000),
  '1e999',
  'true',
];
const LETTERS = 'abcdefghij0123456789-_ABCDEF';

export class ValueMaker {
  readonly #random: Random;
  readonly #schemas: Readonly<Record<string, Schema>>;
  /** What strings of that pattern or name are taken from, so that they name what is there. */
  readonly #known: Readonly<Record<string, readonly string[]>>;

  constructor(
    random: Random,
    schemas: Readonly<Record<string, Schema>>,
    known: Readonly<Record<string, readonly string[]>>,
  ) {
    this.#random = random;
    this.#schemas = schemas;
    this.#known = known;
  }

  /** A value that the schema takes, as far as it says; `name` is that of the property or parameter. */
  valid(schema: Schema, name = '', depth = 0): Json {
    const random = this.#random;
    const resolved = this.#resolve(schema);
    const known = this.#known[name];
    if (known !== undefined) return random.pick(known);
    if ('const' in resolved) return resolved['const'] as Json;
    const options = (resolved['enum'] ?? resolved['oneOf'] ?? resolved['anyOf']) as
      | readonly unknown[]
      | undefined;
    if (Array.isArray(resolved['enum'])) return random.pick(options!) as Json;
    if (options !== undefined) return this.valid(random.pick(options) as Schema, name, depth + 1);
    const { type } = resolved;
    switch (Array.isArray(type) ? random.pick(type) : type) {
      case 'object':
        return this.#object(resolved, depth);
      case 'array': {
        const length = depth > DEPTH ? 0 : random.below(3) + Number(resolved['minItems'] ?? 0);
        const items = (resolved['items'] ?? {}) as Schema;
        return Array.from({ length }, () => this.valid(items, name, depth + 1));
      }
      case 'integer':
      case 'number':
        return this.#number(resolved);
      case 'boolean':
        return random.below(2) === 0;
      case 'null':
        return null;
      case 'string':
        return this.#string(resolved);
      default:
        return random.pick<Json>([null, 1, 'x', {}]);
    }
  }

  /** The same, with one thing wrong somewhere. */
  nearlyValid(schema: Schema): Json {
    const value = this.valid(schema);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.hostile();
    const random = this.#random;
    const keys = Object.keys(value);
    switch (random.below(3)) {
      case 0:
        return { ...value, [random.pick(ODD_STRINGS)]: this.hostile() };
      case 1:
        return Object.fromEntries(Object.entries(value).slice(1));
      default:
        return keys.length === 0 ? [value] : { ...value, [random.pick(keys)]: this.hostile() };
    }
  }

  /** Anything. */
  hostile(depth = 0): Json {
    const random = this.#random;
    switch (random.below(depth > DEPTH ? 4 : 6)) {
      case 0:
        return random.pick(ODD_NUMBERS);
      case 1:
        return random.pick(ODD_STRINGS);
      case 2:
        return null;
      case 3:
        return random.below(2) === 0;
      case 4:
        return Array.from({ length: random.below(4) }, () => this.hostile(depth + 1));
      default:
        return Object.fromEntries(
          Array.from({ length: random.below(4) }, () => [random.pick(ODD_STRINGS), this.hostile(depth + 1)]),
        );
    }
  }

  text(): string {
    return this.#random.pick(ODD_STRINGS);
  }

  #object(schema: Schema, depth: number): Json {
    const required = (schema['required'] ?? []) as readonly string[];
    const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Schema>);
    const named = properties.filter(([name]) => required.includes(name) || this.#random.below(3) === 0);
    return Object.fromEntries(named.map(([name, inner]) => [name, this.valid(inner, name, depth + 1)]));
  }

  #number(schema: Schema): number {
    const floor = Number(schema['minimum'] ?? 0);
    const top = Math.min(Number(schema['maximum'] ?? 1_000), 2 ** 53 - 1);
    const some = [floor, top, Math.floor((floor + top) / 2), floor + this.#random.below(100)];
    const value = Math.min(top, this.#random.pick(some));
    return schema['type'] === 'integer' ? Math.ceil(value) : value;
  }

  #string(schema: Schema): string {
    const length = 1 + this.#random.below(12);
    const text = Array.from({ length }, () => this.#random.pick([...LETTERS])).join('');
    const { pattern, format } = schema as { pattern?: string; format?: string };
    if (format === 'date-time') return '2030-01-01T00:00:00.000Z';
    const candidates = [text, text.toLowerCase(), text.toUpperCase(), 'example.com', '0'.repeat(20)];
    return candidates.find((each) => pattern === undefined || new RegExp(pattern).test(each)) ?? 'x';
  }

  #resolve(schema: Schema): Schema {
    const reference = schema['$ref'];
    if (typeof reference !== 'string') return schema;
    return this.#resolve(this.#schemas[reference.replace('#/components/schemas/', '')] ?? {});
  }
}
