import test from 'ava';
import { isValid } from '../metered.ts';
import { Random, seedOf } from '../random.ts';
import { type Comparison, compareModule } from './differential.ts';
import { EVERYTHING, INTERPRETED, WasmOpt } from './wasm-opt.ts';

const seed = seedOf('MAYFLY_TEST_SEED');
const wasmOpt = new WasmOpt();
test.after.always(() => wasmOpt[Symbol.dispose]());

/** Compares `count` random modules; a failure names the one that it came from. */
async function compareModules(count: number, features: readonly string[], salt: number): Promise<Comparison> {
  const sum: Comparison = { calls: 0, traps: 0, exceptions: 0, ranOut: false, counted: 0, fuel: 0 };
  for (let i = 0; i < count; i++) {
    const random = new Random(Math.imul(seed + i, 0x9e3779b1) ^ salt);
    const bytes = Uint8Array.from({ length: 500 + random.below(6_000) }, () => random.below(256));
    const module = await wasmOpt.translate(bytes, features);
    if (module === undefined || !isValid(module)) continue;
    const compared = await compareModule(module, random).catch((error: unknown) => {
      throw new Error(`module ${i} of seed ${seed}`, { cause: error });
    });
    if (compared === undefined) continue;
    sum.calls += compared.calls;
    sum.traps += compared.traps;
    sum.exceptions += compared.exceptions;
    sum.counted += compared.counted;
    sum.fuel += compared.fuel;
  }
  return sum;
}

test(`random modules give the same results and traps, and take the fuel that the reference counts (seed ${seed})`, async (t) => {
  t.timeout(300_000);
  const { calls, traps, counted, fuel } = await compareModules(60, INTERPRETED, 1);
  t.log({ calls, traps, counted, fuel });
  t.true(calls > 300 && traps > 20, `${calls} calls, ${traps} traps`);
  t.true(counted > calls * 0.9, `fuel of ${counted} of ${calls} calls was compared`);
  t.true(fuel > 10_000, `${fuel}`);
});

test(`random modules with objects and every other proposal give the same results and traps (seed ${seed})`, async (t) => {
  t.timeout(300_000);
  const { calls, traps } = await compareModules(25, EVERYTHING, 2);
  t.log({ calls, traps });
  t.true(calls > 100 && traps > 10, `${calls} calls, ${traps} traps`);
});
