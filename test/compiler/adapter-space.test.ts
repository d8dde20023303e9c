import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { withAdapterSpace } from '../../host/compiler/adapter-space.ts';
import { SPACE_BYTES, SPACE_PAGES } from '../../host/compiler/adapter-space-functions.ts';
import { SEEING_MEMORY, UNLIKE_PREVIEW1, ZOO } from './adapter-space-modules.ts';

const PAGE = 65_536;
type Preview1 = Record<string, (...values: number[]) => number>;

interface Core {
  readonly memory: WebAssembly.Memory;
  call(name: string, ...values: number[]): number;
}

function start(
  bytes: Uint8Array,
  imports: (memory: () => WebAssembly.Memory) => Preview1 = () => ({}),
): Core {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)), {
    wasi_snapshot_preview1: imports(() => memory),
  });
  const exports = new Map(Object.entries(instance.exports));
  const memory = exports.get('memory') as WebAssembly.Memory;
  return {
    memory,
    call: (name, ...values) => (exports.get(name) as (...values: number[]) => number)(...values),
  };
}

/** A command from WebAssembly text: its parts, and what every one has. */
function command(parts: string, memory = '(memory (export "memory") 1)'): Promise<Uint8Array> {
  return parse(`(module ${parts} ${memory} (func (export "_start")))`);
}

async function moved(parts: string, memory?: string): Promise<Uint8Array> {
  const bytes = await command(parts, memory);
  const result = withAdapterSpace(bytes);
  if (result === bytes) throw new Error('the module was left as it is');
  return result;
}

/** The result, or the message of the trap. */
function outcome(core: Core, name: string, values: readonly number[]): number | string {
  try {
    return core.call(name, ...values);
  } catch (error) {
    return (error as Error).message;
  }
}

function guestBytes({ memory }: Core): Uint8Array {
  return new Uint8Array(memory.buffer, SPACE_BYTES);
}

test('a module sees the same memory, sizes and traps as before', async (t) => {
  const bytes = await command(SEEING_MEMORY, '(memory (export "memory") 2 5)');
  const before = start(bytes);
  const after = start(withAdapterSpace(bytes));
  const addresses = [
    ...[0, 1, 8, 1_024, 40_000, PAGE - 1, PAGE, 2 * PAGE - 64, 2 * PAGE - 16, 2 * PAGE - 8, 2 * PAGE - 4],
    ...[2 * PAGE - 1, 2 * PAGE, 2 * PAGE + 1, 3 * PAGE, 5 * PAGE, 5 * PAGE + 1, 2 ** 31 - 1],
    ...[-1, -4, -8, -PAGE, -SPACE_BYTES - 1, -SPACE_BYTES, -SPACE_BYTES + 1, -(2 ** 31)],
  ];
  const names = WebAssembly.Module.exports(new WebAssembly.Module(Uint8Array.from(bytes)))
    .filter(({ kind }) => kind === 'function')
    .map(({ name }) => name);
  t.true(names.length > 20);
  // Sizes last: they change what the others see, who are asked again behind each growth.
  for (const pages of [0, 1, 2, 1, 0, -1, 65_535]) {
    for (const name of names) {
      for (const address of addresses) {
        for (const length of [0, 1, 9, PAGE, -1]) {
          const values = [address, length];
          if (name === 'grow') continue;
          const [expected, got] = [outcome(before, name, values), outcome(after, name, values)];
          if (!Object.is(expected, got)) t.fail(`${name}(${values}) gave ${expected}, now ${got}`);
        }
      }
    }
    t.is(outcome(after, 'grow', [pages]), outcome(before, 'grow', [pages]), `grow(${pages})`);
    t.is(Buffer.compare(guestBytes(after), new Uint8Array(before.memory.buffer)), 0);
  }
  t.is(after.memory.buffer.byteLength, before.memory.buffer.byteLength + SPACE_BYTES);
});

test('no instruction reaches the space below, wherever the module writes', async (t) => {
  const core = start(
    await moved(`
      (func (export "scribble")
        (local $at i32)
        (drop (memory.grow (i32.const 2)))
        (loop $next
          (i32.store8 (local.get $at) (i32.const 0xaa))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
        (memory.fill (i32.const 0) (i32.const 0xbb) (i32.const 65536)))`),
  );
  core.call('scribble');
  t.is(core.memory.buffer.byteLength, 3 * PAGE + SPACE_BYTES);
  t.true(new Uint8Array(core.memory.buffer, 0, SPACE_BYTES).every((byte) => byte === 0));
  t.true(guestBytes(core).every((byte, at) => byte === (at < PAGE ? 0xbb : 0xaa)));
});

test('the adapter gets its two aligned pages from the space, and nothing beyond it', async (t) => {
  const { call } = start(await moved(''));
  const first = call('cabi_realloc', 0, 0, 8, PAGE);
  const second = call('cabi_realloc', 0, 0, 16, PAGE);
  t.deepEqual([first, second], [PAGE, 2 * PAGE]);
  t.throws(() => call('cabi_realloc', 0, 0, 1, 1), { instanceOf: WebAssembly.RuntimeError });

  const other = start(await moved(''));
  t.is(other.call('cabi_realloc', 0, 0, 1, 3), PAGE);
  t.is(other.call('cabi_realloc', 0, 0, 256, 1), PAGE + 256);
  t.throws(() => other.call('cabi_realloc', PAGE, 3, 1, 6), { instanceOf: WebAssembly.RuntimeError });
  t.throws(() => other.call('cabi_realloc', 0, 0, 1, -1), { instanceOf: WebAssembly.RuntimeError });
});

test('every kind of instruction keeps its length and meaning', async (t) => {
  const bytes = await command(ZOO);
  const after = withAdapterSpace(bytes);
  t.not(after, bytes);
  t.is(start(after).call('zoo'), start(bytes).call('zoo'));
});

