import { print } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { instrument } from '../../host/instrument/instrument.ts';
import { assemble, compile, instantiate, isValid, meter } from './metered.ts';

test('a module without code comes back byte for byte', async (t) => {
  const bytes = await assemble(
    '(module (import "a" "f" (func)) (memory (export "m") 1) (data (i32.const 0) "x"))',
  );
  t.is(instrument(bytes).bytes, bytes);
});

test('a module whose code costs nothing comes back byte for byte', async (t) => {
  const bytes = await assemble('(module (func (export "f")) (func (export "id") nop))');
  t.is(instrument(bytes).bytes, bytes);
});

test('only what is needed is imported', async (t) => {
  const importsOf = async (wat: string): Promise<string[]> =>
    WebAssembly.Module.imports(compile(instrument(await assemble(wat)).bytes)).map(({ name }) => name);
  t.deepEqual(await importsOf('(module (func (drop (i32.const 1))))'), ['refill', 'fuel']);
  t.deepEqual(await importsOf('(module (memory 1) (func (drop (memory.grow (i32.const 1)))))'), [
    'refill',
    'reserve-memory',
    'release-memory',
    'fuel',
    'headroom/0',
  ]);
  t.deepEqual(
    await importsOf('(module (table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1)))))'),
    ['refill', 'reserve-table', 'release-table', 'fuel'],
  );
});

test('every user of a function or global index follows it', async (t) => {
  const { exports, call } = await meter(
    `(module
      (import "e" "imported" (func $imported (result i32)))
      (import "e" "base" (global $base i32))
      (type $r (func (result i32)))
      (global $own (mut i32) (global.get $base))
      (global $second (export "second") i32 (i32.add (global.get $base) (i32.const 1)))
      (global $ref (ref func) (ref.func $b))
      (table $t (export "t") 4 funcref)
      (table $init 2 (ref null $r) (ref.func $b))
      (memory (export "m") 1)
      (elem (table $t) (i32.const 0) func $a $imported)
      (elem (table $t) (i32.const 2) funcref (ref.func $b) (ref.null func))
      (elem $passive func $b)
      (data (global.get $base) "hello")
      (func $a (result i32) (i32.const 10))
      (func $b (result i32) (i32.const 20))
      (func $start (global.set $own (i32.add (global.get $own) (i32.const 100))))
      (export "a" (func $a))
      (export "imported" (func $imported))
      (start $start)
      (func (export "own") (result i32) (global.get $own))
      (func (export "indirect") (param i32) (result i32) (call_indirect $t (type $r) (local.get 0)))
      (func (export "typed") (result i32) (call_ref $r (table.get $init (i32.const 1))))
      (func (export "ref") (result i32) (call_ref $r (ref.cast (ref $r) (global.get $ref))))
      (func (export "init") (result i32)
        (table.init $t $passive (i32.const 3) (i32.const 0) (i32.const 1)) (call_indirect $t (type $r) (i32.const 3)))
      (func (export "direct") (result i32) (i32.add (call $imported) (call $b))))`,
    {},
    { e: { imported: () => 7, base: 3 } },
  );
  t.is(call('a'), 10);
  t.is(call('imported'), 7);
  t.is(call('own'), 103);
  t.is((exports['second'] as WebAssembly.Global).value, 4);
  t.deepEqual(
    [0, 1, 2].map((i) => call('indirect', i)),
    [10, 7, 20],
  );
  t.is(call('typed'), 20);
  t.is(call('ref'), 20);
  t.is(call('init'), 20);
  t.is(call('direct'), 27);
  t.is(Buffer.from((exports['m'] as WebAssembly.Memory).buffer, 3, 5).toString(), 'hello');
});

test('indices that get longer as they shift are encoded anew', async (t) => {
  const functions = Array.from({ length: 300 }, (_, i) => `(func $f${i} (result i32) (i32.const ${i}))`).join(
    ' ',
  );
  const globals = Array.from({ length: 300 }, (_, i) => `(global $g${i} (mut i32) (i32.const ${i}))`).join(
    ' ',
  );
  const calls = [0, 125, 126, 127, 128, 299].map((i) => `(i32.add (call $f${i}) (global.get $g${i}))`);
  const { call } = await meter(
    `(module ${globals} ${functions} (func (export "f") (result ${'i32 '.repeat(calls.length)}) ${calls.join(' ')}))`,
  );
  t.deepEqual(call('f'), [0, 250, 252, 254, 256, 598]);
});

