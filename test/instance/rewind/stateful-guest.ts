/** A guest with state of every kind that a rewind puts back, and slots of it as the host makes them. */
import type { CoreInstance } from '../../../host/instance/rewind/core-state.ts';
import { instrument } from '../../../host/instrument/instrument.ts';
import { METER_MODULE } from '../../../host/instrument/meter-imports.ts';
import type { ModuleState } from '../../../host/model/module-state.ts';
import { assemble, compile, type GuestFunction, MeterHost } from '../../instrument/metered.ts';

/**
 * Three memories (one with content at both ends and zeros between, one without any, one of 64 bits), two tables that
 * are written to, globals of each type, and functions that change all of them, growing and trapping ones included.
 */
const GUEST = `(module
  (import "host" "flags" (global $flags (mut i32)))
  (memory $a 24 40)
  (memory $b 2 8)
  (memory $c i64 3 8)
  (data (memory $a) (i32.const 70000) "the first page with content is the second")
  (data (memory $a) (i32.const 1048576) "\\01\\02\\03")
  (data (memory $c) (i64.const 8) "sixty-four")
  (table $functions 8 funcref)
  (table $things 4 externref)
  (elem (table $functions) (i32.const 1) func $one $two)
  (global $i (mut i32) (i32.const -7))
  (global $l (mut i64) (i64.const 0x7fffffffffffffff))
  (global $f (mut f32) (f32.const -0))
  (global $d (mut f64) (f64.const 1e300))
  (global $r (mut funcref) (ref.func $two))
  (global $never i32 (i32.const 3))
  (elem declare func $one $two)
  (func $one (result i32) (i32.const 1))
  (func $two (result i32) (i32.const 2))
  (func (export "storeA") (param i32 i32) (i32.store8 $a (local.get 0) (local.get 1)))
  (func (export "storeB") (param i32 i32) (i32.store8 $b (local.get 0) (local.get 1)))
  (func (export "storeC") (param i32 i32) (i32.store8 $c (i64.extend_i32_u (local.get 0)) (local.get 1)))
  (func (export "fillA") (param i32 i32 i32) (memory.fill $a (local.get 0) (local.get 1) (local.get 2)))
  (func (export "setI") (param i32) (global.set $i (local.get 0)) (global.set $flags (local.get 0)))
  (func (export "setL") (param i64) (global.set $l (local.get 0)))
  (func (export "setF") (param f32) (global.set $f (local.get 0)))
  (func (export "setD") (param f64) (global.set $d (local.get 0)))
  (func (export "setR") (global.set $r (ref.func $one)))
  (func (export "setFunction") (param i32)
    (table.set $functions (local.get 0) (ref.func $one)))
  (func (export "clearFunction") (param i32) (table.set $functions (local.get 0) (ref.null func)))
  (func (export "setThing") (param i32 externref) (table.set $things (local.get 0) (local.get 1)))
  (func (export "growA") (param i32) (result i32) (memory.grow $a (local.get 0)))
  (func (export "growTable") (param i32) (result i32)
    (table.grow $functions (ref.null func) (local.get 0)))
  (func (export "trap") (param i32 i32)
    (i32.store8 $a (local.get 0) (local.get 1))
    (global.set $i (local.get 1))
    (table.set $functions (i32.const 5) (ref.func $one))
    unreachable)
  (func (export "indirect") (param i32) (result i32) (call_indirect $functions (result i32) (local.get 0)))
  (func (export "touch") (param $i i32)
    (loop $again
      (i32.store8 $a (local.get $i) (i32.const 9))
      (local.set $i (i32.add (local.get $i) (i32.const 4096)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 1572864))))))`;

export interface Guest {
  readonly module: WebAssembly.Module;
  readonly state: ModuleState;
}

export async function guestOf(wat: string): Promise<Guest> {
  const { bytes, state } = instrument(await assemble(wat));
  return { module: compile(bytes), state };
}

export const statefulGuest = (): Promise<Guest> => guestOf(GUEST);

export interface Running {
  readonly instances: readonly CoreInstance[];
  readonly exports: WebAssembly.Exports;
  readonly call: (name: string, ...args: unknown[]) => unknown;
}

export function start({ module, state }: Guest): Running {
  const flags = new WebAssembly.Global({ value: 'i32', mutable: true }, 3);
  const host = new MeterHost({ entries: 100n, pages: 100n });
  const { exports } = new WebAssembly.Instance(module, { host: { flags }, [METER_MODULE]: host.imports });
  return {
    instances: [{ state, exports }],
    exports,
    call: (name, ...args) => (exports[name] as GuestFunction)(...args),
  };
}

/** Everything there is to see of an instance. */
export interface Observed {
  readonly memories: readonly Buffer[];
  readonly tables: readonly (readonly unknown[])[];
  readonly globals: readonly unknown[];
}

export function observe({ instances }: Pick<Running, 'instances'>): Observed {
  const memories: Buffer[] = [];
  const tables: unknown[][] = [];
  const globals: unknown[] = [];
  for (const { exports, state } of instances) {
    for (const name of state.memories)
      memories.push(Buffer.from(new Uint8Array((exports[name] as WebAssembly.Memory).buffer)));
    for (const name of state.tables) {
      const table = exports[name] as WebAssembly.Table;
      tables.push(Array.from({ length: table.length }, (_, i) => table.get(i)));
    }
    for (const name of state.globals) globals.push((exports[name] as WebAssembly.Global).value);
  }
  return { memories, tables, globals };
}

/** Where two observations differ, or undefined. Buffers of megabytes are compared here, not by the assertion. */
export function differenceOf(before: Observed, after: Observed): string | undefined {
  for (const [i, memory] of before.memories.entries()) {
    if (!memory.equals(after.memories[i]!)) {
      const at = memory.findIndex((byte, index) => byte !== after.memories[i]![index]);
      return `memory ${i} differs at ${at} of ${memory.length} (${after.memories[i]!.length} after)`;
    }
  }
  for (const [i, table] of before.tables.entries()) {
    const at = table.findIndex((entry, index) => !Object.is(entry, after.tables[i]![index]));
    if (at !== -1 || table.length !== after.tables[i]!.length) return `table ${i} differs at ${at}`;
  }
  const at = before.globals.findIndex((value, index) => !Object.is(value, after.globals[index]));
  return at === -1 ? undefined : `global ${at} differs`;
}
