import test from 'ava';
import { InstrumentError } from '../../host/instrument/error.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import type { ModuleState, StateObstacle } from '../../host/model/module-state.ts';
import { assemble, compile, isValid, meter } from './metered.ts';

async function stateOf(wat: string): Promise<ModuleState> {
  return instrument(await assemble(wat)).state;
}

async function exportsOf(wat: string): Promise<string[]> {
  const { bytes } = instrument(await assemble(wat));
  return WebAssembly.Module.exports(compile(bytes)).map(({ name, kind }) => `${kind} ${name}`);
}

test('hidden memories, mutable globals and written tables are exported', async (t) => {
  const wat = `(module
    (import "e" "g" (global $imported (mut i32)))
    (memory 1)
    (table $still 1 funcref)
    (table $written 1 funcref)
    (global $constant i32 (i32.const 1))
    (global $counter (mut i64) (i64.const 2))
    (func (export "f") (table.set $written (i32.const 0) (table.get $still (i32.const 0)))))`;
  t.deepEqual(await exportsOf(wat), [
    'function f',
    'memory mayfly:memory/0',
    'table mayfly:table/1',
    'global mayfly:global/0',
    'global mayfly:global/2',
  ]);
  t.deepEqual(await stateOf(wat), {
    memories: ['mayfly:memory/0'],
    tables: ['mayfly:table/1'],
    globals: ['mayfly:global/0', 'mayfly:global/2'],
    headrooms: [],
    obstacles: [],
  });
});

test('what the module exports by itself is not exported again', async (t) => {
  const wat = `(module
    (memory (export "memory") 1)
    (global (export "stack") (mut i32) (i32.const 7))
    (func (export "f") (drop (i32.const 1))))`;
  t.deepEqual(await exportsOf(wat), ['memory memory', 'global stack', 'function f']);
  t.deepEqual(await stateOf(wat), {
    memories: ['memory'],
    tables: [],
    globals: ['stack'],
    headrooms: [],
    obstacles: [],
  });
});

test('the exported objects are the ones that the code uses', async (t) => {
  const { exports, call } = await meter(
    `(module
      (import "e" "base" (global $base (mut i32)))
      (memory 1)
      (global $counter (mut i64) (i64.const 2))
      (func (export "f") (result i64)
        (i32.store (i32.const 8) (global.get $base))
        (global.set $counter (i64.add (global.get $counter) (i64.const 1)))
        (global.get $counter)))`,
    {},
    { e: { base: new WebAssembly.Global({ value: 'i32', mutable: true }, 77) } },
  );
  t.is(call('f'), 3n);
  const counter = exports['mayfly:global/1'] as WebAssembly.Global;
  t.is(counter.value, 3n);
  counter.value = 41n;
  t.is(call('f'), 42n);
  t.is((exports['mayfly:global/0'] as WebAssembly.Global).value, 77);
  t.is(new Uint32Array((exports['mayfly:memory/0'] as WebAssembly.Memory).buffer)[2], 77);
});

test('a module without code, too, exports its state, with and without exports of its own', async (t) => {
  for (const own of ['', '(export "g" (global 0))']) {
    const wat = `(module (global i32 (i32.const 1)) (memory 1) ${own}
      (global (mut i32) (i32.const 5)) (data (i32.const 0) "x"))`;
    const { bytes, state } = instrument(await assemble(wat));
    t.true(isValid(bytes));
    t.deepEqual(state.globals, ['mayfly:global/1']);
    const { exports } = new WebAssembly.Instance(compile(bytes));
    t.is((exports['mayfly:global/1'] as WebAssembly.Global).value, 5);
    t.is(new Uint8Array((exports['mayfly:memory/0'] as WebAssembly.Memory).buffer)[0], 0x78);
  }
});

