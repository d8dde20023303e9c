/**
 * Header and trailer fields with wasi:http semantics: a multimap in order, names compared without case and kept
 * as given, values bytes. Both versions of the interface extend it (types-0.2.ts, types-0.3.ts).
 *
 * 1. Every name is an RFC 9110 token, every value free of control characters except tab: what is in here can go
 *    on a wire without splitting a message.
 * 2. Names in FORBIDDEN are never in it: connection management is the host's.
 * 3. Names and values together stay below MAX_FIELDS_BYTES, their number below MAX_FIELDS: fields live in host
 *    memory, out of the reach of the guest's memory limit.
 */
import type { HeaderList } from '../context.ts';
import { latin1 } from '../io/latin1.ts';
import { ResultError } from '../io/result-error.ts';
import type { FieldsBudget } from './fields-budget.ts';

export type HeaderErrorTag = 'invalid-syntax' | 'forbidden' | 'immutable' | 'size-exceeded';
export type FieldEntry = [name: string, value: Uint8Array];

/** Hop-by-hop fields and those that say where a connection leads. wasmtime forbids the same, `te` aside. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** FUNCTION_LIMITS.headerBytes.hard and headerCount.hard: no message can be larger. */
const MAX_FIELDS_BYTES = 1024 * 1024;
const MAX_FIELDS = 2_000;
/** A line feed behind each name and each value. Of a longer text the engine could make an array of lines that it ends the process for. */
const MAX_TEXT_LENGTH = MAX_FIELDS_BYTES + 2 * MAX_FIELDS;

const CONTENT_LENGTH = 'content-length';

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Names that most messages have, as they pass `TOKEN` and are none of the forbidden: to look at each character of them took 1.4 µs a field. */
const USUAL_NAMES: ReadonlySet<string> = new Set([
  'accept',
  'authorization',
  'cache-control',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'etag',
  'location',
  'set-cookie',
  'user-agent',
  'vary',
]);

/** A character that is not a byte. */
const NO_BYTE = /[^\0-\xff]/;

interface Field {
  readonly name: string;
  readonly key: string;
  readonly value: Uint8Array;
}

/** What handlers of the SDK answer with, as `parse` gets it; made once, and never written to. */
const USUAL_FIELDS: ReadonlyMap<string, Field> = new Map(
  ['text/plain;charset=UTF-8', 'application/json'].map((type) => [
    `content-type\n${type}\n`,
    { name: 'content-type', key: 'content-type', value: Buffer.from(type, 'latin1') },
  ]),
);

export class FieldMap {
  #fields: Field[] = [];
  #bytes = 0;
  /** What the fields declare, once somebody has asked or told; until another field comes. */
  #declaredLength: number | undefined;
  #isImmutable = false;
  #budget: FieldsBudget | undefined;

  /** Fills a new map from a guest's list. */
  protected static fill<T extends FieldMap>(map: T, entries: readonly FieldEntry[]): T {
    for (let i = 0; i < entries.length; i++) map.append(entries[i]![0], entries[i]![1]);
    return map;
  }

  /** Fills a new map from text: for each field its name and its value, each followed by a line feed; characters are bytes. */
  static parse<T extends FieldMap>(map: T, text: string): T {
    if (text === '') return map;
    const usual = USUAL_FIELDS.get(text);
    if (usual !== undefined) {
      (map as FieldMap).#add(usual);
      return map;
    }
    if (text.length > MAX_TEXT_LENGTH) throw headerError((map as FieldMap).sizeError());
    const lines = text.split('\n');
    // The last line feed ends a value.
    if (lines.length % 2 === 0 || lines.at(-1) !== '' || NO_BYTE.test(text))
      throw headerError('invalid-syntax');
    for (let at = 0; at + 1 < lines.length; at += 2)
      map.append(lines[at]!, Buffer.from(lines[at + 1]!, 'latin1'));
    return map;
  }

