import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { MemoryHeadrooms } from '../../../host/instance/rewind/memory-headroom.ts';
import { choosePolicy, type RewindPolicy } from '../../../host/instance/rewind/rewind-policy.ts';
import type { Road } from '../../../host/instance/rewind/road.ts';
import { StateImage } from '../../../host/instance/rewind/state-image.ts';
import { METER_MODULE } from '../../../host/instrument/meter-imports.ts';
import { type GuestFunction, MeterHost } from '../../instrument/metered.ts';
import { Random, seedOf } from '../../instrument/random.ts';
import {
  differenceOf,
  type Guest,
  guestOf,
  observe,
  type Running,
  start,
  statefulGuest,
} from './stateful-guest.ts';

/** What this machine's kernel can do; CI's and any Linux since 6.7 has them all. */
const ROADS = (['pagemap', 'madvise', 'copy'] as const).filter((road) => choosePolicy(road).road === road);
const POLICIES: readonly (readonly [string, RewindPolicy])[] = [
  ...ROADS.map((road) => [road, choosePolicy(road)] as const),
  ['auto', choosePolicy('auto')],
];

const CHANGES: readonly ((guest: Running, random: Random) => void)[] = [
  ({ call }, random) => call('storeA', random.below(24 * 65_536), random.below(256)),
  ({ call }, random) => call('storeB', random.below(2 * 65_536), random.below(256)),
  ({ call }, random) => call('storeC', random.below(3 * 65_536), random.below(256)),
  ({ call }, random) => {
    const from = random.below(24 * 65_536);
    call('fillA', from, random.below(256), random.below(Math.min(300_000, 24 * 65_536 - from)));
  },
  ({ call }, random) => call('setI', random.below(1_000)),
  ({ call }, random) => call('setL', BigInt(random.below(1_000))),
  ({ call }, random) => call('setF', random.below(2) === 0 ? Number.NaN : random.below(1_000)),
  ({ call }, random) => call('setD', random.below(2) === 0 ? Number.NaN : random.below(1_000)),
  ({ call }) => call('setR'),
  ({ call }, random) => call('setFunction', random.below(8)),
  ({ call }, random) => call('clearFunction', random.below(8)),
  ({ call }, random) => call('setThing', random.below(4), { left: 'behind' }),
  ({ call }, random) => swallow(() => call('trap', random.below(24 * 65_536), random.below(256))),
  // Growing by nothing, and by more than there can be, leaves the size.
  ({ call }) => call('growA', 0),
  ({ call }) => call('growA', 17),
  ({ call }) => call('growTable', 0),
  ({ call }) => call('touch', 0),
];

function swallow(call: () => void): void {
  try {
    call();
  } catch {
    // A trap in the midst of changes.
  }
}

for (const [name, policy] of POLICIES) {
  test(`${name}: whatever a guest changes is put back, byte for byte`, async (t) => {
    const seed = seedOf('REWIND_SEED');
    t.log(`REWIND_SEED=${seed}`);
    const random = new Random(seed);
    const guest = await statefulGuest();
    const first = start(guest);
    using image = StateImage.capture(first.instances, policy);
    t.is(image.obstacle, undefined);
    const second = start(guest);
    for (const running of [first, second]) {
      const before = observe(running);
      const slot = image.apply(running.instances)!;
      t.is(differenceOf(before, observe(running)), undefined, 'applying the image changed something');
      for (let round = 0; round < 40; round++) {
        const changes = Array.from({ length: random.below(8) }, () => random.pick(CHANGES));
        for (const change of changes) change(running, random);
        t.is(slot.rewind(), 'clean');
        const difference = differenceOf(before, observe(running));
        if (difference !== undefined) return t.fail(`round ${round}: ${difference}`);
      }
      t.is(running.call('indirect', 1), 1);
    }
  });

  test(`${name}: a slot whose memory or table has grown is given up`, async (t) => {
    const guest = await statefulGuest();
    const first = start(guest);
    using image = StateImage.capture(first.instances, policy);
    const slot = image.apply(first.instances)!;
    t.is(first.call('growA', 1), 24);
    t.is(slot.rewind(), 'memory-grown');
    const second = start(guest);
    const other = image.apply(second.instances)!;
    second.call('growTable', 1);
    t.is(other.rewind(), 'table-grown');
  });

  test(`${name}: slots of one image see nothing of one another`, async (t) => {
    const guest = await statefulGuest();
    const slots = [start(guest), start(guest)] as const;
    using image = StateImage.capture(slots[0].instances, policy);
    const [one, other] = slots.map(({ instances }) => image.apply(instances)!);
    const before = observe(slots[1]);
    slots[0].call('touch', 0);
    slots[0].call('fillA', 1_048_576, 77, 65_536);
    t.is(differenceOf(before, observe(slots[1])), undefined);
    t.is(one!.rewind(), 'clean');
    t.is(other!.rewind(), 'clean');
    t.is(differenceOf(before, observe(slots[1])), undefined);
  });
}

test('a forced road is the road that memories take', async (t) => {
  const guest = await statefulGuest();
  for (const road of ROADS) {
    const running = start(guest);
    using image = StateImage.capture(running.instances, choosePolicy(road));
    t.deepEqual(image.apply(running.instances)?.roads, [road, road, road] satisfies Road[]);
  }
  const running = start(guest);
  using image = StateImage.capture(running.instances, choosePolicy('fresh'));
  t.is(image.apply(running.instances)!.rewind(), 'single-use');
});

