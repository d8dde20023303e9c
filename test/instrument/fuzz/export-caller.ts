/** Calls exports of a guest with bits, whatever their types: references go in as null and come out as whether they are. */
import { assemble, compile } from '../metered.ts';
import type { FunctionType, ValueType } from './machine/value-type.ts';

export type Bits = readonly (number | bigint)[];
export type BitsFunction = (bits: Bits) => Bits;

const BITS = {
  i32: ['i32'],
  i64: ['i64'],
  f32: ['i32'],
  f64: ['i64'],
  v128: ['i64', 'i64'],
  ref: [],
} as const;

/** How many numbers stand for the parameters, by type. */
export function parameterBits({ parameters }: FunctionType): readonly ('i32' | 'i64')[] {
  return parameters.flatMap(({ kind }) => BITS[kind]);
}

/** A reference that cannot be null cannot be made here; nor can a type of the module be named. */
export function isCallable({ parameters, results }: FunctionType): boolean {
  const isNamed = ({ text }: ValueType): boolean => text !== undefined;
  return (
    [...parameters, ...results].every(isNamed) &&
    parameters.every(({ kind, isNullable }) => kind !== 'ref' || isNullable)
  );
}

function push({ kind, text }: ValueType, at: number): string {
  switch (kind) {
    case 'i32':
    case 'i64':
      return `local.get ${at}`;
    case 'f32':
      return `local.get ${at} f32.reinterpret_i32`;
    case 'f64':
      return `local.get ${at} f64.reinterpret_i64`;
    case 'v128':
      return `local.get ${at} i64x2.splat local.get ${at + 1} i64x2.replace_lane 1`;
    case 'ref':
      return `ref.null ${/(\w+)\)$/.exec(text!)![1]}`;
  }
}

function toBits(kind: ValueType['kind'], i: number): string {
  const get = `local.get $r${i}`;
  switch (kind) {
    case 'i32':
    case 'i64':
      return get;
    case 'f32':
      return `${get} i32.reinterpret_f32`;
    case 'f64':
      return `${get} i64.reinterpret_f64`;
    case 'v128':
      return `${get} i64x2.extract_lane 0 ${get} i64x2.extract_lane 1`;
    case 'ref':
      return `${get} ref.is_null`;
  }
}

function callerText(type: FunctionType): string {
  const { parameters, results } = type;
  let at = 0;
  const pushes = parameters.map((parameter) => {
    const text = push(parameter, at);
    at += BITS[parameter.kind].length;
    return text;
  });
  const given = results.flatMap(({ kind }) => (kind === 'ref' ? ['i32'] : BITS[kind]));
  // A local begins as null, even where the result never is.
  const locals = results.map(
    ({ text }, i) => `(local $r${i} ${text!.replace(/^\(ref (?!null)/, '(ref null ')})`,
  );
  return `(module
    (import "c" "f" (func $f (param ${parameters.map(({ text }) => text).join(' ')}) (result ${results.map(({ text }) => text).join(' ')})))
    (func (export "f") (param ${parameterBits(type).join(' ')}) (result ${given.join(' ')}) ${locals.join(' ')}
      ${pushes.join(' ')} call $f ${results.map((_, i) => `local.set $r${results.length - 1 - i}`).join(' ')}
      ${results.map(({ kind }, i) => toBits(kind, i)).join(' ')}))`;
}

const modules = new Map<string, WebAssembly.Module>();

/** Undefined where the function's type is one that looks like `type` only. */
export async function exportCaller(
  callee: WebAssembly.ExportValue,
  type: FunctionType,
): Promise<BitsFunction | undefined> {
  const text = callerText(type);
  const module = modules.get(text) ?? compile(await assemble(text));
  modules.set(text, module);
  try {
    const { exports } = new WebAssembly.Instance(module, { c: { f: callee } });
    const call = exports['f'] as (...bits: (number | bigint)[]) => unknown;
    return (bits) => {
      const given = call(...bits);
      return (given === undefined ? [] : Array.isArray(given) ? given : [given]) as Bits;
    };
  } catch (error) {
    if (error instanceof WebAssembly.LinkError) return undefined;
    throw error;
  }
}
