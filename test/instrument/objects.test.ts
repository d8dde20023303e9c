import test from 'ava';
import { InstrumentError } from '../../host/instrument/error.ts';
import { inspectModule } from '../../host/instrument/inspect.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import { assemble, meter } from './metered.ts';

const TYPES = `(type $empty (struct)) (type $pair (struct (field i8) (field (ref null $pair)))) (type $vector (struct (field v128)))
  (type $bytes (array (mut i8))) (type $shorts (array (mut i16))) (type $ints (array (mut i32)))
  (type $refs (array (mut anyref))) (type $vectors (array (mut v128)))
  (data $d "0123456789") (elem $e funcref (ref.null func)) (type $functions (array funcref))`;

/** Code that makes one object of a length given as argument, and what it counts for. */
const OBJECTS: Readonly<Record<string, readonly [code: string, bytes: number]>> = {
  'an empty struct': ['(struct.new $empty)', 24],
  'a struct of two fields': ['(struct.new $pair (i32.const 1) (ref.null $pair))', 24 + 16],
  'a struct of defaults': ['(struct.new_default $pair)', 24 + 16],
  'a struct with a vector': ['(struct.new_default $vector)', 24 + 16],
  'an array of bytes': ['(array.new $bytes (i32.const 7) (local.get 0))', 32 + 5],
  'an array of shorts': ['(array.new_default $shorts (local.get 0))', 32 + 10],
  'an array of integers': ['(array.new_default $ints (local.get 0))', 32 + 20],
  'an array of references': ['(array.new_default $refs (local.get 0))', 32 + 40],
  'an array of vectors': ['(array.new_default $vectors (local.get 0))', 32 + 80],
  'an array of three': ['(array.new_fixed $ints 3 (i32.const 1) (i32.const 2) (i32.const 3))', 32 + 12],
  'an array of data': ['(array.new_data $bytes $d (i32.const 1) (local.get 0))', 32 + 5],
  'an array of elements': ['(array.new_elem $functions $e (i32.const 0) (i32.const 1))', 32 + 8],
};

for (const [name, [code, bytes]] of Object.entries(OBJECTS)) {
  test(`${name} counts for ${bytes} bytes`, async (t) => {
    const { host, call } = await meter(`(module ${TYPES} (func (export "f") (param i32) (drop ${code})))`, {
      objectBytes: 1_000n,
    });
    call('f', 5);
    t.is(Number(host.objects.value), 1_000 - bytes);
    t.false(host.calls.includes('reserve-objects'));
  });
}

test('a number in a reference, a cast and a write count for nothing', async (t) => {
  const { host, call } = await meter(
    `(module ${TYPES} (func (export "f") (result i32) (local $a (ref null $ints))
      (local.set $a (array.new_default $ints (i32.const 2)))
      (array.set $ints (local.get $a) (i32.const 0) (i32.const 9))
      (i32.add (i31.get_s (ref.i31 (i32.const 5))) (array.len (ref.cast (ref $ints) (local.get $a))))))`,
    { objectBytes: 100n },
  );
  t.is(call('f'), 7);
  t.is(Number(host.objects.value), 100 - 40);
});

test('an exception of many values counts for them, one of a few for nothing', async (t) => {
  const { host, call } = await meter(
    `(module (tag $few (param i32 i32 i32 i32)) (tag $many (param i64 i64 i64 i64 v128))
      (func (export "few") (block $h (try_table (catch_all $h) (throw $few (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)))))
      (func (export "many") (block $h (try_table (catch_all $h)
        (throw $many (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (v128.const i64x2 5 6))))))`,
    { objectBytes: 1_000n },
  );
  call('few');
  t.is(Number(host.objects.value), 1_000);
  call('many');
  call('many');
  t.is(Number(host.objects.value), 1_000 - 2 * 5 * 64);
  t.is(host.spent, 5 + 2 * 6 + 3 * 1_000);
});

test('an object that the host grants no room for is not made', async (t) => {
  const wat = `(module ${TYPES} (global $kept (mut (ref null $ints)) (ref.null $ints))
    (func (export "f") (param i32) (global.set $kept (array.new_default $ints (local.get 0))))
    (func (export "isKept") (result i32) (i32.eqz (ref.is_null (global.get $kept)))))`;
  const { host, call } = await meter(wat, { objectBytes: 1_000n });
  // V8 itself has no array of that length: the host is asked first.
  for (const length of [1_000, -1]) t.throws(() => call('f', length), { message: 'unreachable' });
  t.deepEqual(host.calls, ['reserve-objects', 'reserve-objects']);
  t.is(call('isKept'), 0);
  host.objects.value = 432n;
  call('f', 100);
  t.is(call('isKept'), 1, 'what fits exactly is made');
  t.is(Number(host.objects.value), 0);
});

test('keeping everything ends where the room does, catching everything or not', async (t) => {
  const { host, call } = await meter(
    `(module (type $node (struct (field (ref null $node))))
      (func (export "f") (local $list (ref null $node))
        (loop $on (block $h (try_table (catch_all $h) (loop $more (local.set $list (struct.new $node (local.get $list))) (br $more)))) (br $on))))`,
    { objectBytes: 1_000_000n },
  );
  t.throws(() => call('f'), { message: 'unreachable' });
  t.is(host.calls.length, 1);
});

test('entries are paid for as fuel, too', async (t) => {
  const { host, call } = await meter(
    `(module ${TYPES} (func (export "f") (param i32) (drop (array.new_default $ints (local.get 0)))))`,
  );
  call('f', 10_000);
  t.is(host.spent, 10_000 + 2);
});

test('what constant expressions make counts as memory at the start', async (t) => {
  const shapeOf = async (fields: string): Promise<number> =>
    inspectModule(await assemble(`(module ${TYPES} ${fields})`)).initialMemoryBytes;
  t.is(await shapeOf('(memory 1)'), 65_536);
  t.is(await shapeOf('(memory 1) (global (ref $pair) (struct.new_default $pair))'), 65_536 + 40);
  t.is(await shapeOf('(global (ref $ints) (array.new $ints (i32.const 1) (i32.const 1000000)))'), 4_000_032);
  t.is(
    await shapeOf('(global (ref $ints) (array.new_default $ints (i32.const -1)))'),
    (2 ** 32 - 1) * 4 + 32,
  );
  t.is(await shapeOf('(global (ref $bytes) (array.new_fixed $bytes 2 (i32.const 1) (i32.const 2)))'), 34);
  const computed = await assemble(
    `(module ${TYPES} (global (ref $ints) (array.new_default $ints (i32.mul (i32.const 1000) (i32.const 1000)))))`,
  );
  t.throws(() => instrument(computed), { instanceOf: InstrumentError, message: /computed length/ });
});

test('only a module that makes objects imports what counts them', async (t) => {
  const importsOf = async (code: string): Promise<string[]> =>
    WebAssembly.Module.imports(
      new WebAssembly.Module(
        instrument(await assemble(`(module ${TYPES} (func ${code}))`)).bytes as Uint8Array<ArrayBuffer>,
      ),
    ).map(({ name }) => name);
  t.deepEqual(await importsOf('(drop (ref.i31 (i32.const 1)))'), ['refill', 'fuel']);
  t.deepEqual(await importsOf('(drop (struct.new $empty))'), [
    'refill',
    'reserve-objects',
    'fuel',
    'objects',
  ]);
});
