import { decodeUtf8, encodeUtf8 } from './encoding.ts';

/** "application/x-www-form-urlencoded percent-encode set" of the URL standard, with space as plus. */
function encodeComponent(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+');
}

/** Percent-decodes; bytes that are not UTF-8 become U+FFFD, and a lone `%` stays. */
export function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    const bytes: number[] = [];
    const source = encodeUtf8(text);
    for (let at = 0; at < source.length; at++) {
      const hex = String.fromCharCode(source[at + 1] ?? 0, source[at + 2] ?? 0);
      if (source[at] === 0x25 && /^[0-9a-f]{2}$/i.test(hex)) {
        bytes.push(Number.parseInt(hex, 16));
        at += 2;
      } else bytes.push(source[at] as number);
    }
    return decodeUtf8(Uint8Array.from(bytes));
  }
}

function parse(query: string): [string, string][] {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=');
      const [name, value] = at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
      return [percentDecode(name.replaceAll('+', ' ')), percentDecode(value.replaceAll('+', ' '))];
    });
}

export type SearchParamsInit =
  | string
  | URLSearchParams
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string>>;

/** `URLSearchParams` of the URL standard. `onChange` is how a `URL` hears of changes. */
export class URLSearchParams {
  #pairs: [string, string][];
  readonly #onChange: (() => void) | undefined;

  constructor(init: SearchParamsInit = '', onChange?: () => void) {
    this.#onChange = onChange;
    if (init === '') this.#pairs = [];
    else if (typeof init === 'string') this.#pairs = parse(init.startsWith('?') ? init.slice(1) : init);
    else {
      const entries = Symbol.iterator in init ? init : Object.entries(init);
      this.#pairs = [...entries].map(([name, value]) => [String(name), String(value)]);
    }
  }

  get size(): number {
    return this.#pairs.length;
  }

  append(name: string, value: string): void {
    this.#pairs.push([String(name), String(value)]);
    this.#onChange?.();
  }

  delete(name: string, value?: string): void {
    this.#pairs = this.#pairs.filter(
      (pair) => pair[0] !== name || (value !== undefined && pair[1] !== value),
    );
    this.#onChange?.();
  }

  get(name: string): string | null {
    return this.#pairs.find((pair) => pair[0] === name)?.[1] ?? null;
  }

  getAll(name: string): string[] {
    return this.#pairs.filter((pair) => pair[0] === name).map((pair) => pair[1]);
  }

  has(name: string, value?: string): boolean {
    return this.#pairs.some((pair) => pair[0] === name && (value === undefined || pair[1] === value));
  }

  set(name: string, value: string): void {
    const first = this.#pairs.find((pair) => pair[0] === name);
    if (first) {
      first[1] = String(value);
      this.#pairs = this.#pairs.filter((pair) => pair === first || pair[0] !== name);
    } else this.#pairs.push([String(name), String(value)]);
    this.#onChange?.();
  }

  sort(): void {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#onChange?.();
  }

  forEach(
    callback: (value: string, name: string, params: URLSearchParams) => void,
    thisArgument?: unknown,
  ): void {
    for (const [name, value] of this.#pairs) callback.call(thisArgument, value, name, this);
  }

  *entries(): IterableIterator<[string, string]> {
    for (const [name, value] of this.#pairs) yield [name, value];
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this.#pairs) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this.#pairs) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  toString(): string {
    return this.#pairs.map(([name, value]) => `${encodeComponent(name)}=${encodeComponent(value)}`).join('&');
  }
}
