import type { FieldEntries } from 'wasi:http/types@0.3.0';

export type HeadersInit = Headers | Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function checkedName(name: string): string {
  const text = String(name);
  if (!NAME.test(text)) throw new TypeError(`${JSON.stringify(text)} is not a valid header name`);
  return text.toLowerCase();
}

/** Values are byte strings: each character is one byte, as the Fetch standard has it. */
function checkedValue(value: string): string {
  const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0xff || unit === 0 || unit === 10 || unit === 13) {
      throw new TypeError('a header value has a character that is not allowed there');
    }
  }
  return text;
}

/** `Headers` of the Fetch standard: names lower-case and sorted, equal names joined, `set-cookie` apart. */
export class Headers {
  readonly #fields = new Map<string, string[]>();

  constructor(init: HeadersInit = []) {
    const entries = Symbol.iterator in init ? init : Object.entries(init);
    for (const [name, value] of entries) this.append(name, value);
  }

  append(name: string, value: string): void {
    const key = checkedName(name);
    const text = checkedValue(value);
    const values = this.#fields.get(key);
    if (values) values.push(text);
    else this.#fields.set(key, [text]);
  }

  set(name: string, value: string): void {
    this.#fields.set(checkedName(name), [checkedValue(value)]);
  }

  get(name: string): string | null {
    return this.#fields.get(checkedName(name))?.join(', ') ?? null;
  }

  getSetCookie(): string[] {
    return [...(this.#fields.get('set-cookie') ?? [])];
  }

  has(name: string): boolean {
    return this.#fields.has(checkedName(name));
  }

  delete(name: string): void {
    this.#fields.delete(checkedName(name));
  }

  *entries(): IterableIterator<[string, string]> {
    for (const name of [...this.#fields.keys()].sort()) {
      const values = this.#fields.get(name) ?? [];
      if (name === 'set-cookie') for (const value of values) yield [name, value];
      else yield [name, values.join(', ')];
    }
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this.entries()) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this.entries()) yield value;
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, thisArgument?: unknown): void {
    for (const [name, value] of this.entries()) callback.call(thisArgument, value, name, this);
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  /** For the wire: every value apart, as one byte per character. */
  static toEntries(headers: Headers): FieldEntries {
    return [...headers.#fields].flatMap(([name, values]) =>
      values.map((value): [string, Uint8Array] => [name, Uint8Array.from(value, (c) => c.charCodeAt(0))]),
    );
  }

  static fromEntries(entries: FieldEntries): Headers {
    return new Headers(entries.map(([name, value]) => [name, String.fromCharCode(...value)] as const));
  }
}