  /** The same the other way, with names in lower case. */
  static toText(map: FieldMap): string {
    let text = '';
    for (const { key, value } of map.#fields) text += `${key}\n${latin1(value)}\n`;
    return text;
  }

  static countOf(map: FieldMap): number {
    return map.#fields.length;
  }

  /** Charges what the map holds, and all that is copied from it, to an invocation. */
  static fund<T extends FieldMap>(map: T, budget: FieldsBudget): T {
    const target: FieldMap = map;
    target.#budget = budget;
    budget.charge(target.#fields.length, target.#bytes);
    return map;
  }

  /** Charges a part of the request line of the message that they are of. */
  static chargeText(map: FieldMap, text: string): void {
    map.#budget?.chargeText(text);
  }

  /** What came from a wire: forbidden fields are left out, the rest was checked by the parser. */
  static readFrom<T extends FieldMap>(map: T, list: HeaderList): T {
    const target: FieldMap = map;
    for (const [name, value] of list) {
      const key = name.toLowerCase();
      if (FORBIDDEN.has(key)) continue;
      target.#fields.push({ name, key, value });
      target.#bytes += name.length + value.length;
    }
    target.#isImmutable = true;
    return map;
  }

  /** An independent copy, for `clone` (mutable) or for handing out a message's own fields (immutable). */
  static copyInto<T extends FieldMap>(map: T, from: FieldMap, isImmutable: boolean): T {
    const target: FieldMap = map;
    target.#fields = from.#fields.slice();
    target.#bytes = from.#bytes;
    target.#isImmutable = isImmutable;
    return from.#budget === undefined ? map : FieldMap.fund(map, from.#budget);
  }

  /** Whether it was made by a constructor here, and not by the glue for a handle that it did not know. */
  static isGenuine(map: FieldMap): boolean {
    return #fields in map;
  }

  static freeze(map: FieldMap): void {
    map.#isImmutable = true;
  }

  static toList(map: FieldMap): HeaderList {
    return map.#fields.map(({ name, value }) => [name, value] as const);
  }

  /** Says how long the body is, if nothing else has. */
  static declareLength(map: FieldMap, length: number): void {
    if (map.has(CONTENT_LENGTH)) return;
    map.#add({ name: CONTENT_LENGTH, key: CONTENT_LENGTH, value: Buffer.from(String(length), 'latin1') });
    map.#declaredLength = length;
  }

  /** The declared body length, or `undefined`; `'invalid'` for lengths that contradict or are no number. */
  static contentLength(map: FieldMap): number | 'invalid' | undefined {
    if (map.#declaredLength !== undefined) return map.#declaredLength;
    let declared: Uint8Array | undefined;
    for (const { key, value } of map.#fields) {
      if (key !== CONTENT_LENGTH) continue;
      if (declared !== undefined && Buffer.compare(value, declared) !== 0) return 'invalid';
      declared = value;
    }
    if (declared === undefined) return undefined;
    const length = decimal(declared);
    if (length === undefined) return 'invalid';
    map.#declaredLength = length;
    return length;
  }

  get(name: string): Uint8Array[] {
    const key = name.toLowerCase();
    return this.#fields.filter((field) => field.key === key).map(({ value }) => value);
  }

  has(name: string): boolean {
    const key = name.toLowerCase();
    return this.#fields.some((field) => field.key === key);
  }

  /** Replaces all values of the name. */
  set(name: string, values: readonly Uint8Array[]): void {
    const key = this.#writableKey(name);
    const added = values.map((value) => ({ name, key, value: checkedValue(value) }));
    const kept = this.#fields.filter((field) => field.key !== key);
    this.#replace([...kept, ...added]);
  }

  delete(name: string): void {
    const key = this.#writableKey(name);
    this.#replace(this.#fields.filter((field) => field.key !== key));
  }

  append(name: string, value: Uint8Array): void {
    const key = this.#writableKey(name);
    this.#add({ name, key, value: checkedValue(value) });
  }

  #add(field: Field): void {
    const bytes = this.#bytes + sizeOf(field);
    this.#checkSize(this.#fields.length + 1, bytes);
    this.#budget?.charge(1, sizeOf(field));
    this.#fields.push(field);
    this.#bytes = bytes;
    this.#declaredLength = undefined;
  }

  protected list(): FieldEntry[] {
    return this.#fields.map(({ name, value }) => [name, value]);
  }

  protected removed(name: string): Uint8Array[] {
    const values = this.get(name);
    this.delete(name);
    return values;
  }

  /** 0.2 has no case of its own for it. */
  protected sizeError(): HeaderErrorTag {
    return 'invalid-syntax';
  }

  #writableKey(name: string): string {
    const key = USUAL_NAMES.has(name) ? name : checkedKey(name);
    if (this.#isImmutable) throw headerError('immutable');
    return key;
  }

  #replace(fields: Field[]): void {
    const bytes = fields.reduce((sum, field) => sum + sizeOf(field), 0);
    this.#checkSize(fields.length, bytes);
    this.#budget?.charge(fields.length, bytes);
    this.#fields = fields;
    this.#bytes = bytes;
    this.#declaredLength = undefined;
  }

  #checkSize(count: number, bytes: number): void {
    if (count > MAX_FIELDS || bytes > MAX_FIELDS_BYTES) throw headerError(this.sizeError());
  }
}

export function headerError(tag: HeaderErrorTag): ResultError<{ readonly tag: HeaderErrorTag }> {
  return new ResultError({ tag });
}

/** A name to compare with. */
function checkedKey(name: string): string {
  if (!TOKEN.test(name)) throw headerError('invalid-syntax');
  const key = name.toLowerCase();
  if (FORBIDDEN.has(key)) throw headerError('forbidden');
  return key;
}

function checkedValue(value: Uint8Array): Uint8Array {
  for (let i = 0; i < value.length; i++) {
    const byte = value[i]!;
    if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) throw headerError('invalid-syntax');
  }
  return value;
}

/** At most 16 digits that stand for a safe integer. */
function decimal(digits: Uint8Array): number | undefined {
  if (digits.length === 0 || digits.length > 16) return undefined;
  let value = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits[i]! - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return Number.isSafeInteger(value) ? value : undefined;
}

function sizeOf({ name, value }: Field): number {
  return name.length + value.length;
}
