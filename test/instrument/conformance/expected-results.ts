/** Whether a result is what a test script expects; the patterns for NaNs and references included. */
import { type Bits, lanesOf, readConstant } from './constants.ts';
import { headOf, isList, type List } from './s-expression.ts';

/** One result: the bits of a number or vector, or a reference. */
export type Result = { readonly bits: readonly Bits[] } | { readonly reference: unknown };

const F32_QUIET = 0x00400000n;
const F64_QUIET = 0x0008000000000000n;
const F32_INFINITE = 0x7f800000n;
const F64_INFINITE = 0x7ff0000000000000n;

export function matches(result: Result, expected: List): boolean {
  const head = headOf(expected) ?? '';
  if (head === 'either') return expected.items.slice(1).some((form) => isList(form) && matches(result, form));
  if ('reference' in result) return matchesReference(result.reference, head, expected);
  const words = expected.items.slice(1) as string[];
  if (head === 'v128.const') return matchesVector(result.bits, words);
  if (head === 'f32.const' || head === 'f64.const') {
    const [word = ''] = words;
    if (word.startsWith('nan:') && !word.startsWith('nan:0x'))
      return isNan(BigInt(result.bits[0]!), head === 'f32.const', word);
  }
  if (!head.endsWith('.const')) return false;
  const constant = readConstant(expected);
  return constant.type !== 'reference' && constant.bits[0] === result.bits[0];
}

function matchesReference(value: unknown, head: string, expected: List): boolean {
  switch (head) {
    case 'ref.null':
      return value === null;
    case 'ref.func':
      return typeof value === 'function';
    case 'ref.i31':
      return typeof value === 'number';
    case 'ref.struct':
    case 'ref.array':
      return typeof value === 'object' && value !== null;
    case 'ref.extern':
    case 'ref.host': {
      if (expected.items.length === 1) return value !== null;
      const constant = readConstant(expected);
      return constant.type === 'reference' && constant.value === value;
    }
    case 'ref.eq':
    case 'ref.any':
      return value !== null;
    default:
      return false;
  }
}

function isNan(bits: bigint, isSingle: boolean, pattern: string): boolean {
  const unsigned = BigInt.asUintN(isSingle ? 31 : 63, bits);
  const quiet = (isSingle ? F32_INFINITE : F64_INFINITE) | (isSingle ? F32_QUIET : F64_QUIET);
  return pattern === 'nan:canonical' ? unsigned === quiet : (unsigned & quiet) === quiet;
}

function matchesVector(bits: readonly Bits[], [shape = '', ...lanes]: readonly string[]): boolean {
  const { bytes } = lanesOf(shape);
  const whole = BigInt.asUintN(64, BigInt(bits[0]!)) | (BigInt.asUintN(64, BigInt(bits[1]!)) << 64n);
  const laneAt = (all: bigint, i: number): bigint => BigInt.asUintN(8 * bytes, all >> BigInt(8 * bytes * i));
  const numbers = lanes.map((lane) => (/^nan:[ac]/.test(lane) ? '0' : lane));
  const constant = readConstant({ items: ['v128.const', shape, ...numbers], from: 0, to: 0 });
  if (constant.type !== 'v128') return false;
  const [low, high] = constant.bits as bigint[];
  const expected = BigInt.asUintN(64, low!) | (BigInt.asUintN(64, high!) << 64n);
  return lanes.every((lane, i) =>
    /^nan:[ac]/.test(lane)
      ? isNan(laneAt(whole, i), bytes === 4, lane)
      : laneAt(whole, i) === laneAt(expected, i),
  );
}