test('a stack trace still names functions, and names of globals follow them', async (t) => {
  const wat = `(module $mod (import "e" "f" (func $imp)) (global $counter (mut i32) (i32.const 0))
    (func $culprit (param $a i32) (local $b i32) (global.set $counter (local.get $a)) (unreachable))
    (func $caller (export "f") (call $imp) (call $culprit (i32.const 1))))`;
  const { call } = await meter(wat, {}, { e: { f: () => undefined } });
  const error = t.throws(() => call('f'), { instanceOf: WebAssembly.RuntimeError });
  t.regex(error.stack!, /culprit.*caller/s);
  const text = await print(instrument(await assemble(wat)).bytes);
  t.regex(text, /\(global \$counter \(;1;\)/);
  t.regex(text, /\(func \$mayfly\.check /);
});

function custom(name: string, content: readonly number[]): number[] {
  const bytes = [...Buffer.from(name)];
  return [0, bytes.length + 1 + content.length, bytes.length, ...bytes, ...content];
}

test('custom sections that hold offsets are dropped, the others kept', async (t) => {
  const bytes = await assemble('(module (func (export "f") (drop (i32.const 1))))');
  const names = ['reloc.CODE', 'linking', '.debug_info', 'metadata.code.branch_hint', 'producers', 'mine'];
  const grown = Uint8Array.from([...bytes, ...names.flatMap((name) => custom(name, [1, 2, 3]))]);
  const module = compile(instrument(grown).bytes);
  const kept = names.filter((name) => WebAssembly.Module.customSections(module, name).length > 0);
  t.deepEqual(kept, ['producers', 'mine']);
});

test('a malformed name section is dropped, since it does not make a module invalid', async (t) => {
  const bytes = await assemble('(module (func (export "f") (drop (i32.const 1))))');
  const grown = Uint8Array.from([...bytes, ...custom('name', [1, 100, 0])]);
  const module = compile(instrument(grown).bytes);
  t.is(WebAssembly.Module.customSections(module, 'name').length, 0);
});

/** The module as a golden text, so that a change in what is written is seen. */
test('what is written for a loop', async (t) => {
  const wat = '(module (func (export "f") (param i32) (loop (br_if 0 (local.get 0)))))';
  const text = await print(instrument(await assemble(wat)).bytes);
  t.snapshot(text);
});

test('what is written for growth and bulk instructions', async (t) => {
  const wat =
    '(module (memory 1) (func (export "f") (param i32) (drop (memory.grow (local.get 0))) (memory.fill (i32.const 0) (i32.const 0) (local.get 0))))';
  const text = await print(instrument(await assemble(wat)).bytes);
  t.snapshot(text);
});

/** Programs that compute something with every family of instructions. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'multi-value blocks and loops': `(func (export "f") (param i32) (result i32 i32)
    (i32.const 1) (local.get 0) (block (param i32 i32) (result i32 i32) (i32.add (i32.const 3)))
    (loop $l (param i32 i32) (result i32 i32) (local.set 0) (i32.const 2) (i32.mul) (local.get 0) (i32.const 1) (i32.sub) (local.tee 0) (br_if $l (local.get 0))))`,
  'select with a type':
    '(func (export "f") (param i32) (result externref) (select (result externref) (ref.null extern) (ref.null extern) (local.get 0)))',
  'saturating and sign-extending conversions':
    '(func (export "f") (param i32) (result i32 i64) (i32.trunc_sat_f64_s (f64.const 1e300)) (i64.extend32_s (i64.extend_i32_u (local.get 0))))',
  'lanes and shuffles': `(memory 1) (func (export "f") (param i32) (result i64)
    (v128.store offset=16 (i32.const 0) (i8x16.shuffle 0 1 2 3 4 5 6 7 24 25 26 27 28 29 30 31 (i32x4.splat (local.get 0)) (v128.const i64x2 5 6)))
    (i64x2.extract_lane 1 (v128.load64_lane 1 (i32.const 8) (v128.load32_zero offset=16 (i32.const 0)))))`,
  'a memory of 64 bits with a large offset': `(memory i64 2) (func (export "f") (param i32) (result i64)
    (i64.store offset=0x10000 (i64.const 8) (i64.extend_i32_u (local.get 0))) (i64.load offset=0x8 (i64.const 0x10000)))`,
  'two memories': `(memory $a 1) (memory $b 1) (func (export "f") (param i32) (result i32)
    (i32.store $b (i32.const 4) (local.get 0)) (memory.copy $a $b (i32.const 0) (i32.const 0) (i32.const 8)) (i32.load8_u $a offset=4 (i32.const 0)))`,
  'structs, arrays and casts': `(type $p (sub (struct (field (mut i32) i8)))) (rec (type $q (sub $p (struct (field (mut i32) i8 i64)))) (type $r (array (mut i16))))
    (func (export "f") (param i32) (result i32) (local $s (ref null $p)) (local $a (ref $r))
      (local.set $s (struct.new $q (local.get 0) (i32.const 300) (i64.const 1)))
      (local.set $a (array.new_fixed $r 3 (i32.const 1) (i32.const 2) (i32.const 70000)))
      (struct.set $p 0 (local.get $s) (i32.add (struct.get $p 0 (local.get $s)) (array.get_u $r (local.get $a) (i32.const 2))))
      (block $yes (result (ref $q)) (drop (br_on_cast $yes (ref null $p) (ref $q) (local.get $s))) (unreachable))
      (i32.add (struct.get_s $q 1) (struct.get $p 0 (local.get $s)))
      (i32.add (i31.get_s (ref.i31 (i32.const -5)))) (i32.add (ref.test (ref $q) (local.get $s))) (i32.add (array.len (local.get $a))))`,
  'arrays from segments': `(type $b (array (mut i8))) (type $f (array funcref)) (type $r (func (result i32))) (data $d "abcdef") (elem $e func $g)
    (func $g (result i32) (i32.const 9))
    (func (export "f") (param i32) (result i32) (local $x (ref $b)) (local.set $x (array.new_data $b $d (i32.const 1) (i32.const 4)))
      (array.init_data $b $d (local.get $x) (i32.const 0) (i32.const 5) (i32.const 1))
      (i32.add (array.get_u $b (local.get $x) (i32.const 0)) (call_ref $r (ref.cast (ref $r) (array.get $f (array.new_elem $f $e (i32.const 0) (i32.const 1)) (i32.const 0))))))`,
  'exceptions with values, both kinds of handler': `(tag $e (param i32)) (func $t (param i32) (throw $e (local.get 0)))
    (func (export "f") (param i32) (result i32) (block $h (result i32) (try_table (catch $e $h) (call $t (local.get 0))) (i32.const 0)) (i32.const 1) (i32.add))`,
  'legacy exceptions with values': `(tag $e (param i32)) (func $t (param i32) (throw $e (local.get 0)))
    (func (export "f") (param i32) (result i32) try (result i32) local.get 0 call $t i32.const 0 catch $e i32.const 2 i32.mul catch_all i32.const -1 end)`,
  'dead code of every shape': `(func (export "f") (param i32) (result i32) (block $b (result i32) (br $b (local.get 0)) (block (result i32) (if (result i32) (i32.const 0) (then (i32.const 1)) (else (i32.const 2))) (br_table 0 1 (i32.const 0))) (drop) (loop (br 0)) (memory.grow) (memory.copy (i32.const 0) (i32.const 0))) (return) (unreachable) (drop)) (memory 1)`,
  'references and nulls': `(type $t (func (param i32) (result i32))) (elem declare func $g) (func $g (type $t) (i32.mul (local.get 0) (i32.const 3)))
    (func (export "f") (param i32) (result i32) (local $r (ref null $t)) (local.set $r (ref.func $g))
      (block $n (return (call_ref $t (local.get 0) (br_on_null $n (local.get $r))))) (i32.const -1))`,
};

for (const [name, fields] of Object.entries(PROGRAMS)) {
  test(`metering changes no result: ${name}`, async (t) => {
    const wat = `(module ${fields})`;
    const bytes = await assemble(wat);
    t.true(isValid(bytes));
    const plain = instantiate(bytes)['f'] as (n: number) => unknown;
    const { call, host } = await meter(wat);
    for (const argument of [1, 2, 77]) t.deepEqual(call('f', argument), plain(argument));
    t.true(host.spent > 0);
  });
}
