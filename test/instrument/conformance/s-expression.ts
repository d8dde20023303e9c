/**
 * Reads the parenthesised form that WebAssembly test scripts are written in. It knows nothing of modules: those
 * are cut out of the text by `from` and `to` and go to an assembler as they are.
 */
export interface List {
  readonly items: readonly Form[];
  readonly from: number;
  readonly to: number;
}

/** A string keeps its quotes and escapes. */
export type Form = string | List;

export class ScriptError extends Error {}

export function isList(form: Form | undefined): form is List {
  return typeof form === 'object';
}

/** The word a list begins with: `assert_return` of `(assert_return ...)`. */
export function headOf(form: Form | undefined): string | undefined {
  const head = isList(form) ? form.items[0] : undefined;
  return typeof head === 'string' ? head : undefined;
}

/** The outermost lists of a script, one after the other. */
export function* readForms(text: string): Generator<List> {
  const reader = new Reader(text);
  for (let form = reader.next(); form !== undefined; form = reader.next()) {
    if (!isList(form)) throw new ScriptError(`${form} outside of a list`);
    yield form;
  }
}

const ATOM = /[^\s()";]+|;/y;
const STRING = /"(?:[^"\\]|\\[\s\S])*"/y;

class Reader {
  readonly #text: string;
  #pos = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Undefined at the end of the text, and in front of a closing parenthesis. */
  next(): Form | undefined {
    this.#skipSpace();
    const from = this.#pos;
    const char = this.#text[from];
    if (char === undefined || char === ')') return undefined;
    if (char !== '(') return this.#match(char === '"' ? STRING : ATOM);
    this.#pos++;
    const items: Form[] = [];
    for (let item = this.next(); item !== undefined; item = this.next()) items.push(item);
    if (this.#text[this.#pos] !== ')') throw new ScriptError(`a list from character ${from} never ends`);
    this.#pos++;
    return { items, from, to: this.#pos };
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#pos;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) throw new ScriptError(`neither word nor string at character ${this.#pos}`);
    this.#pos += found.length;
    return found;
  }

  /** Space, comments to the end of the line, and comments in `(; ;)`, which nest. */
  #skipSpace(): void {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#pos);
      if (code === 32 || code === 9 || code === 10 || code === 13) this.#pos++;
      else if (text.startsWith(';;', this.#pos)) {
        const end = /[\n\r]/g;
        end.lastIndex = this.#pos;
        this.#pos = end.exec(text)?.index ?? text.length;
      } else if (text.startsWith('(;', this.#pos)) this.#skipComment();
      else return;
    }
  }

  #skipComment(): void {
    let depth = 0;
    const mark = /\(;|;\)/g;
    mark.lastIndex = this.#pos;
    do {
      const found = mark.exec(this.#text);
      if (found === null) throw new ScriptError('a comment never ends');
      depth += found[0] === '(;' ? 1 : -1;
    } while (depth > 0);
    this.#pos = mark.lastIndex;
  }
}

const ESCAPE = /\\(?:u\{([0-9a-fA-F_]+)\}|([0-9a-fA-F]{2})|([tnr"'\\]))/g;
const NAMED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '"': '"', "'": "'", '\\': '\\' };

/** The bytes that a string in quotes stands for. */
export function stringBytes(quoted: string): Uint8Array {
  const inner = quoted.slice(1, -1);
  const parts: Buffer[] = [];
  let from = 0;
  for (const match of inner.matchAll(ESCAPE)) {
    const [all, point, byte, name] = match;
    parts.push(Buffer.from(inner.slice(from, match.index)));
    if (byte !== undefined) parts.push(Buffer.from(byte, 'hex'));
    else if (point !== undefined) parts.push(Buffer.from(String.fromCodePoint(Number.parseInt(point, 16))));
    else parts.push(Buffer.from(NAMED[name ?? '']!));
    from = match.index + all.length;
  }
  parts.push(Buffer.from(inner.slice(from)));
  return new Uint8Array(Buffer.concat(parts));
}

export function stringText(quoted: string): string {
  return new TextDecoder().decode(stringBytes(quoted));
}
