/** Where checks stand, and that fuel is noticed there. */
import { print } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { BOUNDED_CALL, CHECK_INTERVAL, CHUNK } from '../../host/instrument/cost-model.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import { assemble, meter } from './metered.ts';

const CHECK = new RegExp(`i64\\.const ${CHUNK}\\s+i64\\.gt_s`, 'g');

async function written(wat: string): Promise<string> {
  return print(instrument(await assemble(wat)).bytes);
}

/** Comparisons of the local counter in all of the module's functions. */
async function checksIn(wat: string): Promise<number> {
  return (await written(wat)).match(CHECK)?.length ?? 0;
}

test('a loop with a block behind its branch is none of one straight piece of code', async (t) => {
  const loop = (rest: string): string =>
    `(module (func (export "f") (param i32) (loop (br_if 0 (i32.popcnt (local.get 0))) ${rest})))`;
  // The check of a straight loop stands around it, and the loop is left for it.
  t.is(await checksIn(loop('')), 2);
  t.is(await checksIn(loop('(block)')), 1);
});

/** Counts down, going back to the head of its loop by one branch for even numbers and by another for odd ones. */
const TWO_WAYS = `(module (func (export "f") (param i32)
  (loop $l
    (if (i32.eqz (local.get 0)) (then (return)))
    (if (i32.and (local.get 0) (i32.const 1))
      (then (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br $l)))
    (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
    (br $l))))`;

test('a loop that several branches lead back to is checked once, at its head', async (t) => {
  t.is(await checksIn(TWO_WAYS), 1);
  t.regex(
    await written(TWO_WAYS),
    new RegExp(
      `loop\\s*(;; label = @1)?\\s*local\\.get \\d+\\s+(i64\\.const \\d+\\s+i64\\.add\\s+local\\.tee \\d+\\s+)?${CHECK.source}`,
    ),
  );
});

test('the check at the head ends the loop whichever branch leads there, and what it costs stays exact', async (t) => {
  const { host, call } = await meter(TWO_WAYS);
  call('f', 1_001);
  // 3 for the first test, 4 for the second, 5 for the rest; the last turn is 3 and a return.
  t.is(host.spent, 1_001 * 12 + 4);
  for (const condition of [0, 1]) {
    const endless = await meter(
      `(module (func (export "f") (loop $l (if (i32.const ${condition}) (then (br $l))) (br $l))))`,
      { fuel: 10_000n },
    );
    t.throws(() => endless.call('f'), { message: 'unreachable' });
    t.is(endless.host.refills, 1);
    t.true(endless.host.spent < 10_000 + CHUNK + 100, `${endless.host.spent}`);
  }
});

test('a loop with a call in it, which needs a check, is checked once a turn', async (t) => {
  const wat = `(module (func $f (export "f") (param i32 i32) (result i32)
    (loop $l
      (if (i32.eqz (local.get 0)) (then (return (i32.add (local.get 1) (i32.const 1)))))
      (local.set 1 (if (result i32) (local.get 1)
        (then (call $f (local.get 0) (i32.sub (local.get 1) (i32.const 1))))
        (else (i32.const 1))))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br $l))
    (unreachable)))`;
  t.is(await checksIn(wat), 1);
  const { host, call } = await meter(wat, { fuel: 50_000n });
  t.is(call('f', 2, 3), 9);
  t.throws(() => call('f', 3, 12), { message: 'unreachable' });
  t.true(host.spent < 50_000 + CHUNK + CHECK_INTERVAL, `${host.spent}`);
});

/** `$f` calls `$leaf`, which costs 41, `calls` times. */
const callsOfLeaf = (calls: number): string => `(module
  (func $leaf (result i32) ${'(drop (i32.add (i32.const 1) (i32.const 2)))'.repeat(13)} (i32.const 1) (drop) (i32.const 7))
  (func $f (param i32) ${'(drop (call $leaf))'.repeat(calls)})
  (func (export "f") (param i32) (call $f (local.get 0))))`;

