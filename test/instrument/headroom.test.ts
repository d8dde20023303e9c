/** Memories that the host has grown ahead: code sees what it would see without that. */
import test from 'ava';
import { instrument } from '../../host/instrument/instrument.ts';
import { headroomImport, METER_MODULE } from '../../host/instrument/meter-imports.ts';
import { assemble, compile, type GuestFunction, MeterHost } from './metered.ts';
import { Random, seedOf } from './random.ts';

interface Subject {
  readonly host: MeterHost;
  readonly memory: WebAssembly.Memory;
  readonly headroom: WebAssembly.Global<'i32'>;
  size(): number;
  grow(pages: number): number;
}

async function subject(type: 'i32' | 'i64', ahead: number): Promise<Subject> {
  const limits = type === 'i64' ? 'i64 2 40' : '2 40';
  const { bytes } = instrument(
    await assemble(`(module (memory (export "memory") ${limits})
      (func (export "size") (result ${type}) memory.size)
      (func (export "grow") (param ${type}) (result ${type}) (memory.grow (local.get 0))))`),
  );
  const host = new MeterHost({ pages: 30n });
  const headroom = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  const { exports } = new WebAssembly.Instance(compile(bytes), {
    [METER_MODULE]: { ...host.imports, [headroomImport(0)]: headroom },
  });
  const memory = exports['memory'] as WebAssembly.Memory;
  // Typed as number, which is all that the types know of.
  if (ahead > 0) memory.grow((type === 'i64' ? BigInt(ahead) : ahead) as number);
  headroom.value = ahead;
  const argument = (pages: number): unknown => (type === 'i64' ? BigInt(pages) : pages);
  return {
    host,
    memory,
    headroom,
    size: () => Number((exports['size'] as GuestFunction)()),
    grow: (pages) => Number((exports['grow'] as GuestFunction)(argument(pages))),
  };
}

for (const type of ['i32', 'i64'] as const) {
  test(`${type}: growing takes from the headroom first, then grows in earnest`, async (t) => {
    const { memory, headroom, size, grow } = await subject(type, 5);
    const pages = (): number => memory.buffer.byteLength / 65_536;
    t.deepEqual([size(), pages()], [2, 7]);
    t.is(grow(0), 2);
    t.is(grow(3), 2);
    t.deepEqual([size(), pages(), headroom.value], [5, 7, 2]);
    t.is(grow(4), 5);
    t.deepEqual([size(), pages(), headroom.value], [9, 9, 0]);
    t.is(grow(1), 9);
    t.deepEqual([size(), pages()], [10, 10]);
  });

  test(`${type}: with and without headroom code sees the same sizes and pays the same fuel`, async (t) => {
    const seed = seedOf('HEADROOM_SEED');
    t.log(`HEADROOM_SEED=${seed}`);
    const random = new Random(seed);
    for (let round = 0; round < 20; round++) {
      const [plain, ahead] = [await subject(type, 0), await subject(type, random.below(38))];
      for (let i = 0; i < 12; i++) {
        const pages = random.below(2) === 0 ? random.below(4) : random.below(50);
        t.is(ahead.grow(pages), plain.grow(pages));
        t.is(ahead.size(), plain.size());
        t.is(ahead.host.spent, plain.host.spent);
        t.is(ahead.host.pagesLeft, plain.host.pagesLeft);
      }
    }
  });
}
