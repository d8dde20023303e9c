import test from 'ava';
import { MAX_ARGUMENT, MAX_DISTANCE, MAX_RECORD_COST } from '../../host/instrument/assembly/record-layout.ts';
import { CHUNK, FREE_LOCALS } from '../../host/instrument/cost-model.ts';
import { meter } from './metered.ts';

const NOPS = (count: number): string => ' nop'.repeat(count);
const ADDITIONS = (count: number): string => ' i32.const 1 i32.add'.repeat(count);

test('straight code that costs more than one note can tell of is charged to the unit', async (t) => {
  for (const additions of [MAX_RECORD_COST / 2 - 1, MAX_RECORD_COST / 2 + 1, 5_000].map(Math.floor)) {
    const { host, call } = await meter(
      `(module (func (export "f") (result i32) i32.const 0 ${ADDITIONS(additions)}))`,
    );
    t.is(call('f'), additions);
    t.is(host.spent, 1 + 2 * additions);
  }
});

test('notes further apart than one can tell of stand where their instructions do', async (t) => {
  for (const nops of [MAX_DISTANCE - 2, MAX_DISTANCE + 2, 3 * MAX_DISTANCE]) {
    const wat = `(module (global $g (mut i32) (i32.const 7))
      (func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
      (func (export "f") (param i32) (result i32) (local $first i32)
        ${NOPS(nops)}
        (local.set $first (global.get $g))
        ${NOPS(nops)}
        (if (local.get 0) (then (return (call $twice (local.get $first)))))
        (call $twice (local.get 0))))`;
    const { host, call } = await meter(wat);
    t.is(call('f', 1), 14);
    t.is(host.spent, 2 + 2 + 3 + 3);
    t.is(call('f', 0), 0);
  }
});

test('locals that cost more to set up than one note can tell of are charged at the entry', async (t) => {
  const declared = 4_000;
  const { host, call } = await meter(`(module (func (export "f") (local ${'i32 '.repeat(declared)})))`);
  call('f');
  t.is(host.spent, declared - FREE_LOCALS);
});

test('a label behind more blocks than one note can tell of is the one that is meant', async (t) => {
  const turns = 100_000;
  const wat = `(module (func (export "f") (param i32) (result i32)
    ${'(block)'.repeat(MAX_ARGUMENT + 2)}
    (block $out
      (loop $again
        (br_if $out (i32.eqz (local.get 0)))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br $again)))
    (i32.const 7)))`;
  const { host, call } = await meter(wat, { fuel: 0n, refill: (asking) => asking.grant(BigInt(2 * CHUNK)) });
  t.is(call('f', turns), 7);
  // Three instructions to look at the count, five for each turn; it is a loop, and so is checked.
  const spent = 3 * (turns + 1) + 5 * turns + 1;
  t.is(host.spent, spent);
  t.true(host.refills > spent / CHUNK / 3);
});
