import test, { type ExecutionContext } from 'ava';
import { InstrumentError } from '../../host/instrument/error.ts';
import { inspectModule } from '../../host/instrument/inspect.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import { assemble, compile, isValid } from './metered.ts';
import { FIXED_SEED, Random, seedOf } from './random.ts';

/** Small modules that between them have every section and every family of instructions. */
const SEEDS = [
  `(module (import "e" "f" (func $i (param i32))) (import "e" "g" (global $x i32)) (type $t (func (result i32)))
    (table $t 3 10 funcref) (table i64 1 externref) (memory 1 9) (memory i64 1) (tag $e (param i32)) (global $m (mut i64) (i64.const 7))
    (elem (i32.const 0) func $a $i) (elem $p funcref (ref.func $a) (ref.null func)) (data (i32.const 1) "abc") (data $d "def")
    (func $a (export "a") (result i32) (local i64 f32) (global.set $m (i64.add (global.get $m) (i64.const 1))) (memory.grow (i32.const 1)))
    (func $s (call $i (i32.const 1)) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3)) (drop (memory.grow 1 (i64.const 1))))
    (func (export "b") (param i32) (result i32)
      (block $h (result i32) (try_table (catch $e $h) (throw $e (i32.const 3))) (i32.const 0))
      (loop $l (br_if $l (local.get 0))) (block (block (br_table 0 1 0 (local.get 0)))) (if (param i32) (result i32) (local.get 0) (then (i32.const 1) (i32.add)) (else (i32.const 2) (i32.mul))))
    (func (export "c") (result i32) (return_call_indirect (type $t) (i32.const 0)))
    (func (export "d") (drop (table.grow (ref.null func) (i32.const 1))) (table.copy (i32.const 0) (i32.const 0) (i32.const 1)) (table.init $p (i32.const 0) (i32.const 0) (i32.const 1)))
    (start $s) (export "m" (memory 0)))`,
  `(module (rec (type $p (sub (struct (field (mut i32))))) (type $q (sub $p (struct (field (mut i32) i8))))) (type $r (array (mut i16))) (type $f (func (param (ref null $r))))
    (global (ref $p) (struct.new $p (i32.const 1))) (elem declare func $g)
    (func $g (type $f) (drop (array.new $r (i32.const 1) (i32.const 9))) (return_call_ref $f (local.get 0) (ref.func $g)))
    (func (export "a") (param anyref) (block $b (result (ref $q)) (drop (br_on_cast $b anyref (ref $q) (local.get 0))) (return)) (struct.set $q 0 (i32.const 1))))`,
  `(module (memory 1) (tag $e) (func $t throw $e) (func (export "a") (result i32)
      try (result i32) try call $t delegate 0 i32.const 1 catch $e try rethrow 1 catch_all end i32.const 2 catch_all i32.const 3 end)
    (func (export "v") (result v128) (i32x4.add (v128.load offset=3 align=1 (i32.const 0)) (v128.load8_lane 3 (i32.const 0) (v128.const i64x2 1 2)))))`,
];

const seed = seedOf('MAYFLY_TEST_SEED');

/** Metering it is either refused as documented or gives a module that is valid. */
function survives(bytes: Uint8Array): boolean {
  try {
    inspectModule(bytes);
    const metered = instrument(bytes).bytes;
    compile(metered);
    return true;
  } catch (error) {
    if (error instanceof InstrumentError) return false;
    throw error;
  }
}

/** Changes some bytes of the modules at random; gives how many were taken, and how many refused. */
async function mutate(
  t: ExecutionContext,
  seed: number,
  count: number,
): Promise<{ readonly accepted: number; readonly refused: number }> {
  const random = new Random(seed);
  const modules = await Promise.all(SEEDS.map(assemble));
  for (const bytes of modules) t.true(survives(bytes));
  let accepted = 0;
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const bytes = Uint8Array.from(random.pick(modules));
    const changes = 1 + random.below(3);
    for (let n = 0; n < changes; n++) {
      const at = 8 + random.below(bytes.length - 8);
      if (random.below(2) === 0) bytes[at] = random.below(256);
      else bytes[at] = (bytes[at]! + (random.below(2) === 0 ? 1 : 255)) & 0xff;
    }
    const cut = random.below(5) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
    if (survives(cut)) {
      accepted++;
      t.true(isValid(cut));
    } else refused++;
  }
  return { accepted, refused };
}

test(`mutated and truncated modules are refused, or metered into valid ones (seed ${seed})`, async (t) => {
  t.log(`seed ${seed}`);
  await mutate(t, seed, 7_000);
});

test('of mutated modules many are taken, and many refused', async (t) => {
  const { accepted, refused } = await mutate(t, FIXED_SEED, 1_000);
  t.true(accepted > 25 && refused > 25, `${accepted} accepted, ${refused} refused`);
});

test(`what the engine finds valid is not called malformed (seed ${seed})`, async (t) => {
  const random = new Random(seed + 1);
  const modules = await Promise.all(SEEDS.map(assemble));
  for (let i = 0; i < 8_000; i++) {
    const bytes = Uint8Array.from(random.pick(modules));
    bytes[8 + random.below(bytes.length - 8)] = random.below(256);
    if (!isValid(bytes)) continue;
    try {
      inspectModule(bytes);
    } catch (error) {
      t.true(
        error instanceof InstrumentError && error.code !== 'malformed',
        `${error} in ${Buffer.from(bytes).toString('hex')}`,
      );
    }
  }
  t.pass();
});

test(`random bytes behind a preamble are refused (seed ${seed})`, (t) => {
  const random = new Random(seed + 2);
  for (let i = 0; i < 8_000; i++) {
    const bytes = new Uint8Array(9 + random.below(60));
    for (let n = 0; n < bytes.length; n++) bytes[n] = random.below(random.below(2) === 0 ? 16 : 256);
    bytes.set([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    survives(bytes);
  }
  t.pass();
});
