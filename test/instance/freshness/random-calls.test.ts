/**
 * Lists of calls of the host by a guest, by chance: streams, futures, sets, subtasks, error contexts and pollables, as often wrong as right, many of them
 * left behind half done. What a guest can see of an invocation is the same whatever was called in its slot before, and in an instance of its own.
 */
import test from 'ava';
import type { RoadWish } from '../../../host/instance/rewind/road.ts';
import { FIXED_SEED, Random } from '../../instrument/random.ts';
import { callerGuest, randomCalls } from './caller.ts';
import { parked } from './messenger.ts';
import { OpenBody, type Seen, Serving, type ServingOptions } from './serving.ts';

const LISTS = 60;
const SETTINGS: ServingOptions['configuration'] = { fuel: 50_000_000, memoryBytes: 2 ** 24 };
const artifact = await callerGuest();

/** One that waits for what does not come is cut off then. */
async function called(serving: Serving, calls: Uint8Array): Promise<Seen> {
  const running = serving.start({ body: new OpenBody(Buffer.from(calls).toString('latin1')) });
  await parked(running, true);
  running.invocation.cancel('timed_out', 'no more');
  return running.seen();
}

for (const road of ['auto', 'copy'] satisfies RoadWish[]) {
  test(`an invocation is the same behind any other one, and in an instance of its own: ${road}`, async (t) => {
    const random = new Random(FIXED_SEED);
    const used = new Serving(artifact, { road, configuration: SETTINGS });
    const own = new Serving(artifact, { road: 'fresh', configuration: SETTINGS });
    const failures = new Set<string | undefined>();
    for (let i = 0; i < LISTS; i++) {
      const calls = randomCalls(random);
      const list = `list ${i}: ${calls.join(' ')}`;
      const first = await called(used, calls);
      t.deepEqual(await called(own, calls), first, list);
      await called(used, randomCalls(random));
      t.deepEqual(await called(used, calls), first, list);
      failures.add(first.failure);
    }
    t.deepEqual(used.differences, []);
    t.is(used.taken, LISTS * 3, 'each had a slot');
    t.deepEqual([...failures].sort(), ['function_trapped', 'timed_out', undefined], 'they end in every way');
  });
}
