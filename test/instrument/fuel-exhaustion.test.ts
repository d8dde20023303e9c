import test from 'ava';
import { CHECK_INTERVAL, CHUNK } from '../../host/instrument/cost-model.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import { METER_IMPORTS, METER_MODULE } from '../../host/instrument/meter-imports.ts';
import { assemble, type GuestFunction, instantiate, MeterHost, meter } from './metered.ts';

/** Programs without an end. */
const ENDLESS: Readonly<Record<string, string>> = {
  'an endless loop': '(func (export "f") (loop (br 0)))',
  'an endless loop with a trap behind it': '(func (export "f") (loop (br 0)) unreachable)',
  'a loop through br_if': '(func (export "f") (loop (br_if 0 (i32.const 1))))',
  'a loop through br_table': '(func (export "f") (loop (br_table 0 0 (i32.const 1))))',
  'a loop through br_on_null': '(func (export "f") (loop (drop (br_on_null 0 (ref.null func)))))',
  'a loop through br_on_cast_fail':
    '(func (export "f") (ref.null any) (loop $l (param anyref) (drop (br_on_cast_fail $l anyref (ref i31)))))',
  'a loop whose calls empty the counter, and whose head is checked':
    '(table funcref (elem $g)) (func $g) (func (export "f") (param i32) (loop (call $g) (br_if 0 (i32.eqz (local.get 0))) (br 0)))',
  'exceptions that empty the counter in a loop that is passed one':
    '(tag $e) (func $p (param i32)) (func (export "f") (param i32) loop $l try local.get 0 call $p throw $e catch $e br $l end end)',
  'exponential recursion through a table, with a check at the entry': `(table funcref (elem $f)) (type $t (func (param i32)))
    (func $p)
    (func $twice (param i32) (call_indirect (type $t) (local.get 0) (i32.const 0)) (call_indirect (type $t) (local.get 0) (i32.const 0)))
    (func $f (export "f") (type $t)
      (call $p)
      (if (i32.lt_u (local.get 0) (i32.const 60)) (then
        (local.set 0 (i32.add (local.get 0) (i32.const 1)))
        (if (i32.and (local.get 0) (i32.const 1))
          (then (call_indirect (type $t) (local.get 0) (i32.const 0)) (call $twice (local.get 0)))
          (else (call_indirect (type $t) (local.get 0) (i32.const 0)) (call $twice (local.get 0)))))))`,
  'mutual tail calls': '(func $g (return_call $f)) (func $f (export "f") (return_call $g))',
  'indirect tail calls':
    '(table funcref (elem $f)) (func $f (export "f") (return_call_indirect (i32.const 0)))',
  'tail calls of references':
    '(type $t (func)) (elem declare func $f) (func $f (export "f") (return_call_ref $t (ref.func $f)))',
  'exceptions thrown in a loop': '(tag $e) (func (export "f") loop $l try throw $e catch $e br $l end end)',
  'a handler that is a loop': '(tag $e) (func (export "f") (loop $l (try_table (catch_all $l) (throw $e))))',
  'an exception caught around each call':
    '(tag $e) (func $g (throw $e)) (func (export "f") loop $l try call $g catch_all br $l end end)',
  'exponential recursion':
    '(func $f (export "f") (param i32) (if (i32.lt_u (local.get 0) (i32.const 60)) (then (call $f (i32.add (local.get 0) (i32.const 1))) (call $f (i32.add (local.get 0) (i32.const 1))))))',
  'a catch-all around everything':
    '(tag $e) (func (export "f") loop $a try loop $l br $l end catch_all br $a end end)',
  'a try_table around everything':
    '(func (export "f") (loop $a (block $h (try_table (catch_all $h) (loop $l (br $l)))) (br $a)))',
};

for (const [name, fields] of Object.entries(ENDLESS)) {
  test(`${name} ends when the fuel does`, async (t) => {
    const { host, call } = await meter(`(module ${fields})`, { fuel: 100_000n });
    const error = t.throws(() => call('f', 0), { instanceOf: WebAssembly.RuntimeError });
    t.is(error.message, 'unreachable');
    t.is(host.refills, 1);
    t.true(host.spent > 100_000);
    t.true(host.spent < 100_000 + CHUNK + 100, `spent ${host.spent}`);
  });
}

test('endless recursion ends, by fuel or by the end of the stack', async (t) => {
  const { call } = await meter(
    // Eleven units a frame: fuel is noticed before the stack ends.
    `(module (func $f (export "f") ${'(drop (i32.const 0))'.repeat(10)} (call $f)))`,
    { fuel: 1_000n },
  );
  t.throws(() => call('f'), { instanceOf: WebAssembly.RuntimeError, message: 'unreachable' });
});

test('a refill that raises the counter lets the code go on, and the sum stays exact', async (t) => {
  const wat =
    '(module (func (export "f") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))';
  const { host, call } = await meter(wat, { fuel: 100n, refill: (h) => h.grant(40_000n) });
  call('f', 80_000);
  t.is(host.spent, 400_000);
  t.true(host.refills >= 9 && host.refills <= 11, `${host.refills} refills`);
});

