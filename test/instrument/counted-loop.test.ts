import { print } from '@bytecodealliance/jco-transpile/wasm-tools';
import test, { type ExecutionContext } from 'ava';
import { CHUNK, TURNS_CHARGE } from '../../host/instrument/cost-model.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import { assemble, meter } from './metered.ts';
import { FIXED_SEED, Random, seedOf } from './random.ts';

/** A way to go on: `i <comparison> b`, with each operand as it would be read. */
const COMPARISONS: Readonly<Record<string, (i: number, b: number) => boolean>> = {
  ne: (i, b) => i !== b,
  lt_u: (i, b) => i >>> 0 < b >>> 0,
  le_u: (i, b) => i >>> 0 <= b >>> 0,
  gt_u: (i, b) => i >>> 0 > b >>> 0,
  ge_u: (i, b) => i >>> 0 >= b >>> 0,
  lt_s: (i, b) => i < b,
  le_s: (i, b) => i <= b,
  gt_s: (i, b) => i > b,
  ge_s: (i, b) => i >= b,
};
const MIRRORED: Readonly<Record<string, string>> = { ne: 'ne', lt: 'gt', gt: 'lt', le: 'ge', ge: 'le' };
const MAX_TURNS = 30_000;

interface Loop {
  readonly comparison: string;
  /** Undefined: the parameter $s. */
  readonly step?: number;
  /** Undefined: the parameter $b. */
  readonly bound?: number;
  readonly form: 'tee' | 'get' | 'mirrored tee' | 'mirrored get' | 'to zero';
}

const COUNT = ['local.get $n', 'i32.const 1', 'i32.add', 'local.set $n'];

/** The instructions of one turn, the branch not among them. */
function turn({ comparison, step, bound, form }: Loop): readonly string[] {
  const [name, sign] = comparison.split('_') as [string, string | undefined];
  const compare = `i32.${comparison}`;
  const mirrored = `i32.${MIRRORED[name]}${sign === undefined ? '' : `_${sign}`}`;
  const amount = step === undefined ? 'local.get $s' : `i32.const ${step}`;
  const limit = bound === undefined ? 'local.get $b' : `i32.const ${bound}`;
  const sum = ['local.get $i', amount, 'i32.add'];
  switch (form) {
    case 'tee':
      return [...COUNT, ...sum, 'local.tee $i', limit, compare];
    case 'get':
      return [...sum, 'local.set $i', ...COUNT, 'local.get $i', limit, compare];
    case 'mirrored tee':
      return [...COUNT, limit, ...sum, 'local.tee $i', mirrored];
    case 'mirrored get':
      return [...sum, 'local.set $i', ...COUNT, limit, 'local.get $i', mirrored];
    case 'to zero':
      return [...COUNT, ...sum, 'local.tee $i'];
  }
}

function module(loops: readonly Loop[]): string {
  const functions = loops.map(
    (loop, k) =>
      `(func (export "f${k}") (param $i i32) (param $b i32) (param $s i32) (result i32) (local $n i32)
        loop ${turn(loop).join(' ')} br_if 0 end local.get $n)`,
  );
  return `(module ${functions.join('\n')})`;
}

/** How many turns the loop makes, or undefined for too many. */
function turnsOf(loop: Loop, from: number, b: number, s: number): number | undefined {
  const goesOn = COMPARISONS[loop.comparison]!;
  let i = from;
  for (let turns = 1; turns <= MAX_TURNS; turns++) {
    i = (i + (loop.step ?? s)) | 0;
    if (!goesOn(i, loop.form === 'to zero' ? 0 : (loop.bound ?? b))) return turns;
  }
  return undefined;
}

const seed = seedOf('MAYFLY_TEST_SEED');
const EDGES = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 100, -100];

/** Calls each loop as often as `attempts` says, and compares those that end; gives the loops, and how many calls ended. */
async function compareLoops(
  t: ExecutionContext,
  seed: number,
  attempts: number,
): Promise<{ readonly loops: number; readonly compared: number }> {
  const random = new Random(seed);
  const near = (at: number, width: number): number => (at + random.below(2 * width + 1) - width) | 0;
  const loops: Loop[] = [];
  for (const comparison of Object.keys(COMPARISONS)) {
    for (const form of ['tee', 'get', 'mirrored tee', 'mirrored get'] as const) {
      for (const size of [1, 2, 3, 8, 100, 65_536]) {
        const step = random.below(2) ? size : -size;
        loops.push(
          { comparison, form, step },
          { comparison, form, step, bound: near(random.pick(EDGES), 9) },
        );
      }
      loops.push({ comparison, form });
    }
  }
  for (const step of [-1, -2, -32, 1, 7]) loops.push({ comparison: 'ne', form: 'to zero', step });
  const { host, call } = await meter(module(loops), { fuel: 2n ** 60n });
  let compared = 0;
  for (const [k, loop] of loops.entries()) {
    const cost = turn(loop).length + 1;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const b = near(random.pick(EDGES), 5);
      const s = random.pick([0, 1, 2, 5, -1, -3, 2 ** 31 - 1, -(2 ** 31)]);
      const width = random.pick([3, 50, 20_000]);
      const target = loop.form === 'to zero' ? 0 : (loop.bound ?? b);
      const from = random.below(3) ? near(target, width) : near(random.pick(EDGES), width);
      const turns = turnsOf(loop, from, b, s);
      if (turns === undefined) continue;
      const before = host.spent;
      const told = `${JSON.stringify(loop)} from ${from} to ${b} by ${s}`;
      t.is(call(`f${k}`, from, b, s), turns, told);
      t.is(host.spent - before, turns * cost + 1, told);
      compared++;
    }
  }
  return { loops: loops.length, compared };
}

