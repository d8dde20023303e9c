import { readFileSync } from 'node:fs';
import test from 'ava';
import { runScript } from './spec-script.ts';

const script = readFileSync(new URL('instructions.wast', import.meta.url), 'utf8');

test('every category of instructions gives the same results and traps metered as not', async (t) => {
  const { modules, assertions, unexpected, skipped, differences, fuel } = await runScript(script);
  t.deepEqual(differences, []);
  t.deepEqual(skipped, {});
  t.is(unexpected, 0);
  t.is(modules, 11);
  t.is(assertions, script.match(/^\((assert_|invoke)/gm)!.length);
  t.is(fuel, undefined, 'a stack overflowed on purpose');
});

test('the same script takes the same fuel in each run', async (t) => {
  const withoutOverflow = script.replace(/^\(assert_exhaustion.*/gm, '');
  const { fuel } = await runScript(withoutOverflow);
  // Four million of it for a tail call made a million times.
  t.true(fuel! > 4_000_000, `${fuel}`);
  t.is((await runScript(withoutOverflow)).fuel, fuel);
});

test('an expectation that does not hold is noticed', async (t) => {
  const report = await runScript(`
    (module (func (export "one") (result i32) (i32.const 1)) (func (export "nan") (result f32) (f32.const nan:0x200001)))
    (assert_return (invoke "one") (i32.const 2))
    (assert_return (invoke "nan") (f32.const nan:canonical))
    (assert_return (invoke "nan") (f32.const nan:0x200001))
    (assert_trap (invoke "one") "unreachable")`);
  t.is(report.assertions, 4);
  t.is(report.unexpected, 3);
  t.deepEqual(report.differences, []);
});

test('a NaN keeps its payload on its way through the runner', async (t) => {
  const report = await runScript(`
    (module (func (export "same") (param f32 f64 v128) (result v128 f64 f32) (local.get 2) (local.get 1) (local.get 0)))
    (assert_return (invoke "same" (f32.const -nan:0x200001) (f64.const nan:0x4000000000003) (v128.const f32x4 nan:0x7 1 2 -nan))
      (v128.const f32x4 nan:0x7 1 2 -nan) (f64.const nan:0x4000000000003) (f32.const -nan:0x200001))`);
  t.is(report.unexpected, 0);
  t.is(report.assertions, 1);
});

test('what metering refuses is left out, with the reason', async (t) => {
  const report = await runScript(`
    (module (memory 1 1 shared) (func (export "f")))
    (assert_return (invoke "f"))
    (module (func (export "g") (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))
    (module (memory 1) (func (export "h") (drop (i32.atomic.load (i32.const 0)))))`);
  t.deepEqual(report.skipped, {
    'refused: shared memories and tables': 1,
    'its module was left out': 1,
    'refused: relaxed SIMD instructions': 1,
    'refused: atomic instructions': 1,
  });
  t.is(report.modules, 0);
});
