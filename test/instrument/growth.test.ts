import test from 'ava';
import { meter } from './metered.ts';

const GROW = `(module (memory (export "m") 1 5)
  (func (export "f") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size)))`;

test('a granted grow is reserved to the page', async (t) => {
  const { host, call } = await meter(GROW);
  t.is(call('f', 3), 1);
  t.is(call('size'), 4);
  t.deepEqual(host.calls, ['reserve-memory 3']);
  t.is(host.pagesLeft, 97n);
});

test('a refused grow gives -1 and changes nothing', async (t) => {
  const { host, call } = await meter(GROW, { pages: 2n });
  t.is(call('f', 3), -1);
  t.is(call('size'), 1);
  t.deepEqual(host.calls, ['reserve-memory 3']);
  t.is(call('f', 2), 1);
  t.is(call('f', 1), -1);
  t.is(host.pagesLeft, 0n);
});

test('a grow that fails by itself gives its reservation back', async (t) => {
  const { host, call } = await meter(GROW);
  t.is(call('f', 5), -1);
  t.deepEqual(host.calls, ['reserve-memory 5', 'release-memory 5']);
  t.is(host.pagesLeft, 100n);
});

test('a grow by 2^32-1 pages is asked as unsigned', async (t) => {
  const { host, call } = await meter(GROW);
  t.is(call('f', -1), -1);
  t.deepEqual(host.calls, ['reserve-memory 4294967295']);
});

test('each of several memories grows on its own, on one account', async (t) => {
  const { host, call } = await meter(`(module (memory $a 1) (memory $b i64 2)
    (func (export "a") (param i32) (result i32) (memory.grow $a (local.get 0)))
    (func (export "b") (param i64) (result i64) (memory.grow $b (local.get 0)))
    (func (export "sizes") (result i32 i64) (memory.size $a) (memory.size $b)))`);
  t.is(call('a', 2), 1);
  t.is(call('b', 3n), 2n);
  t.deepEqual(call('sizes'), [3, 5n]);
  t.is(call('b', 2n ** 62n), -1n);
  t.is(call('b', -1n), -1n);
  t.is(host.pagesLeft, 95n);
  t.deepEqual(host.calls, ['reserve-memory 2', 'reserve-memory 3']);
});

test('an imported memory is metered where it grows', async (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const wat =
    '(module (import "e" "m" (memory 1)) (func (export "f") (result i32) (memory.grow (i32.const 1))))';
  const { host, call } = await meter(wat, { pages: 1n }, { e: { m: memory } });
  t.is(call('f'), 1);
  t.is(call('f'), -1);
  t.is(memory.buffer.byteLength, 2 * 65_536);
  t.is(host.pagesLeft, 0n);
});

test('tables grow, are refused and give back in the same way', async (t) => {
  const { host, call } = await meter(`(module (table $a 1 50 funcref) (table $b i64 0 externref)
    (func (export "a") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0)))
    (func (export "b") (param externref i64) (result i64) (table.grow $b (local.get 0) (local.get 1)))
    (func (export "b0") (result externref) (table.get $b (i64.const 0))))`);
  t.is(call('a', 9), 1);
  t.is(call('a', 60), -1);
  t.is(call('a', 2_000), -1);
  t.is(call('b', 'x', 5n), 0n);
  t.is(call('b', 'x', -1n), -1n);
  t.is(call('b0'), 'x');
  t.deepEqual(host.calls, [
    'reserve-table 9',
    'reserve-table 60',
    'release-table 60',
    'reserve-table 2000',
    'reserve-table 5',
  ]);
  t.is(host.entriesLeft, 86n);
});

test('a table of typed references keeps its type', async (t) => {
  const { call } = await meter(`(module (type $t (func (result i32))) (elem declare func $g)
    (table $a 0 (ref null $t))
    (func $g (result i32) (i32.const 42))
    (func (export "f") (result i32) (table.grow $a (ref.func $g) (i32.const 1)))
    (func (export "g") (result i32) (call_ref $t (table.get $a (i32.const 0)))))`);
  t.is(call('f'), 0);
  t.is(call('g'), 42);
});

test('a grow that is out of fuel does not happen', async (t) => {
  const { exports, call } = await meter(GROW, { fuel: 8_000n });
  t.throws(() => call('f', 1), { message: 'unreachable' });
  t.is((exports['m'] as WebAssembly.Memory).buffer.byteLength, 65_536);
});
