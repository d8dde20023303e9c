import test, { type ExecutionContext } from 'ava';
import type { StringEncoding } from '../../host/component/canonical-context.ts';
import type { CoreValue } from '../../host/component/codec.ts';
import { ComponentTrap } from '../../host/component/component-trap.ts';
import { ResourceHandle } from '../../host/component/resource-handle.ts';
import type { ValueType } from '../../host/model/link-plan.ts';
import { FIXED_SEED, Random, seedOf } from '../instrument/random.ts';
import { codecFixture } from './codec-fixture.ts';
import { RandomTypes } from './random-types.ts';

const ENCODINGS: readonly StringEncoding[] = ['utf8', 'utf16', 'latin1+utf16'];

test('a value of any type is the same after it was in memory, and after it was flat', (t) => {
  const seed = seedOf('CODEC_SEED');
  t.log(`CODEC_SEED=${seed}`);
  const random = new Random(seed);
  for (let round = 0; round < 600; round++) {
    const universe = new RandomTypes(random);
    const index = universe.add(random.below(4));
    const { codecs, context, memory } = codecFixture(universe.types, random.pick(ENCODINGS));
    const codec = codecs.get(index);
    const value = universe.value(index);
    const pointer = context.allocate(codec.alignment, codec.size);
    codec.store(context, value, pointer);
    t.deepEqual(codec.load(context, pointer), value);
    const flat: CoreValue[] = ['before' as unknown as CoreValue];
    codec.lowerFlat(context, value, flat);
    t.is(flat.length, 1 + codec.flat.length);
    for (const [i, type] of codec.flat.entries())
      t.is(typeof flat[i + 1], type === 'i64' ? 'bigint' : 'number');
    context.begin();
    t.deepEqual(codec.liftFlat(context, flat, 1), value);
    t.true(memory.buffer.byteLength < 2 ** 24);
  }
});

/** Lifts random types out of random memory, twice each: how often that trapped. It throws nothing else. */
function liftNoise(t: ExecutionContext, seed: number, rounds: number): number {
  const random = new Random(seed);
  let traps = 0;
  for (let round = 0; round < rounds; round++) {
    const universe = new RandomTypes(random);
    const index = universe.add(1 + random.below(3));
    const { codecs, context, memory } = codecFixture(universe.types, random.pick(ENCODINGS));
    const codec = codecs.get(index);
    const words = new Uint32Array(memory.buffer);
    for (let i = 0; i < 512; i++)
      words[i] = random.pick([random.below(2 ** 32), random.below(300), random.below(70_000), 0xffff_ffff]);
    const flat = codec.flat.map((type) =>
      type === 'i64' ? BigInt.asIntN(64, BigInt(random.below(2 ** 32)) << 20n) : random.below(70_000) | 0,
    );
    for (const lift of [() => codec.load(context, 64), () => codec.liftFlat(context, flat, 0)]) {
      context.begin();
      try {
        lift();
      } catch (error) {
        traps++;
        if (!(error instanceof ComponentTrap)) t.fail(`threw ${error}`);
      }
    }
  }
  return traps;
}

test('whatever stands in a guest memory is a value or a trap', (t) => {
  const seed = seedOf('CODEC_SEED');
  t.log(`CODEC_SEED=${seed}`);
  liftNoise(t, seed, 1_000);
  t.pass();
});

test('of random contents of a memory some are a value, some a trap', (t) => {
  const traps = liftNoise(t, FIXED_SEED, 100);
  t.true(traps > 10 && traps < 190, `${traps} of 200`);
});

test('what a broken allocator gives is refused', (t) => {
  const fixture = codecFixture([{ kind: 'string' }, { kind: 'list', element: 2 }, { kind: 'u32' }]);
  const { codecs, context } = fixture;
  for (const pointer of [65_536, 65_530, -1, 2 ** 31]) {
    fixture.nextPointer = pointer;
    t.throws(() => codecs.get(0).lowerFlat(context, 'a longer text', []), { instanceOf: ComponentTrap });
  }
  fixture.nextPointer = 1026;
  const error = t.throws(() => codecs.get(1).lowerFlat(context, [1, 2], []), { instanceOf: ComponentTrap });
  t.regex(error!.message, /not aligned/);
});

