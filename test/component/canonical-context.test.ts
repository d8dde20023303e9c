/** Views of a guest's memory, which go when it grows. */
import test from 'ava';
import { CanonicalContext } from '../../host/component/canonical-context.ts';
import { ComponentTrap } from '../../host/component/component-trap.ts';
import type { StateHolder } from '../../host/component/instance-state.ts';
import { listCodec } from '../../host/component/list-codec.ts';
import { tupleCodec } from '../../host/component/record-codec.ts';
import { SCALAR_CODECS } from '../../host/component/scalar-codec.ts';
import { STRING_CODEC } from '../../host/component/string-codec.ts';

const PAGE = 65_536;

function contextOf(memory: WebAssembly.Memory, realloc?: () => number): CanonicalContext {
  const holder = { current: { mayLeave: true } } as StateHolder;
  const context = new CanonicalContext(holder, { chargeLength: () => {}, chargeElements: () => {} }, 'utf8');
  context.attach(memory, realloc);
  return context;
}

test('a memory that has grown, if by nothing, is seen whole from the next call on', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 3 });
  const context = contextOf(memory);
  for (const pages of [0, 1, 0, 1]) {
    memory.grow(pages);
    context.begin();
    const { bytes, view } = context;
    t.is(bytes.buffer, memory.buffer as ArrayBuffer);
    view.setUint8(bytes.length - 1, 7);
    t.is(new Uint8Array(memory.buffer).at(-1), 7);
  }
  t.is(context.bytes.length, 3 * PAGE);
});

test('an allocation that grows the memory gives a place in it', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  const context = contextOf(memory, () => memory.grow(1) * PAGE);
  context.begin();
  t.is(context.allocate(4, PAGE), PAGE);
  t.is(context.bytes.length, 2 * PAGE);
});

test('a memory without a page is looked at again each time', (t) => {
  const memory = new WebAssembly.Memory({ initial: 0, maximum: 1 });
  const context = contextOf(memory);
  context.begin();
  t.is(context.bytes.length, 0);
  memory.grow(1);
  context.begin();
  t.is(context.bytes.length, PAGE);
});

test('what is lifted counts for what it takes of the host, if there is nothing in it', (t) => {
  const context = contextOf(new WebAssembly.Memory({ initial: 128 }));
  const pairs = listCodec(tupleCodec([STRING_CODEC, listCodec(SCALAR_CODECS.u8)]));
  const lift = (length: number): unknown => {
    context.begin();
    return pairs.liftFlat(context, [0, length], 0);
  };
  t.is((lift(200_000) as unknown[]).length, 200_000);
  t.throws(() => lift(400_000), { instanceOf: ComponentTrap, message: /bytes are passed in one call/ });
});
