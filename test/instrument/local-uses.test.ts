import test from 'ava';
import { LocalUses, NO_USE } from '../../host/instrument/local-uses.ts';
import { meter } from './metered.ts';

const NOPS = (count: number): string => ' nop'.repeat(count);

test('uses are read where they were noted, however far apart, and of each function its own', (t) => {
  const functions = [
    { offset: 10, uses: [10, 12, 266, 521, 776, 1_286] },
    { offset: 2_000, uses: [] },
    { offset: 3_000, uses: [3_254, 3_255, 3_765] },
  ];
  const noted = new LocalUses(functions.length, 0);
  functions.forEach(({ offset, uses }, index) => {
    noted.enter(index, offset, 2_000);
    for (const at of uses) noted.add(at);
    noted.close(index);
  });
  for (const [index, { offset, uses }] of functions.entries()) {
    const read: number[] = [];
    for (noted.startReading(index, offset); noted.nextAt !== NO_USE; noted.readNext())
      read.push(noted.nextAt);
    t.deepEqual(read, uses);
  }
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