test('a counter of exactly what is needed is enough', async (t) => {
  const wat =
    '(module (func (export "f") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))';
  const enough = await meter(wat, { fuel: 500_000n });
  enough.call('f', 100_000);
  t.is(enough.host.refills, 0);
  const short = await meter(wat, { fuel: 499_999n - BigInt(CHUNK) });
  t.throws(() => short.call('f', 100_000), { message: 'unreachable' });
});

test('a long bulk operation is refused before it runs', async (t) => {
  const wat = `(module (memory (export "m") 16)
    (func (export "f") (memory.fill (i32.const 0) (i32.const 255) (i32.const 1000000))))`;
  const { exports, call } = await meter(wat, { fuel: 1_000n });
  t.throws(() => call('f'), { message: 'unreachable' });
  t.is(new Uint8Array((exports['m'] as WebAssembly.Memory).buffer)[0], 0);
});

test('a length of 2^32-1 and one of 2^64-1 are unsigned', async (t) => {
  const small = await meter(
    '(module (memory 1) (func (export "f") (memory.fill (i32.const 0) (i32.const 0) (i32.const -1))))',
  );
  t.throws(() => small.call('f'), { instanceOf: WebAssembly.RuntimeError, message: /out of bounds/ });
  t.is(small.host.spent, Math.floor((2 ** 32 - 1) / 8));
  const large = await meter(
    '(module (memory i64 1) (func (export "f") (memory.fill (i64.const 0) (i32.const 0) (i64.const -1))))',
  );
  t.throws(() => large.call('f'), { instanceOf: WebAssembly.RuntimeError, message: /out of bounds/ });
  t.is(large.host.spent, 2 ** 36 / 8);
});

test('straight code of any length runs ahead of the counter by one interval at most', async (t) => {
  // Each `if` starts a run of its own, none of which has an entry or a loop to be checked at.
  const steps = '(if (local.get 0) (then (global.set 0 (i32.add (global.get 0) (i32.const 1)))))'.repeat(
    15_000,
  );
  const wat = `(module (global (export "n") (mut i32) (i32.const 0)) (func (export "f") (param i32) ${steps}))`;
  for (const argument of [0, 1]) {
    const { host, call } = await meter(wat, { fuel: 10n });
    t.throws(() => call('f', argument), { message: 'unreachable' });
    t.true(host.spent <= 10 + CHUNK + CHECK_INTERVAL + 10, `spent ${host.spent}`);
  }
});

test('checks cannot be stepped around by jumping over them', async (t) => {
  // A long arm is checked, the short way around it must not be taken for checked.
  const arm = '(drop (i32.const 1))'.repeat(CHECK_INTERVAL);
  const step = `(if (i32.eqz (local.get 0)) (then ${arm}))${'(drop (i32.const 1))'.repeat(CHECK_INTERVAL - 50)}`;
  const { host, call } = await meter(`(module (func (export "f") (param i32) ${step.repeat(20)}))`, {
    fuel: 10n,
  });
  t.throws(() => call('f', 1), { message: 'unreachable' });
  t.true(host.spent <= 10 + CHUNK + 2 * CHECK_INTERVAL, `spent ${host.spent}`);
});

test('returning through many frames runs ahead by one interval a frame at most', async (t) => {
  // The tail behind the call is a run of its own, that nothing checks until it is above the interval.
  const tail = '(drop (i32.const 1))'.repeat(CHECK_INTERVAL - 100);
  const wat = `(module (func $f (export "f") (param i32)
    (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1))))) ${tail}))`;
  const depth = 200;
  const { host, call } = await meter(wat, { fuel: BigInt(depth * 10) });
  t.notThrows(() => call('f', depth));
  t.true(host.spent - depth * 10 <= (depth + 1) * CHECK_INTERVAL, `spent ${host.spent}`);
  t.throws(() => call('f', 0), { message: 'unreachable' }, 'the next entry notices');
});

test('the end of the stack cannot be caught by the guest', async (t) => {
  const wat = `(module (func $f (call $f))
    (func (export "f") (result i32) (block $h (try_table (catch_all $h) (call $f)) (return (i32.const 1))) (i32.const 2)))`;
  const { call } = await meter(wat);
  t.throws(() => call('f'), { instanceOf: RangeError });
});

test('a refill may park the guest and let it go on later', async (t) => {
  const wat =
    '(module (func (export "f") (param i32) (result i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0)))';
  const host = new MeterHost({ fuel: 100n });
  let parked = 0;
  const refill = new WebAssembly.Suspending(async () => {
    parked++;
    await Promise.resolve();
    host.grant(40_000n);
  });
  const { bytes } = instrument(await assemble(wat));
  const exports = instantiate(bytes, { [METER_MODULE]: { ...host.imports, [METER_IMPORTS.refill]: refill } });
  t.is(await WebAssembly.promising(exports['f'] as GuestFunction)(40_000), 0);
  t.is(parked, 5);
  t.is(host.spent, 200_001);
});