test('short strings and those a little longer are written and read as UTF-8, wherever a character is that is not ASCII', (t) => {
  const { codecs, context, memory } = codecFixture([{ kind: 'string' }]);
  const codec = codecs.get(0);
  for (let length = 0; length <= 40; length++) {
    const ascii = Array.from({ length }, (_, i) => String.fromCharCode((i * 7) % 128)).join('');
    const texts = [ascii];
    for (const other of ['\u0080', 'é', '\u20ac', '🦋', '\ud800'])
      for (const at of [0, length >> 1, length]) texts.push(ascii.slice(0, at) + other + ascii.slice(at));
    for (const text of texts) {
      const flat: CoreValue[] = [];
      codec.lowerFlat(context, text, flat);
      const [pointer, byteLength] = flat as [number, number];
      const written = Buffer.from(memory.buffer, pointer, byteLength);
      t.is(Buffer.compare(written, Buffer.from(text)), 0, JSON.stringify(text));
      context.begin();
      t.is(codec.liftFlat(context, flat, 0), text.toWellFormed());
    }
  }
});

test('a short string that is not UTF-8 is refused', (t) => {
  const { codecs, context, memory } = codecFixture([{ kind: 'string' }]);
  for (const broken of [[0x80], [0x61, 0xff], [0xc3], [0xed, 0xa0, 0x80]]) {
    new Uint8Array(memory.buffer).set(broken, 64);
    context.begin();
    const error = t.throws(() => codecs.get(0).liftFlat(context, [64, broken.length], 0), {
      instanceOf: ComponentTrap,
    });
    t.regex(error!.message, /not utf-8/);
  }
});

test('strings, numbers and elements are charged by the table of docs/fuel.md', (t) => {
  const fixture = codecFixture([
    { kind: 'string' },
    { kind: 'list', element: 0 },
    { kind: 'u64' },
    { kind: 'list', element: 2 },
  ]);
  const { codecs, context, charged } = fixture;
  codecs.get(1).lowerFlat(context, ['abc', 'é'], []);
  t.deepEqual(charged, { length: 5, elements: 2 });
  const flat: CoreValue[] = [];
  codecs.get(3).lowerFlat(context, [1n, 2n, 3n], flat);
  t.deepEqual(charged, { length: 8, elements: 2 });
  context.begin();
  t.deepEqual(codecs.get(3).liftFlat(context, flat, 0), BigUint64Array.of(1n, 2n, 3n));
  t.deepEqual(charged, { length: 11, elements: 2 });
});

test('a page of memory cannot describe more than a call may pass', (t) => {
  const types: ValueType[] = [
    { kind: 'u8' },
    { kind: 'list', element: 0 },
    { kind: 'list', element: 1 },
    { kind: 'list', element: 2 },
  ];
  const { codecs, context, memory } = codecFixture(types);
  const words = new Uint32Array(memory.buffer);
  for (let i = 0; i < words.length; i += 2) words.set([0, 8_000], i);
  context.begin();
  const error = t.throws(() => codecs.get(3).liftFlat(context, [0, 8_000], 0), { instanceOf: ComponentTrap });
  t.regex(error!.message, /passed in one call/);
});

test('an owned handle moves, a borrowed one is lent', (t) => {
  const types: ValueType[] = [
    { kind: 'own', resource: 0 },
    { kind: 'borrow', resource: 0 },
    { kind: 'own', resource: 1 },
  ];
  const { codecs, context, state } = codecFixture(types);
  const [own, borrow, other] = [codecs.get(0), codecs.get(1), codecs.get(2)];
  const thing = { name: 'thing' };
  const flat: CoreValue[] = [];
  own.lowerFlat(context, thing, flat);
  t.deepEqual(flat, [1]);
  t.is(borrow.liftFlat(context, flat, 0), thing);
  t.throws(() => other.liftFlat(context, flat, 0), {
    instanceOf: ComponentTrap,
    message: /another resource/,
  });
  state.table.get(1, ResourceHandle).lendCount = 1;
  t.throws(() => own.liftFlat(context, flat, 0), { instanceOf: ComponentTrap, message: /lent/ });
  state.table.get(1, ResourceHandle).lendCount = 0;
  t.is(own.liftFlat(context, flat, 0), thing);
  t.throws(() => own.liftFlat(context, flat, 0), { instanceOf: ComponentTrap, message: /unknown/ });
  context.scope = { borrowCount: 0 };
  borrow.lowerFlat(context, thing, flat);
  t.is(context.scope.borrowCount, 1);
  t.throws(() => own.liftFlat(context, flat, 1), { instanceOf: ComponentTrap, message: /borrowed/ });
});
