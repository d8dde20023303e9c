/**
 * Arguments and expected results of a test script, as the bits that JavaScript can hold without loss: i32 and f32
 * as a number, i64 and f64 as a bigint, v128 as two bigints. References stay what they are in JavaScript.
 */
import { headOf, isList, type List, ScriptError } from './s-expression.ts';

export type NumericType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';
export type Bits = number | bigint;

export interface NumericConstant {
  readonly type: NumericType;
  readonly bits: readonly Bits[];
}

export interface ReferenceConstant {
  readonly type: 'reference';
  readonly value: unknown;
}

export type Constant = NumericConstant | ReferenceConstant;

const scratch = new DataView(new ArrayBuffer(16));

/** Host values that scripts number: one object for each number, so that identity can be compared. */
const hostValues = new Map<string, object>();
function hostValue(name: string): object {
  const known = hostValues.get(name);
  if (known !== undefined) return known;
  const made = { name };
  hostValues.set(name, made);
  return made;
}

function words(form: List): string[] {
  return form.items.map((item) => {
    if (isList(item)) throw new ScriptError('a list inside a constant');
    return item;
  });
}

/** `(i32.const 1)`, `(v128.const i8x16 ...)`, `(ref.null func)`, `(ref.extern 3)`. */
export function readConstant(form: List): Constant {
  const [head = '', ...rest] = words(form);
  switch (head) {
    case 'i32.const':
    case 'i64.const':
    case 'f32.const':
    case 'f64.const': {
      const type = head.slice(0, 3) as 'i32' | 'i64' | 'f32' | 'f64';
      return { type, bits: [laneBits(type, rest[0]!)] };
    }
    case 'v128.const':
      return { type: 'v128', bits: vectorBits(rest[0]!, rest.slice(1)) };
    case 'ref.null':
      return { type: 'reference', value: null };
    case 'ref.extern':
    case 'ref.host':
      return { type: 'reference', value: hostValue(rest[0]!) };
    default:
      throw new ScriptError(`${head} is no constant`);
  }
}

type LaneType = 'i8' | 'i16' | 'i32' | 'i64' | 'f32' | 'f64';
const LANE_BYTES: Readonly<Record<LaneType, number>> = { i8: 1, i16: 2, i32: 4, i64: 8, f32: 4, f64: 8 };

function writeLane(type: LaneType, at: number, word: string): void {
  switch (type) {
    case 'i8':
      scratch.setInt8(at, Number(integer(word)));
      return;
    case 'i16':
      scratch.setInt16(at, Number(integer(word)), true);
      return;
    case 'i32':
      scratch.setInt32(at, Number(BigInt.asIntN(32, integer(word))), true);
      return;
    case 'i64':
      scratch.setBigInt64(at, BigInt.asIntN(64, integer(word)), true);
      return;
    case 'f32': {
      const nan = nanBits(word, 0x400000n);
      if (nan === undefined) scratch.setFloat32(at, float(word, true), true);
      else scratch.setInt32(at, Number(BigInt.asIntN(32, 0x7f800000n | nan | sign(word, 31n))), true);
      return;
    }
    case 'f64': {
      const nan = nanBits(word, 0x8000000000000n);
      if (nan === undefined) scratch.setFloat64(at, float(word, false), true);
      else scratch.setBigInt64(at, BigInt.asIntN(64, 0x7ff0000000000000n | nan | sign(word, 63n)), true);
    }
  }
}

function laneBits(type: 'i32' | 'i64' | 'f32' | 'f64', word: string): Bits {
  writeLane(type, 0, word);
  return LANE_BYTES[type] === 4 ? scratch.getInt32(0, true) : scratch.getBigInt64(0, true);
}

/** `i8x16`: the type of a lane, and its number of lanes. */
export function lanesOf(shape: string): { type: LaneType; bytes: number } {
  const type = shape.slice(0, shape.indexOf('x')) as LaneType;
  return { type, bytes: LANE_BYTES[type] };
}