test('a function whose cost is known to be small is called without a check, by functions that are so themselves', async (t) => {
  t.is(await checksIn(callsOfLeaf(3)), 0);
  const { host, call } = await meter(callsOfLeaf(3));
  call('f', 0);
  t.is(host.spent, 2 + 3 * (1 + 41));
});

test('calls of small functions are checked where they add up to an interval', async (t) => {
  const calls = Math.floor(CHECK_INTERVAL / 42);
  t.is(
    await checksIn(callsOfLeaf(calls)),
    1,
    `${calls} exceed ${BOUNDED_CALL}, and the outer function checks`,
  );
  t.is(await checksIn(callsOfLeaf(calls + 2)), 2);
  const { host, call } = await meter(callsOfLeaf(calls + 2));
  call('f', 0);
  t.is(host.spent, 2 + (calls + 2) * (1 + 41));
});

test('a row of calls of functions that check nothing themselves is checked at least every 64 calls', async (t) => {
  // Too dear to be called as if it were straight code, and nothing in it needs a check.
  const cost = CHECK_INTERVAL - 24;
  const leaf = `(func $leaf ${'(drop (i32.const 1))'.repeat(cost)})`;
  const rows: Record<string, string> = {
    'in a row': '(call $leaf)'.repeat(800),
    'with code between them': '(call $leaf) (drop (i32.add (i32.const 1) (i32.const 2)))'.repeat(800),
    'in arms': '(if (local.get 0) (then (call $leaf)))'.repeat(800),
    'through a table': '(call_indirect (i32.const 0))'.repeat(800),
  };
  for (const [what, row] of Object.entries(rows)) {
    const { host, call } = await meter(
      `(module (table funcref (elem $inTable)) ${leaf} (func $inTable ${'(drop (i32.const 1))'.repeat(cost)})
        (func $row (param i32) ${row}) (func (export "f") (param i32) (call $row (local.get 0))))`,
      { fuel: 10_000n },
    );
    t.throws(() => call('f', 1), { message: 'unreachable' }, what);
    t.true(host.spent < 10_000 + CHUNK + 65 * CHECK_INTERVAL, `${what}: ${host.spent}`);
  }
});

test('a tree of calls without loops or recursion ends when the fuel does', async (t) => {
  const depth = 40;
  const levels = Array.from({ length: depth }, (_, i) => `(func $l${i} (call $l${i + 1}) (call $l${i + 1}))`);
  const wat = `(module ${levels.join(' ')} (func $l${depth} (nop)) (func (export "f") (call $l0)))`;
  const { host, call } = await meter(wat, { fuel: 100_000n });
  t.throws(() => call('f'), { message: 'unreachable' });
  t.is(host.refills, 1);
  t.true(host.spent < 100_000 + CHUNK + CHECK_INTERVAL, `${host.spent}`);
});

test('small functions that call each other have no bound', async (t) => {
  const wat = `(module
    (func $f (param i32) (if (i32.lt_u (local.get 0) (i32.const 60)) (then (call $g (local.get 0)) (call $g (local.get 0)))))
    (func $g (param i32) (call $f (i32.add (local.get 0) (i32.const 1))))
    (func (export "f") (call $f (i32.const 0))))`;
  const { host, call } = await meter(wat, { fuel: 100_000n });
  t.throws(() => call('f'), { message: 'unreachable' });
  t.true(host.spent < 100_000 + CHUNK + CHECK_INTERVAL, `${host.spent}`);
});

test('a small function that a loop or a call through a table stands in has no bound', async (t) => {
  for (const code of [
    '(loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))',
    '(call_indirect (i32.const 0))',
  ]) {
    const wat = `(module (table funcref (elem $none)) (func $none)
      (func $inner (param i32) ${code})
      (func $outer (param i32) (call $inner (local.get 0)))
      (func (export "f") (param i32) (call $outer (local.get 0))))`;
    t.true((await checksIn(wat)) > 0);
    const { host, call } = await meter(wat);
    call('f', 9);
    t.is(host.spent, 2 + 2 + (code.startsWith('(loop') ? 9 * 5 : 2));
  }
});
