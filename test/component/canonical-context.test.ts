/** Views of a guest's memory, which go when it grows. */
import test from 'ava';
import { CanonicalContext } from '../../host/component/canonical-context.ts';
import type { StateHolder } from '../../host/component/instance-state.ts';

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
