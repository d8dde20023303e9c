import test from 'ava';
import { assemble, isValid } from '../metered.ts';
import { FIXED_SEED, Random, seedOf } from '../random.ts';
import { MAX_EXCESS, randomControlFlow } from './control-flow.ts';
import { type Comparison, compareModule, noComparison } from './differential.ts';
import { EVERYTHING, INTERPRETED, WasmOpt } from './wasm-opt.ts';

const seed = seedOf('MAYFLY_TEST_SEED');
/** Works in files of one name: the tests below take turns. */
const wasmOpt = new WasmOpt();
test.after.always(() => wasmOpt[Symbol.dispose]());

/** Compares `count` random modules of a seed; a failure names the one that it came from. */
async function compareModules(
  seed: number,
  count: number,
  features: readonly string[],
  salt: number,
): Promise<Comparison> {
  const sum = noComparison();
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

test.serial(
  `random modules give the same results and traps, and take the fuel that the reference counts (seed ${seed})`,
  async (t) => {
    t.timeout(300_000);
    t.log(await compareModules(seed, 45, INTERPRETED, 1));
    t.pass();
  },
);

test.serial(
  `random modules with objects and every other proposal give the same results and traps (seed ${seed})`,
  async (t) => {
    t.timeout(300_000);
    t.log(await compareModules(seed, 17, EVERYTHING, 2));
    t.pass();
  },
);

test.serial(
  `random control flow takes the fuel that the reference counts, and runs out where that goes on (seed ${seed})`,
  async (t) => {
    t.timeout(300_000);
    const sum = { calls: 0, counted: 0, ranOut: 0 };
    for (let i = 0; i < 400; i++) {
      const random = new Random(Math.imul(seed + i, 0x9e3779b1) ^ 3);
      const compared = await compareModule(await assemble(randomControlFlow(random)), random).catch(
        (error: unknown) => {
          throw new Error(`module ${i} of seed ${seed}`, { cause: error });
        },
      );
      sum.calls += compared!.calls;
      sum.counted += compared!.counted;
      if (compared!.ranOut) sum.ranOut++;
      t.true(
        compared!.excess < MAX_EXCESS,
        `module ${i} of seed ${seed}: ${compared!.excess} units too many`,
      );
    }
    t.log(sum);
    // Some 1,450 and 56, by the seed.
    t.true(sum.counted > 500 && sum.ranOut > 10, JSON.stringify(sum));
  },
);

test.serial('random modules can be called, trap now and then, and do something before that', async (t) => {
  t.timeout(300_000);
  const { calls, traps, counted, fuel } = await compareModules(FIXED_SEED, 15, INTERPRETED, 1);
  t.true(calls > 75 && traps > 5, `${calls} calls, ${traps} traps`);
  t.true(counted > calls * 0.9, `fuel of ${counted} of ${calls} calls was compared`);
  t.true(fuel > 2_500, `${fuel}`);
  const objects = await compareModules(FIXED_SEED, 8, EVERYTHING, 2);
  t.true(objects.calls > 32 && objects.traps > 3, `${objects.calls} calls, ${objects.traps} traps`);
});