test('imports take the addresses that the module means, called by name, through a table or from outside', async (t) => {
  const bytes = await command(`
    (type $get (func (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (type $get)))
    (table 3 funcref)
    (elem (i32.const 0) $random)
    (elem (i32.const 1) funcref (ref.func $random))
    (elem declare func $random)
    (func (export "direct") (param i32 i32) (result i32) (call $random (local.get 0) (local.get 1)))
    (func (export "tail") (param i32 i32) (result i32) (return_call $random (local.get 0) (local.get 1)))
    (func (export "first") (param i32 i32) (result i32)
      (call_indirect (type $get) (local.get 0) (local.get 1) (i32.const 0)))
    (func (export "second") (param i32 i32) (result i32)
      (table.set (i32.const 2) (table.get (i32.const 1)))
      (call_indirect (type $get) (local.get 0) (local.get 1) (i32.const 2)))
    (func (export "third") (param i32 i32) (result i32)
      (table.set (i32.const 2) (ref.func $random))
      (call_indirect (type $get) (local.get 0) (local.get 1) (i32.const 2)))
    (export "reexported" (func $random))`);
  const seen: number[][] = [];
  const { call } = start(withAdapterSpace(bytes), () => ({
    random_get: (...values) => seen.push(values.map((value) => value >>> 0)),
  }));
  const names = ['direct', 'tail', 'first', 'second', 'third', 'reexported'];
  for (const name of names) {
    call(name, 1_000, 7);
    // No address of the module's memory: it must not wrap around into the space.
    call(name, -1_000, 7);
  }
  t.deepEqual(
    seen,
    names.flatMap(() => [
      [1_000 + SPACE_BYTES, 7],
      [2 ** 32 - 1, 7],
    ]),
  );
});

test('addresses in arrays of buffers are translated, and the arrays stay as they are', async (t) => {
  const bytes = await command(
    `(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (export "write" (func $write))
    (data (i32.const 64) "\\00\\01\\00\\00\\05\\00\\00\\00" "\\ff\\ff\\ff\\ff\\01\\00\\00\\00")`,
  );
  let seen: unknown;
  const core = start(withAdapterSpace(bytes), (memory) => ({
    fd_write(fd, iovecs, count, written) {
      const view = new DataView(memory().buffer, iovecs);
      const buffers = Array.from({ length: Math.min(count, 2) }, (_, i) => [
        view.getUint32(i * 8, true),
        view.getUint32(i * 8 + 4, true),
      ]);
      seen = { fd, inSpace: iovecs < SPACE_BYTES, count, buffers, written };
      return 0;
    },
  }));
  const before = guestBytes(core).slice();
  core.call('write', 1, 64, 2, 512);
  const buffers = [
    [256 + SPACE_BYTES, 5],
    [2 ** 32 - 1, 1],
  ];
  t.deepEqual(seen, { fd: 1, inSpace: true, count: 2, buffers, written: 512 + SPACE_BYTES });
  // Longer arrays than the scratch space holds are cut: a short write, which every caller must expect.
  core.call('write', 1, 64, 5_000, 512);
  t.deepEqual(seen, { fd: 1, inSpace: true, count: 1_024, buffers, written: 512 + SPACE_BYTES });
  t.throws(() => core.call('write', 1, PAGE - 12, 2, 512), { message: /out of bounds/ });
  t.throws(() => core.call('write', 1, -8, 1, 512), { message: /out of bounds/ });
  t.deepEqual(guestBytes(core).slice(), before);
});

test('arrays of addresses that the adapter writes hold the addresses that the module means', async (t) => {
  const bytes = await command(
    `(import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func (param i32 i32) (result i32)))
    (func (export "args") (param i32 i32) (result i32) (call $get (local.get 0) (local.get 1)))`,
  );
  let errno = 0;
  const core = start(withAdapterSpace(bytes), (memory) => ({
    args_get(argv, buffer) {
      const words = new Uint32Array(memory().buffer, argv, 4);
      words.set([buffer, buffer + 5]);
      return errno;
    },
    args_sizes_get(count) {
      new Uint32Array(memory().buffer, count, 2).set([2, 9]);
      return 0;
    },
  }));
  const argv = new Uint32Array(core.memory.buffer, SPACE_BYTES + 400, 4);
  argv[2] = 77;
  t.is(core.call('args', 400, 900), 0);
  t.deepEqual([...argv], [900, 905, 77, 0]);
  errno = 21;
  t.is(core.call('args', 400, 900), 21);
});

test('a maximum of the memory grows with it, up to what leaves the last address free', async (t) => {
  const grow = '(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))';
  const { call } = start(await moved(grow, '(memory (export "memory") 1 3)'));
  t.deepEqual([call('grow', 3), call('grow', 2), call('grow', 1)], [-1, 1, -1]);
  for (const memory of ['(memory (export "memory") 1)', '(memory (export "memory") 1 65536)']) {
    const bytes = await moved(grow, memory);
    t.is(start(bytes).call('grow', 65_535), -1);
  }
});

test('a module that provides for the adapter, or is unlike any of preview 1, stays as it is', async (t) => {
  for (const [what, text] of Object.entries(UNLIKE_PREVIEW1)) {
    const bytes = await parse(text);
    t.is(withAdapterSpace(bytes), bytes, what);
  }
});

test('what is added is a few hundred bytes, and the space is three pages', async (t) => {
  const bytes = await command('');
  const after = withAdapterSpace(bytes);
  t.true(after.length - bytes.length < 300, `${after.length - bytes.length} bytes more`);
  t.is(start(after).memory.buffer.byteLength, (1 + SPACE_PAGES) * PAGE);
});
