import test from 'ava';
import { meter } from './metered.ts';

const NOPS = (count: number): string => ' nop'.repeat(count);

test('uses of the first local are renamed wherever they stand, and of each function its own', async (t) => {
  // A distance takes a byte for each 255 that it is long.
  const gaps = [0, 1, 251, 252, 253, 254, 507, 508, 509, 1_020, 3_000];
  const functions = [gaps, [], [...gaps].reverse(), [252]];
  const { call } = await meter(
    `(module ${functions
      .map(
        (distances, index) => `
      (func $f${index} (param i32) (result i32) (local $first i32) (local $other i32)
        (local.set $other (i32.const 100))
        ${distances.map((nops) => `(local.set $first (i32.add (local.get $first) (local.get 0))) ${NOPS(nops)}`).join('')}
        (i32.add (local.get $first) (local.get $other)))
      (func (export "f${index}") (param i32) (result i32) (call $f${index} (local.get 0)))`,
      )
      .join('')})`,
  );
  for (const [index, distances] of functions.entries())
    t.is(call(`f${index}`, 7), 100 + 7 * distances.length);
});

test('the first local keeps its value where its number becomes one of two bytes', async (t) => {
  for (const [declared, gap] of [
    [2, 300],
    [126, 0],
    [127, 254],
    [200, 255],
    [20_000, 600],
  ] as const) {
    const { host, call } = await meter(`(module
      (func $f (param i32) (result i32) (local $first i32) (local ${'i64 '.repeat(declared - 1)})
        (local.set $first (i32.add (local.get 0) (i32.const 1)))
        ${NOPS(gap)}
        (local.set $first (i32.mul (local.get $first) (local.tee $first (i32.add (local.get $first) (i32.const 2)))))
        ${NOPS(gap)}
        (local.get $first))
      (func (export "f") (param i32) (result i32) (call $f (local.get 0))))`);
    t.is(call('f', 4), 5 * 7);
    t.is(host.spent, 2 + 4 + 7 + 1 + Math.max(0, declared - 64));
  }
});

test('a use of the first local by a number with padding is one', async (t) => {
  // (func $f (param i32) (result i32) (local i32) ...) called by (func (export "f") ...); 0x81 0x00 is a 1 of two bytes.
  const code = [1, 1, 0x7f, 0x20, 0, 0x21, 0x81, 0, 0x20, 1, 0x20, 0x81, 0, 0x6a, 0x0b];
  const bytes = Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f],
    ...[3, 3, 2, 0, 0],
    ...[7, 5, 1, 1, 0x66, 0, 1],
    ...[10, 3 + code.length + 6, 2, code.length, ...code, 6, 0, 0x20, 0, 0x10, 0, 0x0b],
  ]);
  t.true(WebAssembly.validate(bytes));
  const { call } = await meter(bytes);
  t.is(call('f', 21), 42);
});
