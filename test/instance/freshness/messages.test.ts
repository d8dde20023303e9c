/** A guest with state of every kind leaves a message in all of it, and ends in every way: nobody after it finds one. */
import test, { type ExecutionContext } from 'ava';
import type { LoadedArtifact } from '../../../host/instance/artifact.ts';
import { choosePolicy } from '../../../host/instance/rewind/rewind-policy.ts';
import { ROAD_WISHES, type RoadWish } from '../../../host/instance/rewind/road.ts';
import { Random, seedOf } from '../../instrument/random.ts';
import { ENDINGS, type Ending, endBy, messengerGuest, RETURN, SETTINGS } from './messenger.ts';
import { type Seen, Serving, type ServingOptions } from './serving.ts';

/** What this machine's kernel can do. */
const ROADS = ROAD_WISHES.filter((road) => road === 'auto' || choosePolicy(road).road === road);

let artifact: LoadedArtifact;
/** Of an instance that nobody had used before, by ending. */
const firsts = new Map<Ending, Seen>();

test.before('see each ending in an instance of its own', async () => {
  artifact = await messengerGuest();
  for (const ending of Object.values(ENDINGS)) {
    using serving = serve('fresh');
    firsts.set(ending, await endBy(serving, ending));
  }
});

function serve(road: RoadWish, options: ServingOptions = {}, of = artifact): Serving {
  return new Serving(of, { road, trigger: 'event', configuration: SETTINGS, ...options });
}

/** Fails unless what came of an invocation is what came of the first one. */
function isLikeFirst(t: ExecutionContext, ending: Ending, seen: Seen, after: string): void {
  const first = firsts.get(ending)!;
  t.deepEqual(ending.hasVagueFuel ? { ...seen, fuel: first.fuel } : seen, first, after);
}

test('each ending is the one that it says', (t) => {
  for (const [name, ending] of Object.entries(ENDINGS))
    t.is(firsts.get(ending)!.failure, ending.failure, name);
  t.is(firsts.get(RETURN)!.status, 200);
  // The words that it writes: a guest that sees nothing would see no message.
  t.is(firsts.get(RETURN)!.body.length, 41 * 8);
});

for (const road of ROADS) {
  test(`${road}: after each ending, and after any sequence of them, an invocation is like a first one`, async (t) => {
    const seed = seedOf('FRESHNESS_SEED');
    t.log(`FRESHNESS_SEED=${seed}`);
    const random = new Random(seed);
    using serving = serve(road);
    const names = Object.keys(ENDINGS);
    const sequence = [...names];
    for (let i = 0; i < 20; i++) sequence.push(random.pick([...names, 'a return', 'a return']));
    let before = 'nothing';
    let losses = 0;
    for (const name of sequence) {
      const ending = ENDINGS[name]!;
      isLikeFirst(t, ending, await endBy(serving, ending), `${name} after ${before}`);
      t.deepEqual(serving.differences, [], `${name} after ${before}`);
      if (ending.losesSlot) losses++;
      before = name;
    }
    const { late, ahead, lost } = serving.slots.counts;
    if (road === 'fresh') {
      t.is(serving.taken, 0);
      t.is(serving.facts.reason, 'rewinding is turned off');
      return;
    }
    t.is(serving.taken, sequence.length);
    t.is(lost, losses);
    // One that somebody waited for, one ahead of need, one for each that was lost at most: all others were used again.
    t.is(late, 1);
    t.true(ahead <= 1 + losses, `${ahead} slots made ahead, ${losses} lost`);
  });
}

test('three hundred invocations of one slot, the same all', async (t) => {
  using serving = serve('auto', { lookEvery: 50 });
  for (let i = 0; i < 300; i++) isLikeFirst(t, RETURN, await endBy(serving, RETURN), `${i} before`);
  t.deepEqual(serving.differences, []);
  t.is(serving.slots.counts.late, 1);
});

test('growing beyond the headroom loses the slot, growing within it does not', async (t) => {
  const configuration = { ...SETTINGS, memoryBytes: 64 * 2 ** 20 };
  using fresh = serve('fresh', { configuration });
  const first = await endBy(fresh, { how: 'g' });
  // It has grown by one page before.
  t.is(first.peakMemoryBytes, firsts.get(RETURN)!.peakMemoryBytes + 64 * 65_536);
  using serving = serve('auto', { configuration });
  for (let i = 1; i <= 3; i++) {
    t.deepEqual(await endBy(serving, { how: 'g' }), first);
    t.is(serving.slots.counts.lost, i);
    isLikeFirst(t, RETURN, await endBy(serving, RETURN), 'growth beyond the headroom');
  }
  t.is(serving.slots.counts.lost, 3);
  t.deepEqual(serving.differences, []);
});

const OBSTACLES: readonly (readonly [name: string, change: readonly [string, string], obstacle: string])[] = [
  ['a segment that is dropped', [';; OBSTACLE', '(func (data.drop $passive))'], 'data-drop'],
  [
    'a global that JavaScript cannot see',
    [';; OBSTACLE', '(global (mut v128) (v128.const i64x2 1 2))'],
    'v128-global',
  ],
  [
    'a global that is not a number',
    [';; OBSTACLE', '(global (mut f32) (f32.const nan:0x4567))'],
    'a global that is not a number',
  ],
  [
    'initialisation that asks for the time',
    [';; START', '(drop (call $now))'],
    'initialisation calls the host',
  ],
  [
    'initialisation that makes a handle',
    [';; START', '(drop (call $set-new))'],
    'initialisation calls the host',
  ],
];

for (const [name, change, obstacle] of OBSTACLES) {
  test(`${name}: each invocation has an instance of its own`, async (t) => {
    const guest = await messengerGuest(change);
    using fresh = serve('fresh', {}, guest);
    using serving = serve('auto', {}, guest);
    const first = await endBy(fresh, RETURN);
    t.is(first.failure, undefined);
    for (const ending of [RETURN, ENDINGS['a trap']!, RETURN, ENDINGS['exhausted fuel']!, RETURN]) {
      const seen = await endBy(serving, ending);
      if (ending === RETURN) t.deepEqual(seen, first);
      else t.is(seen.failure, ending.failure);
    }
    t.is(serving.taken, 0);
    t.is(serving.facts.reason, obstacle);
  });
}
