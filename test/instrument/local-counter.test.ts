import { print } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { CHECK_INTERVAL, CHUNK } from '../../host/instrument/cost-model.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import { assemble, meter } from './metered.ts';

async function written(wat: string): Promise<string> {
  return print(instrument(await assemble(wat)).bytes);
}

test('a function called by its index alone takes the counter and gives it back', async (t) => {
  const wat = `(module (func $g (param i32) (result i32) (local $first i64) (local $second i32)
      (local.set $first (i64.add (local.get $first) (i64.const 5)))
      (local.set $second (i32.add (local.get 0) (i32.wrap_i64 (local.get $first))))
      (local.get $second))
    (func (export "f") (param i32) (result i32) (i32.add (call $g (local.get 0)) (call $g (i32.const 100)))))`;
  const { host, call } = await meter(wat);
  t.is(call('f', 1), 6 + 105);
  // f: two operands, two calls, an addition; g: ten instructions each time.
  t.is(host.spent, 5 + 2 * 10);
  t.regex(await written(wat), /\(func \(;\d+;\) \(type \d+\) \(param i32 i64\) \(result i32 i64\)/);
});

test('what straight code costs is added once, where the counter is pushed for the first of its calls', async (t) => {
  const wat = `(module
    (func $g (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func $f (param i32)
      (if (local.get 0) (then (call $g (i32.const 1)) (call $g (i32.const 2)) (call $g (i32.const 3)))))
    (func (export "f") (param i32) (call $f (local.get 0))))`;
  const { host, call } = await meter(wat);
  call('f', 1);
  t.is(host.spent, 2 + 2 + 3 * 2 + (1 + 2 + 3) * 5);
  const f = (await written(wat)).split(/\(func \$f /)[1]!.split('(func ')[0]!;
  // What leads to the calls has been paid by f's caller, what is in the arm is charged with the first of them.
  t.is(f.match(/i64\.add/g)?.length, 1, f);
});

test('what a function is certain to cost is paid by its callers, and its shortest way adds nothing', async (t) => {
  const wat = `(module
    (func $leaf (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.add (i32.const 2) (i32.const 3)))))
    (func $same (param i32) (result i32) (i32.xor (local.get 0) (i32.const 5)))
    (func (export "f") (param i32) (result i32) (i32.add (call $leaf (local.get 0)) (call $same (local.get 0)))))`;
  const { host, call } = await meter(wat);
  call('f', 1);
  t.is(host.spent, 5 + 3 + 3);
  call('f', 0);
  t.is(host.spent, 5 + 3 + 3 + (5 + 5 + 3));
  const text = await written(wat);
  const bodyOf = (name: string): string => text.split(`(func $${name} `)[1]!.split('(func ')[0]!;
  t.is(bodyOf('same').match(/i64\.add/g), null, bodyOf('same'));
  // The longer of its ways pays the difference.
  t.is(bodyOf('leaf').match(/i64\.add/g)?.length, 1, bodyOf('leaf'));
});

test('a branch in a loop that may go on pays where it goes, so that a turn adds once', async (t) => {
  const wat = `(module
    (func (export "f") (param i32) (result i32) (local i32)
      (block $out
        (loop $again
          (br_if $out (i32.eq (local.get 1) (i32.const 7)))
          (local.set 1 (i32.add (local.get 1) (i32.const 1)))
          (br_if $out (i32.eq (local.get 1) (local.get 0)))
          (local.set 1 (i32.xor (local.get 1) (i32.const 0)))
          (br $again)))
      (local.get 1)))`;
  const { host, call } = await meter(wat);
  t.is(call('f', 3), 3);
  t.is(host.spent, 2 * 17 + 12 + 1);
  t.is(call('f', 100), 7);
  t.is(host.spent, 2 * 17 + 12 + 1 + 7 * 17 + 4 + 1);
  const turn = (await written(wat)).split('loop')[1]!.split('end\n    local.get')[0]!;
  const [head, ...behind] = turn.split(/\bbr \d/);
  t.true(behind.length > 1, turn);
  t.is(head!.match(/i64\.add/g)?.length, 1, turn);
});

test('what stands behind two arms that both pay is paid for in them', async (t) => {
  const wat = (then: string, otherwise: string): string => `(module
    (func $g (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func $f (param i32)
      (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (if (global.get 0) (then ${then}) (else ${otherwise}))
      (drop (i32.add (i32.const 1) (i32.const 2))))
    (global (mut i32) (i32.const 0))
    (func (export "f") (param i32) (global.set 0 (local.get 0)) (call $g (i32.const 2)) (call $f (i32.const 3))))`;
  const cheap = '(drop (i32.const 1))';
  const additions = async (then: string, otherwise: string): Promise<number> => {
    const { host, call } = await meter(wat(then, otherwise));
    for (const [argument, arm] of [then, otherwise].entries()) {
      const before = host.spent;
      call('f', 1 - argument);
      const armCost = arm === cheap ? 1 : arm === '' ? 0 : 2 + 5;
      t.is(host.spent - before, 2 + 2 + 10 + 2 + 3 * 5 + 2 + armCost + 3, `${then} or ${otherwise}`);
    }
    const f = (await written(wat(then, otherwise))).split(/\(func \$f /)[1]!.split('(func ')[0]!;
    return f.match(/i64\.add/g)!.length;
  };
  const called = '(call $g (i32.const 1))';
  // Of the loop, of each arm; the last one has nothing to pay for what follows with.
  t.is(await additions(called, called), 3);
  t.is(await additions(called, ''), 3);
  t.is(await additions(cheap, called), 3);
});

test('arms that pay nothing themselves are not made to pay for what stands behind them', async (t) => {
  const wat = (then: string, otherwise: string): string => `(module
    (func $g (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func $f (param i32)
      (call $g (i32.const 1))
      (if (local.get 0) (then ${then}) (else ${otherwise}))
      (call $g (i32.const 1)))
    (func (export "f") (param i32) (call $f (local.get 0))))`;
  for (const [then, otherwise, additions] of [
    // The second call pays for all since the first, whichever way control came.
    ['', '', 1],
    // The arm that costs something pays for that, and for nothing else.
    ['(drop (i32.const 1))', '', 2],
    ['(block (br 0))', '', 2],
  ] as const) {
    const { host, call } = await meter(wat(then, otherwise));
    const arm = then === '' ? 0 : 1;
    for (const argument of [1, 0]) {
      const before = host.spent;
      call('f', argument);
      t.is(host.spent - before, 2 + 2 * (2 + 5) + 2 + (argument === 1 ? arm : 0), `${then} at ${argument}`);
    }
    const f = (await written(wat(then, otherwise))).split(/\(func \$f /)[1]!.split('(func ')[0]!;
    t.is(f.match(/i64\.add/g)?.length, additions, f);
  }
});

test('what is owed is carried to labels that find out one from the other, against the order of the code', async (t) => {
  const wat = `(module
    (func $g (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func $f (param i32)
      (block $last
        (block $second
          (block $first
            (drop (i32.add (i32.add (i32.const 1) (i32.const 2)) (i32.add (i32.const 3) (i32.const 4))))
            (br_if $second (i32.eq (local.get 0) (i32.const 1)))
            (br_if $first (i32.eq (local.get 0) (i32.const 2)))
            (drop (i32.const 5)))
          (br_if $last (i32.eq (local.get 0) (i32.const 3)))
          (drop (i32.const 6)))
        (call $g (i32.const 1))
        (br_if $last (i32.eq (local.get 0) (i32.const 4)))
        (drop (i32.const 7))))
    (func (export "f") (param i32) (call $f (local.get 0))))`;
  const { host, call } = await meter(wat);
  const costs: number[] = [];
  for (const argument of [0, 1, 2, 3, 4]) {
    const before = host.spent;
    call('f', argument);
    costs.push(host.spent - before - 2);
  }
  const [toSecond, toFirst, toLast] = [7 + 4, 4, 4];
  const behind = 2 + 5 + 4;
  t.deepEqual(costs, [
    toSecond + toFirst + 1 + toLast + 1 + behind + 1,
    toSecond + behind + 1,
    toSecond + toFirst + toLast + 1 + behind + 1,
    toSecond + toFirst + 1 + toLast,
    toSecond + toFirst + 1 + toLast + 1 + behind,
  ]);
  const f = (await written(wat)).split(/\(func \$f /)[1]!.split('(func ')[0]!;
  // Between the first two branches, all that is pending is owed at the label of the second.
  t.notRegex(f.split('br_if')[1]!, /i64\.add/, f);
});

test('every way out of such a function gives the counter back', async (t) => {
  const { host, call } = await meter(`(module
    (func $g (param i32) (result i32)
      (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10)))
        (br 1 (i32.const 20)))
      (drop (br_if 0 (i32.const 30) (i32.eq (local.get 0) (i32.const 2))))
      (i32.const 40))
    (func (export "f") (param i32) (result i32) (call $g (local.get 0))))`);
  const costs: number[] = [];
  for (const [argument, result] of [10, 20, 30, 40].entries()) {
    const before = host.spent;
    t.is(call('f', argument), result);
    costs.push(host.spent - before);
  }
  t.deepEqual(costs, [2 + 4, 2 + 4, 2 + 7, 2 + 8]);
});

test('functions that a table, a reference or a tail call leads to keep their type', async (t) => {
  const wat = `(module (type $t (func (result i32))) (table funcref (elem $inTable)) (elem declare func $referred)
    (func $inTable (result i32) (i32.const 1))
    (func $referred (result i32) (i32.const 2))
    (func $callee (result i32) (i32.const 3))
    (func $caller (result i32) (return_call $callee))
    (func (export "f") (result i32)
      (i32.add (i32.add (call_indirect (type $t) (i32.const 0)) (call_ref $t (ref.func $referred)))
        (i32.add (call $inTable) (i32.add (call $caller) (call $callee))))))`;
  const { host, call } = await meter(wat);
  t.is(call('f'), 1 + 2 + 1 + 3 + 3);
  t.is(host.spent, 11 + 1 + 1 + 1 + 2 + 1);
  for (const name of ['inTable', 'referred', 'callee', 'caller'])
    t.regex(
      await written(wat),
      new RegExp(`\\(func \\$${name} \\(;\\d+;\\) \\(type \\$t\\) \\(result i32\\)`),
    );
});

test('the host sees everything that was executed when it is called', async (t) => {
  const seen: number[] = [];
  let spent = (): number => 0;
  const { host, call } = await meter(
    `(module (import "e" "look" (func $look))
      (func $deep (param i32) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (call $look))))
      (func (export "f") (param i32) (call $deep (local.get 0)) (call $look)))`,
    {},
    { e: { look: () => void seen.push(spent()) } },
  );
  spent = () => host.spent;
  call('f', 50);
  // f's two instructions and perhaps its third, fifty rounds of six, two and the call at the bottom.
  t.true(seen[0]! >= 2 + 50 * 6 + 3 && seen[0]! <= 3 + 50 * 6 + 3, `${seen[0]}`);
  t.is(seen[1], 3 + 50 * 6 + 3);
});

test('an exception takes nothing along that was executed before it', async (t) => {
  const { host, call } = await meter(`(module (tag $e)
    (func $thrower (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (throw $e))
    (func (export "f") (param i32) (block $h (try_table (catch $e $h) (call $thrower (local.get 0))))))`);
  for (const turns of [1, 7, 5_000]) {
    const before = host.spent;
    call('f', turns);
    t.is(host.spent - before, 2 + turns * 5 + 1_001);
  }
});

test('an exception of the host passes through functions that carry the counter, and loses nothing', async (t) => {
  const { host, call } = await meter(
    `(module (import "e" "fail" (func $fail))
      (func $deep (param i32) (drop (i32.const 0)) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))) (call $fail))
      (func (export "f") (param i32) (call $deep (local.get 0))))`,
    {},
    {
      e: {
        fail: () => {
          throw new RangeError('no');
        },
      },
    },
  );
  t.throws(() => call('f', 100), { message: 'no' });
  // Each of the hundred that were left has paid for the call that would have followed.
  t.is(host.spent, 2 + 100 * (7 + 1) + 4);
});

test('a trap leaves at most one chunk and one interval uncharged, however deep the stack', async (t) => {
  const { host, call } = await meter(`(module
    (func $deep (param i32)
      (if (i32.eqz (local.get 0)) (then (unreachable)))
      (call $deep (i32.sub (local.get 0) (i32.const 1))))
    (func (export "f") (param i32) (call $deep (local.get 0))))`);
  const executed = 2 + 3_000 * 7 + 3;
  t.throws(() => call('f', 3_000), { message: 'unreachable' });
  t.true(host.spent <= executed && host.spent >= executed - CHUNK - CHECK_INTERVAL, `${host.spent}`);
  const first = host.spent;
  t.throws(() => call('f', 3_000), { message: 'unreachable' });
  t.is(host.spent, 2 * first, 'and as much each time');
});

test('straight loops are exact wherever they stand and whatever they give', async (t) => {
  const { host, call } = await meter(`(module
    (func $count (param i32) (result i32)
      (loop (result i32) (local.get 0) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "f") (param $outer i32) (param $inner i32) (result i32) (local $i i32) (local $sum i32)
      (loop $turns
        (local.set $i (local.get $inner))
        (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (local.set $sum (i32.add (local.get $sum) (call $count (i32.const 3))))
        (br_if $turns (local.tee $outer (i32.sub (local.get $outer) (i32.const 1)))))
      (local.get $sum)))`);
  for (const [outer, inner] of [
    [1, 1],
    [3, 10],
    [20, 3_000],
  ] as const) {
    const before = host.spent;
    t.is(call('f', outer, inner), outer);
    t.is(host.spent - before, outer * (2 + inner * 5 + 5 + 3 * 6 + 5) + 1);
  }
});

test('an endless straight loop inside of another is noticed', async (t) => {
  const { host, call } = await meter(
    '(module (func (export "f") (loop (loop (br_if 0 (i32.const 1))) (br 0))))',
    { fuel: 10_000n },
  );
  t.throws(() => call('f'), { message: 'unreachable' });
  t.true(host.spent < 10_000 + CHUNK + 100, `${host.spent}`);
});
