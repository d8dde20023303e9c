import test from 'ava';
import { InstrumentError } from '../../../host/instrument/error.ts';
import { inspectModule } from '../../../host/instrument/inspect.ts';
import { instrument } from '../../../host/instrument/instrument.ts';
import { assemble, type GuestFunction, instantiate, meter } from '../metered.ts';

/** `(module (func (param v128 v128 v128) (result v128) <three operands> <relaxed instruction>))` by its opcode. */
function relaxedModule(opcode: number): Uint8Array {
  const takes = opcode === 0x100 || (opcode >= 0x10d && opcode <= 0x112) ? 2 : opcode <= 0x104 ? 1 : 3;
  const operands = Array.from({ length: takes }, (_, i) => [0x20, i]).flat();
  const body = [0, ...operands, 0xfd, (opcode & 0x7f) | 0x80, opcode >> 7, 0x0b];
  const sections = [
    1,
    8,
    1,
    0x60,
    3,
    0x7b,
    0x7b,
    0x7b,
    1,
    0x7b,
    3,
    2,
    1,
    0,
    10,
    body.length + 2,
    1,
    body.length,
    ...body,
  ];
  return new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections]);
}

test('each relaxed SIMD instruction, whose result differs between machines, is refused', (t) => {
  for (let opcode = 0x100; opcode <= 0x113; opcode++) {
    const module = relaxedModule(opcode);
    t.true(
      WebAssembly.validate(module as Uint8Array<ArrayBuffer>),
      `0x${opcode.toString(16)} is not what it should be`,
    );
    for (const read of [inspectModule, instrument]) {
      const error = t.throws(() => read(module), { instanceOf: InstrumentError });
      t.is(error?.code, 'unsupported');
    }
  }
});

const SHARED: Readonly<Record<string, string>> = {
  'a memory': '(module (memory 1 1 shared))',
  'an imported memory': '(module (import "a" "m" (memory 1 1 shared)))',
  'a 64-bit memory': '(module (memory i64 1 1 shared))',
  'a second memory': '(module (memory 1) (memory 1 1 shared))',
  'a load': '(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))',
  'a read-modify-write': '(module (memory 1) (func (drop (i64.atomic.rmw.add (i32.const 0) (i64.const 1)))))',
  'a wait':
    '(module (memory 1) (func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))',
  'a fence': '(module (func (atomic.fence)))',
};

for (const [what, wat] of Object.entries(SHARED)) {
  test(`what threads could race on is refused: ${what}`, async (t) => {
    const module = await assemble(wat);
    t.is(t.throws(() => instrument(module), { instanceOf: InstrumentError })?.code, 'unsupported');
  });
}

const F64_CANONICAL = 0x7ff8000000000000n;
const F32_CANONICAL = 0x7fc00000;
/** Operations without a NaN among their operands that give one. */
const MAKES_NAN = `(module
  (func (export "f64.div") (param f64) (result i64) (i64.reinterpret_f64 (f64.div (local.get 0) (local.get 0))))
  (func (export "f64.sqrt") (param f64) (result i64) (i64.reinterpret_f64 (f64.sqrt (f64.sub (local.get 0) (f64.const 1)))))
  (func (export "f64.mul") (param f64) (result i64) (i64.reinterpret_f64 (f64.mul (local.get 0) (f64.const inf))))
  (func (export "f64.sub") (param f64) (result i64)
    (i64.reinterpret_f64 (f64.sub (f64.add (local.get 0) (f64.const inf)) (f64.const inf))))
  (func (export "f64.min") (param f64) (result i64)
    (i64.reinterpret_f64 (f64.min (f64.div (local.get 0) (local.get 0)) (f64.const 1))))
  (func (export "f64x2.div") (param f64) (result i64)
    (i64x2.extract_lane 1 (f64x2.div (f64x2.splat (local.get 0)) (f64x2.splat (local.get 0)))))
  (func (export "f32.div") (param f64) (result i32)
    (i32.reinterpret_f32 (f32.div (f32.demote_f64 (local.get 0)) (f32.demote_f64 (local.get 0)))))
  (func (export "f32.demote") (param f64) (result i32)
    (i32.reinterpret_f32 (f32.demote_f64 (f64.div (local.get 0) (local.get 0))))))`;

test('a NaN out of numbers is the canonical one but for its sign, metered or not', async (t) => {
  const plain = instantiate(await assemble(MAKES_NAN));
  const metered = await meter(MAKES_NAN);
  for (const [name, run] of Object.entries(plain)) {
    const bits = (run as GuestFunction)(0);
    t.is(metered.call(name, 0), bits, name);
    if (typeof bits === 'bigint') t.is(BigInt.asUintN(63, bits), F64_CANONICAL, name);
    else t.is((bits as number) & 0x7fffffff, F32_CANONICAL, name);
  }
});

/** Enough calls for the engine to have compiled a function anew with its optimising compiler. */
const CALLS_TO_TIER_UP = 30_000;

test('the bits of a NaN and the fuel of a call are the same in every tier of the engine', async (t) => {
  const { host, call } = await meter(`(module
    (func (export "f") (param i64 i64) (result i64) (local $x f64) (local $i i32)
      (local.set $x (f64.div (f64.reinterpret_i64 (local.get 0)) (f64.reinterpret_i64 (local.get 1))))
      (loop $l
        (local.set $x (f64.add (f64.mul (local.get $x) (f64.const 2)) (f64.reinterpret_i64 (local.get 1))))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))))
      (i64.reinterpret_f64 (f64.copysign (f64.nearest (local.get $x)) (f64.const 1)))))`);
  const seen = new Set<string>();
  for (let i = 0; i < CALLS_TO_TIER_UP; i++) {
    const before = host.spent;
    const bits = call('f', 0x7ff8000000000123n, 0x7ffc000000000456n);
    seen.add(`${bits} for ${host.spent - before}`);
  }
  t.is(seen.size, 1, [...seen].join('; '));
});
