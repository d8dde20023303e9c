/** The short form of `npm run crash`: the same load, fewer kills. */
import test from 'ava';
import { LeakCheck } from '../harness/leaks.ts';
import { seedOf } from '../instrument/random.ts';
import { broken, buildReporter, crashRun, IN_FLIGHT } from './crash-run.ts';
import { messageAt } from './sender.ts';
import { judge } from './verdict.ts';

const leaks = new LeakCheck();
test.after.always(() => leaks.settled());

let component: Uint8Array;

test.before(async () => {
  component = await buildReporter();
});

for (const engine of ['sqlite', 'redis'] as const) {
  test.serial(`what a host accepts is handled, in order, however it is killed: ${engine}`, async (t) => {
    t.timeout(240_000);
    const seed = seedOf('CRASH_SEED');
    t.log(`seed ${seed}`);
    const result = await crashRun({
      engine,
      component,
      kills: 2,
      messages: 1_000,
      seed,
      timeoutMs: 10_000,
      say: (line) => t.log(line),
    });
    t.log(result);
    t.deepEqual(broken(result), []);
    t.is(result.accepted, 1_000);
  });
}

const texts = new Map([
  ['a', 'g 0'],
  ['b', 'g 1'],
  ['c', '-s 0'],
]);
const handled = (life: number, ...ids: string[]): Parameters<typeof judge>[1][number] => ({
  life,
  messages: ids.map((id) => ({ id, text: texts.get(id) ?? 'x 0' })),
});

test('the judge sees what is lost, foreign, out of order or repeated', (t) => {
  const verdict = (...batches: Parameters<typeof judge>[1]): unknown => judge({ texts }, batches);
  t.like(verdict(handled(0, 'a', 'c'), handled(0, 'b')), { lost: 0, outOfOrder: 0, duplicates: 0 });
  t.like(verdict(handled(0, 'a', 'c')), { lost: 1 });
  t.like(verdict(handled(0, 'b', 'c'), handled(0, 'a')), { lost: 0, outOfOrder: 2 });
  t.like(verdict(handled(0, 'a', 'b', 'c', 'z')), { foreign: 1 });
  const twice = handled(1, 'a', 'b');
  t.like(verdict(handled(0, 'a', 'b', 'c'), twice), {
    outOfOrder: 0,
    duplicates: 2,
    unexplained: 0,
    repeatedBatchesPerKill: 1,
  });
  t.like(verdict(handled(1, 'a', 'b', 'c'), twice), { unexplained: 2 });
  t.like(verdict(handled(0, 'a'), handled(0, 'b'), handled(0, 'c'), twice), { repeatedBatchesPerKill: 2 });
});

test('every second message has a group, and the numbers of each group have no gap', (t) => {
  const plan = { queue: 'q', name: 's', messages: 40, groups: 3 };
  const next = new Map<string, number>();
  for (let index = 0; index < plan.messages; index++) {
    const { text, groupKey } = messageAt(index, plan);
    const [name = '', number] = text.split(' ');
    t.is(groupKey, index % 2 === 0 ? name : undefined);
    t.is(Number(number), next.get(name) ?? 0);
    next.set(name, Number(number) + 1);
  }
  t.is(next.size, 4);
  t.true(IN_FLIGHT > 1);
});
