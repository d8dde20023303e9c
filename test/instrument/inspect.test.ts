import test from 'ava';
import { MODULE_BOUNDS, type ModuleBounds } from '../../host/instrument/bounds.ts';
import { InstrumentError, type InstrumentErrorCode } from '../../host/instrument/error.ts';
import { inspectModule } from '../../host/instrument/inspect.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import { assemble } from './metered.ts';

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

function moduleOf(...sections: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from([...PREAMBLE, ...sections.flat()]);
}

function refusal(bytes: Uint8Array, bounds?: ModuleBounds): InstrumentError | undefined {
  try {
    inspectModule(bytes, bounds);
    return undefined;
  } catch (error) {
    if (error instanceof InstrumentError) return error;
    throw error;
  }
}

test('the shape of a module counts what it declares', async (t) => {
  const shape = inspectModule(
    await assemble(`(module
      (import "a" "f" (func)) (import "a" "g" (global i32)) (import "a" "m" (memory 9)) (import "a" "t" (table 9 funcref))
      (type (func (param i32)))
      (memory 2) (memory i64 3 100) (table 5 funcref) (table 6 externref) (global i32 (i32.const 0)) (tag)
      (export "x" (func 0)) (export "y" (memory 1))
      (data (i32.const 0) "a") (data "b") (elem (i32.const 0) func 0)
      (func (local i32 i64) (block (loop (block))) (drop (i32.extend8_s (i32.const 1))))
      (func $s (local f32) (drop (v128.const i64x2 0 0)))
      (start $s))`),
  );
  t.deepEqual(shape, {
    functions: 2,
    types: 2,
    imports: 4,
    exports: 2,
    globals: 1,
    memories: 2,
    tables: 2,
    tags: 1,
    dataSegments: 2,
    elementSegments: 1,
    initialMemoryBytes: 5 * 65_536,
    initialTableEntries: 11,
    localsTotal: 3,
    blockDepth: 3,
    functionBytes: shape.functionBytes,
    hasStart: true,
    features: [
      'sign-extension',
      'bulk-memory',
      'reference-types',
      'simd',
      'multi-memory',
      'exceptions',
      'memory64',
    ],
  });
});

const REFUSED_BYTES: readonly (readonly [name: string, code: InstrumentErrorCode, bytes: Uint8Array])[] = [
  ['no bytes', 'malformed', new Uint8Array(0)],
  ['text', 'malformed', new TextEncoder().encode('(module)  ')],
  ['a component', 'malformed', Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0])],
  ['another version', 'malformed', Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 2, 0, 0, 0])],
  ['a section longer than the file', 'malformed', moduleOf([1, 100, 0])],
  ['sections out of order', 'malformed', moduleOf([3, 1, 0], [1, 1, 0])],
  ['a section twice', 'malformed', moduleOf([1, 1, 0], [1, 1, 0])],
  ['an unknown section', 'unsupported', moduleOf([40, 1, 0])],
  ['four billion types in ten bytes', 'malformed', moduleOf([1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f])],
  ['an integer of six bytes', 'malformed', moduleOf([1, 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0])],
  ['a function without a body', 'malformed', moduleOf([1, 4, 1, 0x60, 0, 0], [3, 2, 1, 0])],
  [
    'a call of a function that is not there',
    'malformed',
    moduleOf([1, 4, 1, 0x60, 0, 0], [3, 2, 1, 0], [10, 6, 1, 4, 0, 0x10, 1, 0x0b]),
  ],
  [
    'a global that is not there',
    'malformed',
    moduleOf([1, 4, 1, 0x60, 0, 0], [3, 2, 1, 0], [10, 7, 1, 5, 0, 0x23, 0, 0x1a, 0x0b]),
  ],
  [
    'a local that is not there',
    'malformed',
    moduleOf([1, 4, 1, 0x60, 0, 0], [3, 2, 1, 0], [10, 7, 1, 5, 0, 0x20, 0, 0x1a, 0x0b]),
  ],
  [
    'bytes behind the end of a function',
    'malformed',
    moduleOf([1, 4, 1, 0x60, 0, 0], [3, 2, 1, 0], [10, 5, 1, 3, 0, 0x0b, 0x01]),
  ],
  [
    '50,000 locals in three bytes, twice',
    'too_complex',
    moduleOf(
      [1, 4, 1, 0x60, 0, 0],
      [3, 2, 1, 0],
      [10, 13, 1, 11, 2, 0xd0, 0x86, 3, 0x7f, 0xd0, 0x86, 3, 0x7f, 0x0b, 0],
    ),
  ],
  ['a memory with pages of one byte', 'unsupported', moduleOf([5, 4, 1, 8, 1, 0])],
  [
    'atomics',
    'unsupported',
    moduleOf([1, 4, 1, 0x60, 0, 0], [3, 2, 1, 0], [10, 7, 1, 5, 0, 0xfe, 3, 0, 0x0b]),
  ],
  [
    'an opcode that does not exist',
    'malformed',
    moduleOf([1, 4, 1, 0x60, 0, 0], [3, 2, 1, 0], [10, 5, 1, 3, 0, 0x27, 0x0b]),
  ],
  [
    'wide arithmetic',
    'unsupported',
    moduleOf([1, 4, 1, 0x60, 0, 0], [3, 2, 1, 0], [10, 6, 1, 4, 0, 0xfc, 19, 0x0b]),
  ],
];

