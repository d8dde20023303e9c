/** Caps that hold over everything an instance has: memories of all its modules, tables of all its modules. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { startTestHost, type TestHost } from '../harness/host.ts';

const PAGE = 65_536;

/** A command of two core modules. `run` of the second may call what the first exports; 0 is ok, 1 an error. */
function twoModules(first: string, second: string): Promise<Uint8Array> {
  return parse(`(component
    (core module $A ${first})
    (core module $B ${second})
    (core instance $a (instantiate $A))
    (core instance $b (instantiate $B (with "a" (instance $a))))
    (func $run (result (result)) (canon lift (core func $b "run")))
    (component $C (import "run" (func $r (result (result)))) (export "run" (func $r)))
    (instance $i (instantiate $C (with "run" (func $run))))
    (export "wasi:cli/run@0.2.0" (instance $i)))`);
}

/** Grows by one, here and there in turn, until both are refused; gives 0 if that took `expected` growths. */
const growInTurn = (growHere: string, expected: number): string => `
  (import "a" "grow" (func $there (result i32)))
  (func $here (result i32) ${growHere})
  (func (export "run") (result i32)
    (local $grown i32) (local $refused i32)
    (loop $again
      (if (i32.eq (call $here) (i32.const -1))
        (then (local.set $refused (i32.const 1)))
        (else (local.set $grown (i32.add (local.get $grown) (i32.const 1)))))
      (if (i32.eq (call $there) (i32.const -1))
        (then (local.set $refused (i32.add (local.get $refused) (i32.const 1))))
        (else (local.set $grown (i32.add (local.get $grown) (i32.const 1))) (local.set $refused (i32.const 0))))
      (br_if $again (i32.lt_u (local.get $refused) (i32.const 2))))
    (i32.ne (local.get $grown) (i32.const ${expected})))`;

let host: TestHost;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
});
test.after.always(() => host.dispose());

test('memory is capped over the memories of all modules of an instance, to the page', async (t) => {
  const grow = '(memory.grow (i32.const 1))';
  const component = await twoModules(
    `(memory 1) (func (export "grow") (result i32) ${grow})`,
    `${growInTurn(grow, 8)} (memory 1)`,
  );
  await host.deploy('memories', component, { memoryBytes: 10 * PAGE });
  t.is((await host.call('memories')).status, 200, 'two pages to start with, eight more until ten');
  await host.configure('memories', { memoryBytes: 11 * PAGE });
  t.is(await host.failure('memories'), 'function_failed', 'one page more fits: the count differs');
});

test('tables are capped over the tables of all modules of an instance, to the entry', async (t) => {
  const grow = '(table.grow (ref.null func) (i32.const 1))';
  const component = await twoModules(
    `(table 1 funcref) (func (export "grow") (result i32) ${grow})`,
    `${growInTurn(grow, 8)} (table 1 funcref)`,
  );
  await host.deploy('tables', component, { tableEntries: 10 });
  t.is((await host.call('tables')).status, 200);
});

test('a guest that traps after its table could not grow has run out of table entries', async (t) => {
  const component = await twoModules(
    '(func (export "grow") (result i32) (i32.const 0))',
    `(table 1 funcref) (func (export "run") (result i32)
       (loop $again (br_if $again (i32.ne (table.grow (ref.null func) (i32.const 1000)) (i32.const -1)))) unreachable)`,
  );
  await host.deploy('greedy', component, { tableEntries: 50_000 });
  t.is(await host.failure('greedy'), 'table_exceeded');
});

/** Makes lists without end, each longer than the one before if it keeps them. */
const nodes = (keeps: boolean): string => `
  (type $node (struct (field (ref null $node))))
  (func (export "run") (result i32) (local $list (ref null $node))
    (loop $more
      (local.set $list (struct.new $node ${keeps ? '(local.get $list)' : '(ref.null $node)'}))
      (br $more)) (i32.const 0))`;

for (const keeps of [true, false]) {
  test(`a guest that makes structs without end and ${keeps ? 'keeps' : 'drops'} them has run out of memory`, async (t) => {
    const component = await twoModules('(func (export "grow") (result i32) (i32.const 0))', nodes(keeps));
    const name = keeps ? 'keeping' : 'dropping';
    await host.deploy(name, component, { memoryBytes: 64 * 2 ** 20 });
    for (let turn = 0; turn < 3; turn++) t.is(await host.failure(name), 'memory_exceeded');
    const small = await twoModules(
      '(func (export "grow") (result i32) (i32.const 0))',
      '(type $t (array i32)) (func (export "run") (result i32) (i32.ne (array.len (array.new_default $t (i32.const 9))) (i32.const 9)))',
    );
    await host.deploy(`${name}-not`, small, {});
    t.is((await host.call(`${name}-not`)).status, 200, 'the thread lives on');
  });
}

test('what a component starts with is held against the settings of the moment', async (t) => {
  const component = await twoModules(
    '(memory 4)',
    '(memory 4) (table 100 funcref) (func (export "run") (result i32) (i32.const 0))',
  );
  await host.deploy('start', component);
  t.is((await host.call('start')).status, 200);
  await host.configure('start', { memoryBytes: 7 * PAGE });
  t.is(await host.failure('start'), 'memory_exceeded');
  await host.configure('start', { memoryBytes: 8 * PAGE, tableEntries: 99 });
  t.is(await host.failure('start'), 'table_exceeded');
  await host.configure('start', { tableEntries: 100 });
  t.is((await host.call('start')).status, 200);
});

test('code that runs while a component is instantiated is metered too', async (t) => {
  const component = await twoModules(
    '(func $forever (loop $again (br $again))) (start $forever)',
    '(func (export "run") (result i32) (i32.const 0))',
  );
  await host.deploy('starter', component, { fuel: 50_000_000 });
  t.is(await host.failure('starter'), 'fuel_exhausted');
});

test('endless recursion of the guest is a stack overflow, and the thread goes on', async (t) => {
  const component = await twoModules(
    '(func (export "grow") (result i32) (i32.const 0))',
    '(func $deep (result i32) (i32.add (call $deep) (i32.const 1))) (func (export "run") (result i32) (call $deep))',
  );
  await host.deploy('deep', component);
  for (let i = 0; i < 3; i++) t.is(await host.failure('deep'), 'stack_overflow');
});
