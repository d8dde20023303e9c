import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { METER_IMPORTS } from '../../host/instrument/meter-imports.ts';
import { FUEL_SLICE } from '../../host/limits/limits.ts';
import { meteredEngine } from '../fuel/guest-program.ts';
import type { Figures } from '../run.ts';

/** Declarations, and what a loop does on each turn: things for which the engine executes far more than the instruction. */
const LOOPS = {
  'nothing but counting': ['', 'nop'],
  'throwing and catching': ['(tag $e)', '(block $h (try_table (catch $e $h) (throw $e)))'],
  'throwing through 100 frames': [
    `(tag $e) (func $deep (param $n i32)
      (if (i32.eqz (local.get $n)) (then (throw $e)))
      (call $deep (i32.sub (local.get $n) (i32.const 1))))`,
    '(block $h (try_table (catch $e $h) (call $deep (i32.const 100))))',
  ],
  'growing a memory by nothing': ['(memory 1)', '(drop (memory.grow (i32.const 0)))'],
  'growing a table by nothing': [
    '(table $t 1 funcref)',
    '(drop (table.grow $t (ref.null func) (i32.const 0)))',
  ],
  'setting an entry': ['(table $t 1 funcref)', '(table.set $t (i32.const 0) (ref.null func))'],
  'initialising no entries': [
    '(table $t 1 funcref) (elem $e func)',
    '(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 0))',
  ],
  'making an array of data': [
    '(type $a (array (mut i32))) (data $d "12345678")',
    '(drop (array.new_data $a $d (i32.const 0) (i32.const 1)))',
  ],
  dividing: [
    '(global $g (mut i64) (i64.const 3))',
    '(global.set $g (i64.div_s (i64.const -1) (i64.or (global.get $g) (i64.const 3))))',
  ],
} as const;

const TURNS = 20_000;
const RUNS = 15;

/** Milliseconds that a slice of each takes, the fastest of RUNS: without what the host does when it is asked for memory. */
export async function measureSlowCode(): Promise<Record<keyof typeof LOOPS, number>> {
  const slices: Partial<Record<keyof typeof LOOPS, number>> = {};
  for (const name of Object.keys(LOOPS) as (keyof typeof LOOPS)[]) {
    const [declarations, turn] = LOOPS[name];
    slices[name] = await sliceMs(declarations, turn);
  }
  return slices as Record<keyof typeof LOOPS, number>;
}

async function sliceMs(declarations: string, turn: string): Promise<number> {
  const fuel = new WebAssembly.Global({ value: 'i64', mutable: true }, 2n ** 60n);
  const engine = meteredEngine(() => {}, undefined, { [METER_IMPORTS.fuel]: fuel });
  const wat = `(module ${declarations} (func (export "run") (param $n i32)
    (loop $again ${turn} (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))`;
  const { run } = engine.instantiate(engine.compile(await parse(wat))).exports as {
    run(turns: number): void;
  };
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    const before = fuel.value;
    const start = performance.now();
    run(TURNS);
    fastest = Math.min(fastest, ((performance.now() - start) * FUEL_SLICE) / Number(before - fuel.value));
  }
  return fastest;
}

export function slowCodeRows(slices: Record<string, number>): Record<string, Figures> {
  return Object.fromEntries(
    Object.entries(slices).map(([name, ms]) => [`a slice of ${name}`, { sliceMs: ms }]),
  );
}