test('every instruction that changes a table makes it state', async (t) => {
  const table = '(table $t 1 funcref)';
  for (const code of [
    '(table.set $t (i32.const 0) (ref.null func))',
    '(drop (table.grow $t (ref.null func) (i32.const 1)))',
    '(table.fill $t (i32.const 0) (ref.null func) (i32.const 1))',
    '(table.copy $t $other (i32.const 0) (i32.const 0) (i32.const 1))',
    '(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))',
  ]) {
    const state = await stateOf(`(module ${table} (table $other 1 funcref) (elem $e func 0) (func ${code}))`);
    t.deepEqual(state.tables, ['mayfly:table/0'], code);
    t.deepEqual(state.obstacles, [], code);
  }
  const read = '(drop (table.get $t (i32.const 0))) (drop (table.size $t))';
  t.deepEqual((await stateOf(`(module ${table} (func ${read}))`)).tables, []);
});

const OBSTACLES: readonly (readonly [StateObstacle, string])[] = [
  ['v128-global', '(global (mut v128) (v128.const i64x2 0 0))'],
  ['opaque-references', '(global (mut exnref) (ref.null exn))'],
  ['opaque-references', '(table 1 exnref) (func (table.set 0 (i32.const 0) (ref.null exn)))'],
  ['gc-objects', '(type $s (struct (field (mut i32)))) (global (ref $s) (struct.new $s (i32.const 1)))'],
  [
    'data-drop',
    `(memory 1) (data $d "x") (func (data.drop $d))
      (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)))`,
  ],
  [
    'element-drop',
    `(table 1 funcref) (elem $e func 0) (func (elem.drop $e))
      (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)))`,
  ],
  ['too-much-state', '(global (mut i32) (i32.const 0))'.repeat(4_097)],
];

test('state that cannot be put back is an obstacle, and nothing is exported for it', async (t) => {
  for (const [obstacle, content] of OBSTACLES) {
    const wat = `(module ${content} (func (export "f") (drop (i32.const 0))))`;
    t.deepEqual(await stateOf(wat), {
      memories: [],
      tables: [],
      globals: [],
      headrooms: [],
      obstacles: [obstacle],
    });
    t.deepEqual(await exportsOf(wat), ['function f'], obstacle);
  }
});

test('what cannot be told apart afterwards is no obstacle', async (t) => {
  for (const content of [
    // Dropped but never read; read but never dropped; dropped at instantiation already.
    '(memory 1) (data $d "x") (func (data.drop $d))',
    '(memory 1) (data $d "x") (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)))',
    `(memory 1) (data $d (i32.const 0) "x") (func (data.drop $d)
      (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)))`,
    '(global v128 (v128.const i64x2 0 0))',
    '(global (mut funcref) (ref.null func)) (global (mut externref) (ref.null extern))',
    '(type $f (func)) (global (mut (ref null $f)) (ref.null $f))',
  ]) {
    t.deepEqual((await stateOf(`(module ${content})`)).obstacles, [], content);
  }
});

test('a module that exports a name of the host is refused', async (t) => {
  const bytes = await assemble('(module (global (export "mayfly:global/0") i32 (i32.const 0)))');
  const error = t.throws(() => instrument(bytes), { instanceOf: InstrumentError });
  t.is(error.code, 'unsupported');
});

test('a module imports the headroom of each memory whose size its code sees', async (t) => {
  const wat = `(module
    (import "e" "m" (memory 1))
    (memory 1)
    (memory 1)
    (func (drop (memory.size 0)) (drop (memory.grow 2 (i32.const 1)))))`;
  t.deepEqual((await stateOf(wat)).headrooms, [
    { memory: 0, from: ['e', 'm'] },
    { memory: 2, from: null },
  ]);
  const imports = WebAssembly.Module.imports(compile(instrument(await assemble(wat)).bytes));
  t.deepEqual(
    imports.filter(({ kind }) => kind === 'global').map(({ name }) => name),
    ['fuel', 'headroom/0', 'headroom/2'],
  );
});
