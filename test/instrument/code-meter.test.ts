import { createHash } from 'node:crypto';
import test from 'ava';
import { MODULE_BOUNDS } from '../../host/instrument/bounds.ts';
import { InstrumentError } from '../../host/instrument/error.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import { assemble, meter } from './metered.ts';

/** Bodies come into the metering code's memory in pieces of this length, but for longer functions (code-meter.ts). */
const WINDOW_BYTES = 2 ** 18;
const NOPS = (count: number): string => ' nop'.repeat(count);

/** LEB128 of four bytes, whatever the value. */
const length = (value: number): number[] =>
  [0, 7, 14, 21].map((shift) => ((value >>> shift) & 0x7f) | (shift < 21 ? 0x80 : 0));

/** A module with one function, of so many bytes that do nothing. */
function longModule(nops: number): Uint8Array {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0];
  const body = new Uint8Array(nops + 2).fill(0x01);
  body[0] = 0;
  body[nops + 1] = 0x0b;
  return Buffer.concat([
    Uint8Array.from([...header, 10, ...length(1 + 4 + body.length), 1, ...length(body.length)]),
    body,
  ]);
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('functions do what they did, and are charged to the unit, wherever windows begin and end', async (t) => {
  // One that is longer than a window, one that ends with it, and small ones before, between and behind.
  const lengths = [
    10,
    WINDOW_BYTES + 5_000,
    3,
    WINDOW_BYTES - 100,
    200,
    3 * WINDOW_BYTES,
    0,
    WINDOW_BYTES / 2,
    WINDOW_BYTES / 2,
  ];
  const functions = lengths.map(
    (nops, index) => `
      (func $f${index} (param i32) (result i32) (local $sum i32)
        (local.set $sum (i32.const ${index})) ${NOPS(nops)}
        (if (local.get 0) (then (local.set $sum (i32.add (local.get $sum)
          (call $f${(index + 1) % lengths.length} (i32.sub (local.get 0) (i32.const 1)))))))
        (local.get $sum))`,
  );
  const { host, call } = await meter(
    `(module ${functions.join('')} (func (export "f") (param i32) (result i32) (call $f0 (local.get 0))))`,
  );
  const depth = 2 * lengths.length;
  const indices = Array.from({ length: depth + 1 }, (_, level) => level % lengths.length);
  t.is(
    call('f', depth),
    indices.reduce((sum, index) => sum + index, 0),
  );
  // Five instructions in each; seven more where another one is called; two around all of them.
  t.is(host.spent, 2 + 5 * (depth + 1) + 7 * depth);
});

test('a module is metered the same whatever was metered or refused before it', async (t) => {
  const module = await assemble(`(module (memory 1) (global $g (mut i32) (i32.const 1))
    (func $f (param i32) (result i32) (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (global.get $g))
    (func (export "f") (param i32) (result i32) (call $f (memory.grow (local.get 0)))))`);
  const first = digest(instrument(module).bytes);
  const others = [
    // Large: what this takes of memory is not kept.
    longModule(2 ** 22),
    await assemble('(module (func))'),
    await assemble('(module (memory 1 2) (table 3 funcref) (tag) (func (throw 0)))'),
  ];
  for (const other of others) {
    instrument(other, { ...MODULE_BOUNDS, functionBytes: 2 ** 23 });
    t.is(digest(instrument(module).bytes), first);
  }
  // Each byte of its code in turn is wrong: refused while it is read, or by the engine once it is.
  const at = module.indexOf(10, 40);
  let refused = 0;
  for (let wrong = at + 2; wrong < module.length; wrong++) {
    const bad = module.slice();
    bad[wrong] = 0xff;
    try {
      instrument(bad);
    } catch (error) {
      t.true(error instanceof InstrumentError);
      refused++;
    }
    t.is(digest(instrument(module).bytes), first);
  }
  t.true(refused > 20);
});