for (const [name, code, bytes] of REFUSED_BYTES) {
  test(`refused: ${name}`, (t) => {
    const error = refusal(bytes);
    t.is(error?.code, code, error?.message);
    t.regex(error!.message, /\(at byte \d+\)$/);
  });
}

const REFUSED_TEXTS: readonly (readonly [name: string, wat: string])[] = [
  ['shared memory', '(module (memory 1 2 shared))'],
  ['an imported shared memory', '(module (import "a" "b" (memory 1 2 shared)))'],
  [
    'relaxed SIMD',
    '(module (func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))',
  ],
  ['stack switching', '(module (type $f (func)) (type $c (cont $f)) (func (param (ref $c))))'],
  ['shared references', '(module (func (param (ref (shared func)))))'],
  ["an import of the host's own fuel", '(module (import "mayfly" "fuel" (global (mut i64))))'],
];

for (const [name, wat] of REFUSED_TEXTS) {
  test(`unsupported: ${name}`, async (t) => {
    t.is(refusal(await assemble(wat))?.code, 'unsupported');
  });
}

/** Each bound with a module that needs two of the thing. */
const BOUNDED: readonly (readonly [bound: keyof ModuleBounds, wat: string])[] = [
  ['functions', '(module (func) (func))'],
  ['types', '(module (type (func)) (type (func (param i32))))'],
  ['types', '(module (rec (type (func)) (type (struct))))'],
  ['imports', '(module (import "a" "b" (func)) (import "a" "c" (func)))'],
  ['exports', '(module (func (export "a") (export "b")))'],
  ['globals', '(module (global i32 (i32.const 0)) (global i32 (i32.const 0)))'],
  ['memories', '(module (memory 0) (memory 0))'],
  ['tables', '(module (table 0 funcref) (table 0 funcref))'],
  ['tags', '(module (tag) (tag))'],
  ['dataSegments', '(module (data "") (data ""))'],
  ['elementSegments', '(module (elem funcref) (elem funcref))'],
  ['blockDepth', '(module (func (block (block))))'],
  ['blockDepth', '(module (func (loop (if (i32.const 0) (then)))))'],
  ['blockDepth', '(module (func (block (try_table))))'],
  ['locals', '(module (func (local i32 i32)))'],
  ['localsTotal', '(module (func (local i32)) (func (local i32)))'],
];

for (const [index, [bound, wat]] of BOUNDED.entries()) {
  test(`bound ${index}: ${bound} may be two but not three of one`, async (t) => {
    const bytes = await assemble(wat);
    t.is(refusal(bytes, { ...MODULE_BOUNDS, [bound]: 2 }), undefined);
    const error = refusal(bytes, { ...MODULE_BOUNDS, [bound]: 1 });
    t.is(error?.code, 'too_complex');
    t.regex(error!.message, /the bound is 1 \(at byte \d+\)$/);
  });
}

test('a function body has a bound of bytes', async (t) => {
  const bytes = await assemble(`(module (func ${'nop '.repeat(100)}))`);
  t.is(refusal(bytes, { ...MODULE_BOUNDS, functionBytes: 102 }), undefined);
  t.is(refusal(bytes, { ...MODULE_BOUNDS, functionBytes: 101 })?.code, 'too_complex');
});

test('a module that decodes but is not valid is malformed, not metered', async (t) => {
  const bytes = await assemble('(module (func (result i32)))');
  t.is(refusal(bytes), undefined);
  t.throws(() => instrument(bytes), {
    instanceOf: InstrumentError,
    message: /not valid: Compiling function #0 failed/,
  });
});

/** A module of one function with this body. */
function functionOf(body: Uint8Array): Uint8Array {
  const size = (n: number): number[] => [
    (n & 0x7f) | 0x80,
    ((n >> 7) & 0x7f) | 0x80,
    ((n >> 14) & 0x7f) | 0x80,
    n >> 21,
  ];
  const code = [1, ...size(body.length)];
  return Buffer.concat([
    moduleOf([1, 4, 1, 0x60, 0, 0], [3, 2, 1, 0]),
    Uint8Array.from([10, ...size(code.length + body.length), ...code]),
    body,
  ]);
}

test('a million nested blocks are one pass, with the bound and without', (t) => {
  const depth = 1_000_000;
  const body = Buffer.concat([
    Buffer.from([0]),
    Buffer.from('0240'.repeat(depth), 'hex'),
    Buffer.alloc(depth + 1, 0x0b),
  ]);
  const bytes = functionOf(body);
  const error = refusal(bytes);
  t.is(error?.code, 'too_complex');
  t.regex(error!.message, /nested blocks/);
  t.is(inspectModule(bytes, { ...MODULE_BOUNDS, blockDepth: depth }).blockDepth, depth);
});

test('metering that would take a function beyond what the engine compiles is too complex', (t) => {
  const body = Buffer.concat([
    Buffer.from([0]),
    // Loops that may go on: each is charged and checked.
    Buffer.from('034041000d000b'.repeat(600_000), 'hex'),
    Buffer.from('410041001a1a0b', 'hex'),
  ]);
  const error = t.throws(() => instrument(functionOf(body)), { instanceOf: InstrumentError });
  t.is((error as InstrumentError).code, 'too_complex');
});