test(`loops that count are exact for every comparison, step, bound and start (seed ${seed})`, async (t) => {
  await compareLoops(t, seed, 16);
});

test('of loops that count one in eight ends soon enough to be compared', async (t) => {
  const { loops, compared } = await compareLoops(t, FIXED_SEED, 2);
  t.true(compared > (2 * loops) / 8, `${compared} of ${2 * loops}`);
});

const counts = async (loop: Loop): Promise<boolean> =>
  (await print(instrument(await assemble(module([loop]))).bytes)).includes('i64.mul');

test('loops are charged for many turns at once where the step leads to the bound', async (t) => {
  for (const form of ['tee', 'get', 'mirrored tee', 'mirrored get'] as const) {
    for (const comparison of Object.keys(COMPARISONS)) {
      const isUp = comparison.startsWith('l');
      const isEither = comparison === 'ne';
      t.is(await counts({ comparison, form, step: 4 }), isUp || isEither, `${comparison} ${form} up`);
      t.is(await counts({ comparison, form, step: -4 }), !isUp || isEither, `${comparison} ${form} down`);
      t.is(
        await counts({ comparison, form }),
        comparison.startsWith('lt'),
        `${comparison} ${form} by a local`,
      );
    }
  }
  t.true(await counts({ comparison: 'ne', form: 'to zero', step: -1 }));
});

for (const [what, code] of Object.entries({
  'writes its index twice': 'local.get $i i32.const 1 i32.add local.set $i local.get $i i32.const 1 i32.add',
  'writes its bound': 'local.get $b i32.const 0 i32.add local.set $b local.get $i i32.const 1 i32.add',
  'multiplies its index': 'local.get $i i32.const 3 i32.mul',
})) {
  test(`a loop that ${what} counts each turn`, async (t) => {
    const wat = `(module (func (export "f") (param $i i32) (param $b i32) (result i32)
      loop ${code} local.tee $i local.get $b i32.lt_u br_if 0 end local.get $i))`;
    t.false((await print(instrument(await assemble(wat)).bytes)).includes('i64.mul'));
    const { host, call } = await meter(wat);
    const end = Number(call('f', 1, 81));
    t.true(end >= 81);
    const turns = { w: 40, m: 4 }[what.startsWith('multiplies') ? 'm' : 'w'];
    const cost = code.split(' ').filter((word) => word.includes('.')).length + 4;
    t.is(host.spent, (what === 'writes its bound' ? 80 : turns) * cost + 1);
  });
}

test('a counted loop keeps what it gives, and its function the local that made room for the counter', async (t) => {
  const { host, call } = await meter(`(module
    (func $sum (param $n i32) (result i64) (local $i i32) (local $s i64)
      (drop (loop (result i32) (i32.const 7)
        (local.set $s (i64.add (local.get $s) (i64.extend_i32_u (local.get $i))))
        (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n)))))
      (local.get $s))
    (func (export "f") (param i32) (result i64) (call $sum (local.get 0))))`);
  t.is(call('f', 10_000), 49_995_000n);
  t.is(host.spent, 10_000 * 13 + 1 + 2);
});

test('a trap in a counted loop finds at most the turns charged at once paid for too early', async (t) => {
  const { host, call } = await meter(`(module (memory 1)
    (func (export "f") (param $i i32)
      loop (i32.store8 (local.get $i) (i32.const 1))
        (br_if 0 (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200000))) end))`);
  for (const from of [65_530, 50_000, 1]) {
    const before = host.spent;
    t.throws(() => call('f', from), { message: /out of bounds/ });
    const executed = (65_536 - from) * 10 + 3;
    const spent = host.spent - before;
    t.true(spent >= executed - CHUNK && spent <= executed + TURNS_CHARGE, `${spent} for ${executed}`);
  }
});

test('a counted loop ends when the fuel does', async (t) => {
  const { host, call } = await meter(
    `(module (func (export "f") (local $i i32) (loop
      (loop (br_if 0 (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const -1)))) (br 0))))`,
    { fuel: 50_000n },
  );
  t.throws(() => call('f'), { message: 'unreachable' });
  t.true(host.spent > 50_000 && host.spent <= 50_000 + CHUNK + TURNS_CHARGE, `${host.spent}`);
});