test('a slot that initialisation left in another state does not get the image', async (t) => {
  const guest = await statefulGuest();
  using image = StateImage.capture(start(guest).instances, choosePolicy('auto'));
  for (const [name, ...args] of [
    ['storeA', 20, 1],
    ['storeA', 80_000, 1],
    ['storeB', 1, 1],
    ['setI', 1],
    ['growA', 1],
  ] as const) {
    const other = start(guest);
    other.call(name, ...args);
    t.is(image.apply(other.instances), undefined, name);
  }
  t.not(image.apply(start(guest).instances), undefined);
});

test('state that cannot be put back makes slots that are used once', async (t) => {
  for (const [wat, reason] of [
    ['(global (mut v128) (v128.const i64x2 0 0))', /v128-global/],
    ['(global (mut f64) (f64.const nan:0x123))', /not a number/],
    ['(table 20000 funcref) (func (table.set 0 (i32.const 0) (ref.null func)))', /20000 entries/],
  ] as const) {
    const running = start(await guestOf(`(module ${wat})`));
    using image = StateImage.capture(running.instances, choosePolicy('auto'));
    t.regex(image.obstacle!, reason);
    const slot = image.apply(running.instances)!;
    t.is(slot.rewind(), 'single-use');
    t.deepEqual(slot.roads, ['fresh']);
  }
});

test('once its image is disposed of, a slot that would need it fails', async (t) => {
  const running = start(await statefulGuest());
  for (const [, policy] of POLICIES.filter(([name]) => name === 'pagemap')) {
    const image = StateImage.capture(running.instances, policy);
    const slot = image.apply(running.instances)!;
    image[Symbol.dispose]();
    image[Symbol.dispose]();
    running.call('touch', 0);
    t.is(slot.rewind(), 'failed');
    t.throws(() => image.apply(running.instances), { instanceOf: TypeError });
  }
});

test('an image is as large as its content, not as its memories', async (t) => {
  const running = start(
    await guestOf('(module (memory 1000) (data (i32.const 300000) "x") (data (i32.const 400000) "y"))'),
  );
  using image = StateImage.capture(running.instances, choosePolicy('auto'));
  t.is(image.sizeBytes, 3 * 65_536);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Empty where it is closed by now, as the one is that listed it. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** Of this process: its mappings, and what its descriptors are of that rewinding opens. Others come and go with the test runner. */
function ours(): { readonly mappings: number; readonly descriptors: readonly string[] } {
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  const links = readdirSync('/proc/self/fd').map((name) => linkOf(`/proc/self/fd/${name}`));
  return { mappings: maps.length, descriptors: links.filter((link) => /memfd:|pagemap/.test(link)).sort() };
}

test.serial('a thousand slots, created and dropped, leave no mapping and no descriptor behind', async (t) => {
  const guest = await statefulGuest();
  const policy = choosePolicy('auto');
  const round = (slots: number): void => {
    const first = start(guest);
    using image = StateImage.capture(first.instances, policy);
    for (let i = 0; i < slots; i++) {
      const running = start(guest);
      const slot = image.apply(running.instances)!;
      running.call('storeA', 1_048_576, 1);
      t.is(slot.rewind(), 'clean');
    }
  };
  const collect = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      collectGarbage();
      await new Promise(setImmediate);
    }
  };
  round(20);
  await collect();
  const before = ours();
  for (let i = 0; i < 10; i++) {
    round(100);
    await collect();
  }
  const after = ours();
  t.deepEqual(after.descriptors, before.descriptors);
  t.true(
    after.mappings - before.mappings < 100,
    `${before.mappings} mappings before, ${after.mappings} after`,
  );
});

test('growing within the headroom is put back, over all modules that share a memory', async (t) => {
  const definer = await guestOf(`(module (memory (export "memory") 2 20)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`);
  const user = await guestOf(`(module (import "m" "memory" (memory 2))
    (func (export "store") (param i32) (i32.store8 (local.get 0) (i32.const 7)))
    (func (export "size") (result i32) memory.size))`);
  const link = () => {
    const headrooms = new MemoryHeadrooms();
    const instantiate = ({ module, state }: Guest, imports: WebAssembly.Imports): WebAssembly.Exports => {
      const given = headrooms.importsFor(state, imports);
      const meter = { ...new MeterHost().imports, ...given };
      const { exports } = new WebAssembly.Instance(module, { ...imports, [METER_MODULE]: meter });
      headrooms.note(state, given, exports);
      return exports;
    };
    const first = instantiate(definer, {});
    const second = instantiate(user, { m: { memory: first['memory'] as WebAssembly.Memory } });
    headrooms.grow(100);
    return {
      headrooms,
      instances: [
        { state: definer.state, exports: first },
        { state: user.state, exports: second },
      ],
      grow: first['grow'] as GuestFunction,
      store: second['store'] as GuestFunction,
      size: second['size'] as GuestFunction,
    };
  };
  for (const [, policy] of POLICIES) {
    const { headrooms, instances, grow, store, size } = link();
    using image = StateImage.capture(instances, policy, headrooms);
    const slot = image.apply(instances, headrooms)!;
    const before = observe({ instances });
    t.is(before.memories[0]!.length, 20 * 65_536);
    for (let i = 0; i < 3; i++) {
      t.is(size(), 2);
      t.is(grow(18), 2);
      t.is(size(), 20);
      t.is(grow(1), -1);
      store(20 * 65_536 - 1);
      t.is(slot.rewind(), 'clean');
      t.is(differenceOf(before, observe({ instances })), undefined);
    }
    const other = link();
    t.not(image.apply(other.instances, other.headrooms), undefined);
  }
});
