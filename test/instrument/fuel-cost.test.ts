import test from 'ava';
import { meter } from './metered.ts';

interface Row {
  readonly name: string;
  /** A module that exports `f`, or the body of a function without parameters. */
  readonly wat: string;
  readonly args?: readonly unknown[];
  readonly fuel: number;
}

const f = (body: string, signature = '', fields = ''): string =>
  `(module ${fields} (func $f (export "f") ${signature} ${body}))`;

/** Exact costs; each comment counts what is executed. */
const ROWS: readonly Row[] = [
  { name: 'an empty function', wat: f(''), fuel: 0 },
  { name: 'blocks, nop and drop are free', wat: f('nop block nop end i32.const 1 drop'), fuel: 1 },
  { name: 'straight code costs one an instruction', wat: f('i32.const 1 i32.const 2 i32.add drop'), fuel: 3 },
  { name: 'locals beyond the 64th cost one each', wat: f('', `(local ${'i32 '.repeat(70)})`), fuel: 6 },
  {
    name: 'parameters are not locals',
    wat: f('', `(param ${'i32 '.repeat(70)})`),
    args: new Array<number>(70).fill(0),
    fuel: 0,
  },
  // local.get, if | const
  {
    name: 'the arm taken is charged',
    wat: f('(if (local.get 0) (then (drop (i32.const 1))))', '(param i32)'),
    args: [1],
    fuel: 3,
  },
  {
    name: 'the arm not taken is not charged',
    wat: f('(if (local.get 0) (then (drop (i32.const 1))))', '(param i32)'),
    args: [0],
    fuel: 2,
  },
  {
    name: 'the other arm',
    wat: f('(if (local.get 0) (then) (else (drop (i32.const 1)) (drop (i32.const 2))))', '(param i32)'),
    args: [0],
    fuel: 4,
  },
  {
    name: 'code behind an if',
    wat: f('(if (local.get 0) (then)) (drop (i32.const 1))', '(param i32)'),
    args: [0],
    fuel: 3,
  },
  // local.get, br_if | const
  {
    name: 'a branch taken skips the rest of its block',
    wat: f('(block (br_if 0 (local.get 0)) (drop (i32.const 1))) (drop (i32.const 2))', '(param i32)'),
    args: [1],
    fuel: 3,
  },
  {
    name: 'a branch not taken goes on',
    wat: f('(block (br_if 0 (local.get 0)) (drop (i32.const 1))) (drop (i32.const 2))', '(param i32)'),
    args: [0],
    fuel: 4,
  },
  // each turn: get const sub tee br_if
  {
    name: 'a loop is charged by the turn',
    wat: f('(loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))', '(param i32)'),
    args: [10],
    fuel: 50,
  },
  {
    name: 'the end of a loop continues its last run',
    wat: f(
      '(loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))) (drop (i32.const 0))) (drop (i32.const 0))',
      '(param i32)',
    ),
    args: [2],
    fuel: 12,
  },
  {
    name: 'br_table to its first label',
    wat: f(
      '(block (block (br_table 0 1 (local.get 0))) (drop (i32.const 0))) (drop (i32.const 0))',
      '(param i32)',
    ),
    args: [0],
    fuel: 4,
  },
  {
    name: 'br_table to its default',
    wat: f(
      '(block (block (br_table 0 1 (local.get 0))) (drop (i32.const 0))) (drop (i32.const 0))',
      '(param i32)',
    ),
    args: [9],
    fuel: 3,
  },
  { name: 'dead code costs nothing', wat: f('(return) (drop (i32.const 1)) (loop (br 0))'), fuel: 1 },
  {
    name: 'code behind a block that always leaves early',
    wat: f('(block (br 0) (drop (i32.const 1))) (drop (i32.const 1))'),
    fuel: 2,
  },
  {
    name: 'dead blocks inside of dead code end without reviving it',
    wat: f(
      '(block (br 0) (block (if (i32.const 1) (then) (else))) (drop (i32.const 1))) (drop (i32.const 1))',
    ),
    fuel: 2,
  },
  // call, then const in g and in f
  {
    name: 'calls',
    wat: f('(call $g) (call $g) (drop (i32.const 1))', '', '(func $g (drop (i32.const 1)))'),
    fuel: 5,
  },
  {
    name: 'indirect calls',
    wat: f('(call_indirect (i32.const 0))', '', '(table funcref (elem $g)) (func $g (drop (i32.const 1)))'),
    fuel: 3,
  },
  { name: 'tail calls', wat: f('(return_call $g)', '', '(func $g (drop (i32.const 1)))'), fuel: 2 },
  {
    name: 'indirect tail calls',
    wat: f(
      '(return_call_indirect (i32.const 0))',
      '',
      '(table funcref (elem $g)) (func $g (drop (i32.const 1)))',
    ),
    fuel: 3,
  },
  {
    name: 'calls of references',
    wat: f(
      '(call_ref $t (ref.func $g)) (return_call_ref $t (ref.func $g))',
      '',
      '(type $t (func)) (elem declare func $g) (func $g (drop (i32.const 1)))',
    ),
    fuel: 6,
  },
  // ref.null, br_on_null
  {
    name: 'br_on_null',
    wat: f('(block $b (drop (br_on_null $b (ref.null func))) (nop)) (drop (i32.const 1))'),
    fuel: 3,
  },
  {
    name: 'br_on_non_null',
    wat: f('(drop (block $b (result (ref func)) (br_on_non_null $b (ref.func $f)) (unreachable)))', '', ''),
    fuel: 2,
  },
  {
    name: 'br_on_cast',
    wat: f(
      '(drop (block $b (result (ref i31)) (drop (br_on_cast $b (ref any) (ref i31) (ref.i31 (i32.const 1)))) (unreachable)))',
    ),
    fuel: 3,
  },
  // 3 consts + instruction + length
  {
    name: 'memory.fill by the 8 bytes',
    wat: f('(memory.fill (i32.const 0) (i32.const 0) (i32.const 800))', '', '(memory 1)'),
    fuel: 104,
  },
  {
    name: 'memory.fill of under 8 bytes',
    wat: f('(memory.fill (i32.const 0) (i32.const 0) (i32.const 7))', '', '(memory 1)'),
    fuel: 4,
  },
  {
    name: 'memory.copy by the 8 bytes',
    wat: f('(memory.copy (i32.const 0) (i32.const 8) (i32.const 65_528))', '', '(memory 1)'),
    fuel: 8195,
  },
  {
    name: 'memory.copy in a 64-bit memory',
    wat: f('(memory.copy (i64.const 0) (i64.const 8) (i64.const 80))', '', '(memory i64 1)'),
    fuel: 14,
  },
  {
    name: 'memory.init by the 8 bytes',
    wat: f(
      '(memory.init $d (i32.const 0) (i32.const 0) (i32.const 16)) (data.drop $d)',
      '',
      '(memory 1) (data $d "0123456789abcdef")',
    ),
    fuel: 7 + 100,
  },
  {
    name: 'table.fill by the entry',
    wat: f('(table.fill (i32.const 0) (ref.null func) (i32.const 5))', '', '(table 9 funcref)'),
    fuel: 9 + 100,
  },
  {
    name: 'table.copy by the entry',
    wat: f('(table.copy (i32.const 0) (i32.const 1) (i32.const 5))', '', '(table 9 funcref)'),
    fuel: 9 + 100,
  },
  {
    name: 'table.init by the entry',
    wat: f(
      '(table.init $e (i32.const 0) (i32.const 0) (i32.const 2)) (elem.drop $e)',
      '',
      '(table 9 funcref) (elem $e func $f $f)',
    ),
    fuel: 7 + 100,
  },
  {
    name: 'array.new by the entry',
    wat: f('(drop (array.new $a (i32.const 1) (i32.const 50)))', '', '(type $a (array (mut i32)))'),
    fuel: 53,
  },
  {
    name: 'array.fill and array.copy by the entry',
    wat: f(
      '(local (ref null $a)) (local.set 0 (array.new_default $a (i32.const 4))) (array.fill $a (local.get 0) (i32.const 0) (i32.const 0) (i32.const 4)) (array.copy $a $a (local.get 0) (i32.const 0) (local.get 0) (i32.const 1) (i32.const 3))',
      '',
      '(type $a (array (mut i32)))',
    ),
    fuel: 25,
  },
  {
    name: 'struct.new_default by the field',
    wat: f('(drop (struct.new_default $s))', '', '(type $s (struct (field i32 i64 f32)))'),
    fuel: 4,
  },
  {
    name: 'table.set, which the engine calls its own code for',
    wat: f(
      '(table.set (i32.const 0) (ref.null func)) (drop (table.get (i32.const 0)))',
      '',
      '(table 9 funcref)',
    ),
    fuel: 5 + 100,
  },
  ...['array.new_data', 'array.new_elem'].map((instruction) => ({
    name: `${instruction}, which the engine calls its own code for, by the entry`,
    wat: f(
      instruction === 'array.new_data'
        ? '(drop (array.new_data $a $d (i32.const 0) (i32.const 3)))'
        : '(drop (array.new_elem $b $e (i32.const 0) (i32.const 2)))',
      '',
      '(type $a (array (mut i32))) (type $b (array funcref)) (data $d "0123456789abcdef") (elem $e func $f $f)',
    ),
    fuel: 3 + (instruction === 'array.new_data' ? 3 : 2) + 100,
  })),
  ...['array.init_data', 'array.init_elem'].map((instruction) => ({
    name: `${instruction}, which the engine calls its own code for, by the entry`,
    wat: f(
      instruction === 'array.init_data'
        ? '(array.init_data $a $d (array.new_default $a (i32.const 4)) (i32.const 0) (i32.const 0) (i32.const 3))'
        : '(array.init_elem $b $e (array.new_default $b (i32.const 4)) (i32.const 0) (i32.const 0) (i32.const 2))',
      '',
      '(type $a (array (mut i32))) (type $b (array (mut funcref))) (data $d "0123456789abcdef") (elem $e func $f $f)',
    ),
    fuel: 6 + 4 + (instruction === 'array.init_data' ? 3 : 2) + 100,
  })),
  // const, memory.grow, 2 * 8192
  {
    name: 'memory.grow by the page',
    wat: f('(drop (memory.grow (i32.const 2)))', '', '(memory 1)'),
    fuel: 2 + 2_000 + 2 * 8192,
  },
  {
    name: 'memory.grow that is refused',
    wat: f('(drop (memory.grow (i32.const 101)))', '', '(memory 1)'),
    fuel: 2 + 2_000,
  },
  {
    name: 'table.grow by the entry',
    wat: f('(drop (table.grow (ref.null func) (i32.const 7)))', '', '(table 1 funcref)'),
    fuel: 3 + 2_000 + 7,
  },
  // try: throw | const
  {
    name: 'a caught exception',
    wat: f(
      'try (drop (i32.const 1)) throw $e catch $e (drop (i32.const 1)) end (drop (i32.const 1))',
      '',
      '(tag $e)',
    ),
    fuel: 4 + 1_000,
  },
  {
    name: 'a try without an exception',
    wat: f(
      'try (drop (i32.const 1)) catch_all (drop (i32.const 1)) (drop (i32.const 1)) end (drop (i32.const 1))',
      '',
      '(tag $e)',
    ),
    fuel: 2,
  },
  {
    name: 'delegate and rethrow',
    wat: f(
      'try try throw $e delegate 0 catch $e try rethrow 1 catch_all end end (drop (i32.const 1))',
      '',
      '(tag $e)',
    ),
    fuel: 3 + 2 * 1_000,
  },
  {
    name: 'a handler of try_table',
    wat: f(
      '(block $h (try_table (catch $e $h) (throw $e)) (drop (i32.const 1))) (drop (i32.const 1))',
      '',
      '(tag $e)',
    ),
    fuel: 2 + 1_000,
  },
  {
    name: 'a try_table without an exception',
    wat: f(
      '(block $h (try_table (catch $e $h) (drop (i32.const 0))) (drop (i32.const 1))) (drop (i32.const 1))',
      '',
      '(tag $e)',
    ),
    fuel: 3,
  },
  {
    name: 'throw_ref',
    wat: f(
      '(block $o (drop (block $h (result exnref) (try_table (catch_all_ref $h) (throw $e)) (br $o)))) (try_table (catch_all 0) (throw_ref (block $i (result exnref) (try_table (catch_all_ref $i) (throw $e)) (unreachable))))',
      '',
      '(tag $e)',
    ),
    fuel: 3 + 3 * 1_000,
  },
  // The call's run is charged whole, although the exception leaves it: const and call, then the handler's const.
  {
    name: 'a run that an exception of a callee cuts short is charged whole',
    wat: f(
      'try (call $g) (drop (i32.const 1)) (drop (i32.const 1)) catch_all end',
      '',
      '(tag $e) (func $g (throw $e))',
    ),
    fuel: 4 + 1_000,
  },
  {
    name: 'SIMD costs one an instruction',
    wat: f('(drop (i32x4.add (v128.const i32x4 1 2 3 4) (i32x4.splat (i32.const 1))))'),
    fuel: 4,
  },
];

for (const { name, wat, args = [], fuel } of ROWS) {
  test(`cost: ${name}`, async (t) => {
    const { host, call } = await meter(wat);
    call('f', ...args);
    t.is(host.spent, fuel);
  });
}

test('the start function is metered', async (t) => {
  const { host } = await meter('(module (func $s (drop (i32.const 1)) (drop (i32.const 1))) (start $s))');
  t.is(host.spent, 2);
});

test('a second run of the same call costs the same', async (t) => {
  const { host, call } = await meter(ROWS.find(({ name }) => name.startsWith('a loop'))!.wat);
  call('f', 1_000);
  const first = host.spent;
  call('f', 1_000);
  t.is(host.spent, 2 * first);
});

test('one fuel counter serves several modules', async (t) => {
  const callee = await meter('(module (func (export "g") (drop (i32.const 1))))');
  const caller = await meter(
    '(module (import "m" "g" (func $g)) (func (export "f") (call $g)))',
    {},
    { m: { g: callee.exports['g']! } },
  );
  caller.call('f');
  t.is(caller.host.spent, 1);
  t.is(callee.host.spent, 1);
});
