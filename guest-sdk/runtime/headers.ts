import type { FieldEntries } from 'wasi:http/types@0.3.0';
import { fromBinary, toBinary } from './encoding.ts';

export type HeadersInit = Headers | Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

/** A lower-case name and one value: text, or bytes from the wire that nobody has looked at. Never changed. */
export type Field = readonly [name: string, value: string | Uint8Array];

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What is trimmed off a value, or may not be in it at all. */
const UNUSUAL = /^[\t ]|[\t ]$|[^\t -~\x80-\xff]/;

/** Names that need no look at their characters: in QuickJS that costs some 40 units of fuel for each. */
const KNOWN_NAMES: ReadonlyMap<string, string> = new Map(
  [
    'Accept',
    'Accept-Encoding',
    'Accept-Language',
    'Access-Control-Allow-Headers',
    'Access-Control-Allow-Methods',
    'Access-Control-Allow-Origin',
    'Authorization',
    'Cache-Control',
    'Content-Encoding',
    'Content-Length',
    'Content-Type',
    'Cookie',
    'ETag',
    'Host',
    'If-None-Match',
    'Last-Modified',
    'Location',
    'Origin',
    'Set-Cookie',
    'User-Agent',
    'Vary',
  ].flatMap((name) => {
    const key = name.toLowerCase();
    return [
      [name, key],
      [key, key],
    ] as const;
  }),
);

function checkedName(name: string): string {
  const known = KNOWN_NAMES.get(name);
  if (known !== undefined) return known;
  const text = String(name);
  if (!NAME.test(text)) throw new TypeError(`${JSON.stringify(text)} is not a valid header name`);
  return text.toLowerCase();
}

/** Values are byte strings: each character is one byte, as the Fetch standard has it. */
function checkedValue(value: string): string {
  const given = String(value);
  if (!UNUSUAL.test(given)) return given;
  const text = given.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0xff || unit === 0 || unit === 10 || unit === 13) {
      throw new TypeError('a header value has a character that is not allowed there');
    }
  }
  return text;
}

function textOf(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : toBinary(value);
}

/** `Headers` of the Fetch standard: names lower-case and sorted, equal names joined, `set-cookie` apart. */
export class Headers {
  /** In the order they came in. A message has few enough that a look through them beats a map. */
  #fields: Field[] = [];
  #receive: (() => Field[]) | undefined;

  constructor(init?: HeadersInit) {
    if (init === undefined) return;
    if (init instanceof Headers) this.#fields = init.#all().slice();
    else {
      const entries = Symbol.iterator in init ? init : Object.entries(init);
      for (const [name, value] of entries) this.append(name, value);
    }
  }

  #all(): Field[] {
    if (this.#receive !== undefined) {
      this.#fields = this.#receive();
      this.#receive = undefined;
    }
    return this.#fields;
  }

  append(name: string, value: string): void {
    this.#all().push([checkedName(name), checkedValue(value)]);
  }

  set(name: string, value: string): void {
    const key = checkedName(name);
    const field: Field = [key, checkedValue(value)];
    const fields = this.#all();
    const at = fields.findIndex((other) => other[0] === key);
    if (at < 0) fields.push(field);
    else this.#fields = fields.with(at, field).filter((other, index) => index === at || other[0] !== key);
  }

  get(name: string): string | null {
    const key = checkedName(name);
    let joined: string | null = null;
    for (const field of this.#all()) {
      if (field[0] !== key) continue;
      joined = joined === null ? textOf(field[1]) : `${joined}, ${textOf(field[1])}`;
    }
    return joined;
  }

  getSetCookie(): string[] {
    return this.#all()
      .filter(([name]) => name === 'set-cookie')
      .map(([, value]) => textOf(value));
  }

  has(name: string): boolean {
    const key = checkedName(name);
    for (const field of this.#all()) if (field[0] === key) return true;
    return false;
  }

  delete(name: string): void {
    const key = checkedName(name);
    this.#fields = this.#all().filter((field) => field[0] !== key);
  }

  *entries(): IterableIterator<[string, string]> {
    const names = new Set(
      this.#all()
        .map(([name]) => name)
        .sort(),
    );
    for (const name of names) {
      if (name === 'set-cookie') for (const value of this.getSetCookie()) yield [name, value];
      else yield [name, this.get(name) ?? ''];
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
    return headers
      .#all()
      .map(([name, value]) => [name, typeof value === 'string' ? fromBinary(value) : value]);
  }

  /** The same for `mayfly:http/messages`: names and values, a line each. */
  static toText(headers: Headers): string {
    let text = '';
    for (const field of headers.#all()) text += `${field[0]}\n${textOf(field[1])}\n`;
    return text;
  }

  /** What `toText` gives, with names in lower case. */
  static parse(text: string): Field[] {
    const lines = text.split('\n');
    const fields: Field[] = [];
    for (let at = 0; at + 1 < lines.length; at += 2)
      fields.push([lines[at] as string, lines[at + 1] as string]);
    return fields;
  }

  /** Headers from the wire. @param receive called once, by the first who looks at them */
  static received(receive: () => Field[]): Headers {
    const headers = new Headers();
    headers.#receive = receive;
    return headers;
  }
}
