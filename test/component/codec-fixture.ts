/** Codecs over a memory of the test's own, with an allocator that only goes up. */
import { CanonicalContext, type StringEncoding } from '../../host/component/canonical-context.ts';
import { CodecSet } from '../../host/component/codec-set.ts';
import { InstanceState } from '../../host/component/instance-state.ts';
import type { ValueType } from '../../host/model/link-plan.ts';

export interface CodecFixture {
  readonly codecs: CodecSet;
  readonly context: CanonicalContext;
  readonly state: InstanceState;
  readonly memory: WebAssembly.Memory;
  readonly charged: { length: number; elements: number };
  /** What the allocator gives next, whatever is asked of it; undefined to go on as usual. */
  nextPointer: number | undefined;
}

export function codecFixture(types: readonly ValueType[], encoding: StringEncoding = 'utf8'): CodecFixture {
  const state = new InstanceState({
    whenEnterable: (run) => run(),
    chargeYield: () => {},
    trap: (error) => {
      throw error;
    },
  });
  const charged = { length: 0, elements: 0 };
  const ports = {
    chargeLength: (length: number) => {
      charged.length += length;
    },
    chargeElements: (count: number) => {
      charged.elements += count;
    },
  };
  const context = new CanonicalContext({ current: state }, ports, encoding);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1000 });
  const unsupported = (): never => {
    throw new Error('no streams here');
  };
  const fixture: CodecFixture = {
    codecs: new CodecSet(types, { stream: unsupported, future: unsupported }),
    context,
    state,
    memory,
    charged,
    nextPointer: undefined,
  };
  let top = 1024;
  context.attach(memory, (_old, _oldSize, alignment, size) => {
    if (fixture.nextPointer !== undefined) return fixture.nextPointer;
    const pointer = Math.ceil(top / alignment) * alignment;
    top = pointer + size;
    const missing = top - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
    return pointer;
  });
  context.begin();
  return fixture;
}