function vectorBits(shape: string, lanes: readonly string[]): Bits[] {
  const { type, bytes } = lanesOf(shape);
  for (const [i, lane] of lanes.entries()) writeLane(type, i * bytes, lane);
  return [scratch.getBigInt64(0, true), scratch.getBigInt64(8, true)];
}

function integer(word: string): bigint {
  const digits = word.replaceAll('_', '').replace(/^[+-]/, '');
  return word.startsWith('-') ? -BigInt(digits) : BigInt(digits);
}

function sign(word: string, bit: bigint): bigint {
  return word.startsWith('-') ? 1n << bit : 0n;
}

/** The payload of a NaN; undefined where the word is a number. */
function nanBits(word: string, quiet: bigint): bigint | undefined {
  const match = /^[+-]?nan(?::(.*))?$/.exec(word);
  if (match === null) return undefined;
  const payload = match[1];
  return payload?.startsWith('0x') ? integer(payload) : quiet;
}

function float(word: string, isSingle: boolean): number {
  const text = word.replaceAll('_', '');
  const magnitude = text.replace(/^[+-]/, '');
  const value =
    magnitude === 'inf'
      ? Infinity
      : magnitude.startsWith('0x')
        ? hexFloat(magnitude, isSingle)
        : decimal(magnitude, isSingle);
  return text.startsWith('-') ? -value : value;
}

/**
 * A decimal rounded once: setFloat32 would round what `Number` has rounded already, so the exact value decides
 * where the first rounding landed right between two floats.
 */
function decimal(text: string, isSingle: boolean): number {
  const value = Number(text);
  if (!isSingle || Math.fround(value) === value) return value;
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const power = Number(exponent) - fraction.length;
  const digits = BigInt(whole + fraction);
  const ten = 10n ** BigInt(Math.abs(power));
  return roundRatio(power < 0 ? digits : digits * ten, power < 0 ? ten : 1n, isSingle);
}

function hexFloat(text: string, isSingle: boolean): number {
  const [mantissa = '', exponent = '0'] = text.slice(2).toLowerCase().split('p');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = BigInt(`0x${whole}${fraction}`);
  const power = Number(exponent) - 4 * fraction.length;
  const two = 1n << BigInt(Math.abs(power));
  return roundRatio(power < 0 ? digits : digits * two, power < 0 ? two : 1n, isSingle);
}

/** `numerator / denominator` rounded to the nearest float, ties to even. */
function roundRatio(numerator: bigint, denominator: bigint, isSingle: boolean): number {
  if (numerator === 0n) return 0;
  const precision = isSingle ? 24 : 53;
  const lowest = isSingle ? -149 : -1074;
  const length = numerator.toString(2).length - denominator.toString(2).length;
  let exponent = Math.max(length - precision, lowest);
  let scaled = divideEven(numerator, denominator, exponent);
  if (scaled >= 1n << BigInt(precision)) scaled = divideEven(numerator, denominator, ++exponent);
  // In two steps: 2 ** -1074 is a number, but 2 ** exponent of a large value may not be.
  const half = Math.trunc(exponent / 2);
  return Number(scaled) * 2 ** half * 2 ** (exponent - half);
}

function divideEven(numerator: bigint, denominator: bigint, exponent: number): bigint {
  const shift = 1n << BigInt(Math.abs(exponent));
  const top = exponent < 0 ? numerator * shift : numerator;
  const bottom = exponent < 0 ? denominator : denominator * shift;
  const quotient = top / bottom;
  const twice = 2n * (top % bottom);
  const roundsUp = twice > bottom || (twice === bottom && quotient % 2n === 1n);
  return roundsUp ? quotient + 1n : quotient;
}

/** The types of arguments or results, in so far as all are numeric. */
export function numericTypes(forms: readonly List[]): readonly NumericType[] | undefined {
  const types = forms.map((form) => /^(i32|i64|f32|f64|v128)\.const$/.exec(headOf(form) ?? '')?.[1]);
  return types.every((type) => type !== undefined) ? (types as NumericType[]) : undefined;
}
