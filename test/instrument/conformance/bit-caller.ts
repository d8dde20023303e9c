/**
 * Calls a guest's function with bits and gets bits back. JavaScript cannot hold a v128 and need not keep the payload
 * of a NaN, so a module of a few instructions stands between: it takes and gives i32 for f32, i64 for f64 and
 * two i64 for v128.
 */
import { assemble, compile } from '../metered.ts';
import type { Bits, NumericType } from './constants.ts';

const BITS: Readonly<Record<NumericType, string>> = {
  i32: 'i32',
  i64: 'i64',
  f32: 'i32',
  f64: 'i64',
  v128: 'i64 i64',
};
const WIDTH: Readonly<Record<NumericType, number>> = { i32: 1, i64: 1, f32: 1, f64: 1, v128: 2 };

function toValue(type: NumericType, parameter: number): string {
  switch (type) {
    case 'i32':
    case 'i64':
      return `local.get ${parameter}`;
    case 'f32':
      return `local.get ${parameter} f32.reinterpret_i32`;
    case 'f64':
      return `local.get ${parameter} f64.reinterpret_i64`;
    case 'v128':
      return `local.get ${parameter} i64x2.splat local.get ${parameter + 1} i64x2.replace_lane 1`;
  }
}

function toBits(type: NumericType, local: string): string {
  switch (type) {
    case 'i32':
    case 'i64':
      return `local.get ${local}`;
    case 'f32':
      return `local.get ${local} i32.reinterpret_f32`;
    case 'f64':
      return `local.get ${local} i64.reinterpret_f64`;
    case 'v128':
      return `local.get ${local} i64x2.extract_lane 0 local.get ${local} i64x2.extract_lane 1`;
  }
}

function callerText(parameters: readonly NumericType[], results: readonly NumericType[]): string {
  let index = 0;
  const pushes = parameters.map((type) => {
    const push = toValue(type, index);
    index += WIDTH[type];
    return push;
  });
  return `(module
    (import "callee" "f" (func $f (param ${parameters.join(' ')}) (result ${results.join(' ')})))
    (func (export "call") (param ${parameters.map((type) => BITS[type]).join(' ')}) (result ${results.map((type) => BITS[type]).join(' ')})
      ${results.map((type, i) => `(local $r${i} ${type})`).join(' ')}
      ${pushes.join(' ')} call $f ${results.map((_, i) => `local.set $r${results.length - 1 - i}`).join(' ')}
      ${results.map((type, i) => toBits(type, `$r${i}`)).join(' ')}))`;
}

export type BitFunction = (bits: readonly Bits[]) => readonly (readonly Bits[])[];

const modules = new Map<string, WebAssembly.Module>();
const callers = new WeakMap<object, Map<string, BitFunction>>();

/** Throws a LinkError if `callee` has another type. */
export async function bitCaller(
  callee: WebAssembly.ExportValue,
  parameters: readonly NumericType[],
  results: readonly NumericType[],
): Promise<BitFunction> {
  const signature = `${parameters.join(' ')} -> ${results.join(' ')}`;
  const known = callers.get(callee)?.get(signature);
  if (known !== undefined) return known;
  const module = modules.get(signature) ?? compile(await assemble(callerText(parameters, results)));
  modules.set(signature, module);
  const instance = new WebAssembly.Instance(module, { callee: { f: callee } });
  const call = instance.exports['call'] as (...bits: Bits[]) => unknown;
  const made: BitFunction = (bits) => {
    const given = call(...bits);
    const flat = (given === undefined ? [] : Array.isArray(given) ? given : [given]) as Bits[];
    let index = 0;
    return results.map((type) => {
      index += WIDTH[type];
      return flat.slice(index - WIDTH[type], index);
    });
  };
  const ofCallee = callers.get(callee) ?? new Map<string, BitFunction>();
  callers.set(callee, ofCallee.set(signature, made));
  return made;
}
