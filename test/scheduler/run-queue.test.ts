import test from 'ava';
import { RunQueue } from '../../host/scheduler/run-queue.ts';
import { parked, queueOf, SLICE, share, spin, Turns } from './run-queue-fixture.ts';

/** Lets guests wait that use so much once they are resumed; gives how many each turn resumed. */
async function resumedIn(turnCount: number, guests: number, fuel: number): Promise<number[]> {
  const { queue, turns } = queueOf();
  let resumed = 0;
  for (let i = 0; i < guests; i++) {
    void parked(queue, `t${i % 3}`, SLICE).then(async () => {
      resumed++;
      // What is reckoned up some promises later, as an invocation's end is.
      for (let wait = 0; wait < 5; wait++) await undefined;
      queue.charge(`t${i % 3}`, fuel);
    });
  }
  const counts: number[] = [];
  for (let turn = 0; turn < turnCount; turn++) {
    const before = resumed;
    await turns.run(1);
    counts.push(resumed - before);
  }
  return counts;
}

test('one turn of the event loop resumes one guest that uses up its slice', async (t) => {
  t.deepEqual(await resumedIn(4, 3, SLICE), [1, 1, 1, 0]);
});

test('small calls that wait are resumed in one turn, until they have used an eighth of a slice', async (t) => {
  t.deepEqual(await resumedIn(3, 5, SLICE / 17), [3, 2, 0]);
});

test('one turn resumes no more than eight, however small they are', async (t) => {
  t.deepEqual(await resumedIn(4, 18, 1), [8, 8, 2, 0]);
});

test('where nobody says when a guest is done, one turn resumes one', async (t) => {
  const turns = new Turns();
  const queue = new RunQueue({ nextTurn: turns.nextTurn, nowMs: () => 0, quantum: SLICE });
  let resumed = 0;
  for (let i = 0; i < 3; i++) void parked(queue, 't', 1).then(() => resumed++);
  for (const expected of [1, 2, 3]) {
    await turns.run(1);
    t.is(resumed, expected);
  }
  t.is(queue.parked, 0);
});

test('tenants get equal shares, however many guests each has', async (t) => {
  const { queue, turns, used } = queueOf();
  for (let i = 0; i < 20; i++) void spin(queue, used, 'many', () => SLICE);
  void spin(queue, used, 'one', () => SLICE);
  await turns.run(1_000);
  t.true(Math.abs(share(used, 'one') - 0.5) < 0.05, String(share(used, 'one')));
});

test('shares follow weights', async (t) => {
  const { queue, turns, used } = queueOf({ a: 1, b: 2, c: 5 });
  for (const tenant of ['a', 'b', 'c']) void spin(queue, used, tenant, () => SLICE);
  await turns.run(2_000);
  for (const [tenant, weight] of [
    ['a', 1],
    ['b', 2],
    ['c', 5],
  ] as const) {
    t.true(Math.abs(share(used, tenant) / (weight / 8) - 1) < 0.05, `${tenant}: ${share(used, tenant)}`);
  }
});

test('a tenant whose slices cost more gets fewer of them', async (t) => {
  const { queue, turns, used } = queueOf();
  void spin(queue, used, 'dear', () => 7 * SLICE);
  void spin(queue, used, 'cheap', () => SLICE);
  await turns.run(2_000);
  t.true(Math.abs(share(used, 'dear') - 0.5) < 0.05, String(share(used, 'dear')));
});

test('a tenant that was away has saved up nothing', async (t) => {
  const { queue, turns, used } = queueOf();
  void spin(queue, used, 'steady', () => SLICE);
  await turns.run(500);
  void spin(queue, used, 'late', () => SLICE);
  const before = used['steady']!;
  await turns.run(200);
  t.true(Math.abs((used['steady']! - before) / used['late']! - 1) < 0.1);
});

test('guests of one tenant take turns', async (t) => {
  const { queue, turns } = queueOf();
  const order: number[] = [];
  for (let i = 0; i < 3; i++) {
    void (async () => {
      for (let round = 0; round < 3; round++) {
        await parked(queue, 't', SLICE);
        order.push(i);
      }
    })();
  }
  await turns.run(50);
  t.deepEqual(order, [0, 1, 2, 0, 1, 2, 0, 1, 2]);
});

test('with nobody parked, no turn is asked for', async (t) => {
  const { queue, turns } = queueOf();
  void parked(queue, 't', SLICE);
  await turns.run(10);
  t.is(turns.pending, 0);
});

test('properties hold for random tenants, weights and costs', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  t.log(`seed ${seed}`);
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  for (let round = 0; round < 5; round++) {
    const weights: Record<string, number> = {};
    for (let i = 0; i < 2 + Math.floor(random() * 6); i++) weights[`t${i}`] = 1 + Math.floor(random() * 8);
    const { queue, turns, used } = queueOf(weights);
    for (const tenant of Object.keys(weights)) {
      const guests = 1 + Math.floor(random() * 4);
      for (let g = 0; g < guests; g++)
        void spin(queue, used, tenant, () => Math.floor(SLICE * (0.1 + 2 * random())));
    }
    await turns.run(3_000);
    const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    // Off by what it owes (two slices) or has left (one of its own) at most, of the 66 that a weight of 1 in 50 gets here.
    for (const [tenant, weight] of Object.entries(weights)) {
      const error = share(used, tenant) / (weight / total) - 1;
      t.true(
        Math.abs(error) < 0.05,
        `seed ${seed}, weights ${JSON.stringify(weights)}: ${tenant} is off by ${error}`,
      );
    }
  }
});

test('a tenant that comes new is served next, however many wait', async (t) => {
  const { queue, turns, used } = queueOf();
  for (let i = 0; i < 8; i++) void spin(queue, used, `hog-${i}`, () => SLICE);
  await turns.run(100);
  let served = false;
  void queue.admit('new')!.then(() => {
    served = true;
  });
  await turns.run(1);
  t.true(served);
});

test('a tenant whose calls never last a slice gets no more than its share', async (t) => {
  const { queue, turns, used } = queueOf();
  void spin(queue, used, 'steady', () => SLICE);
  const callAgainAndAgain = async (): Promise<void> => {
    for (;;) {
      // A call through the network comes in a later turn at the earliest.
      await new Promise<void>((resolve) => turns.nextTurn(resolve));
      await queue.admit('flood');
      used['flood'] = (used['flood'] ?? 0) + 0.9 * SLICE;
      queue.charge('flood', 0.9 * SLICE);
    }
  };
  for (let i = 0; i < 50; i++) void callAgainAndAgain();
  await turns.run(3_000);
  t.true(share(used, 'flood') < 0.53, String(share(used, 'flood')));
  t.true(share(used, 'flood') > 0.47, String(share(used, 'flood')));
});

test('a guest may begin at once while nobody waits and its tenant owes nothing', async (t) => {
  const { queue, turns } = queueOf();
  t.is(queue.admit('t'), undefined);
  queue.charge('t', SLICE / 2);
  t.is(queue.admit('t'), undefined);
  queue.charge('t', SLICE);
  let began = false;
  void queue.admit('t')!.then(() => {
    began = true;
  });
  t.not(queue.admit('other'), undefined, 'somebody waits now');
  await turns.run(2);
  t.true(began, 'a debt is paid in rounds, and those go by at once when nobody else is there');
});

test('a guest that waited for the host goes on at once as long as its tenant has credit', async (t) => {
  const { queue, turns, used } = queueOf();
  for (let i = 0; i < 3; i++) void spin(queue, used, `hog-${i}`, () => SLICE);
  await turns.run(30);
  for (let i = 0; i < 9; i++) t.is(queue.goOn('writer', SLICE / 10), undefined, `write ${i}`);
  const turn = queue.goOn('writer', SLICE / 10);
  t.not(turn, undefined);
  let resumed = false;
  void turn!.then(() => {
    resumed = true;
  });
  await turns.run(4);
  t.true(resumed, 'within a round');
});

test('a guest that is over is skipped and costs no turn', async (t) => {
  const { queue, turns } = queueOf();
  let isOver = false;
  const resumed: string[] = [];
  for (let i = 0; i < 100; i++) void parked(queue, 'a', 1, () => isOver).then(() => resumed.push('over'));
  void parked(queue, 'b', 1).then(() => resumed.push('b'));
  isOver = true;
  await turns.run(1);
  t.deepEqual(resumed, ['b']);
  t.is(queue.parked, 0);
  t.is(turns.pending, 0);
});

test('a debt of a thousand slices is paid before the tenant is served again, and outlives its guest', async (t) => {
  const { queue, turns, used } = queueOf();
  void spin(queue, used, 'steady', () => SLICE);
  await turns.run(10);
  queue.charge('debtor', 1_000 * SLICE);
  let served = false;
  void queue.admit('debtor')!.then(() => {
    served = true;
  });
  await turns.run(990);
  t.false(served);
  await turns.run(20);
  t.true(served);
});

test('each quantum that guests have used together is told once, however it was used', (t) => {
  let told = 0;
  const turns = new Turns();
  const queue = new RunQueue({
    nextTurn: turns.nextTurn,
    nowMs: () => 0,
    quantum: 100,
    onQuantum: () => {
      told++;
    },
  });
  queue.charge('a', 60);
  t.is(told, 0);
  void queue.goOn('b', 60);
  t.is(told, 1);
  queue.park('a', 99, () => {});
  t.is(told, 1);
  queue.charge('b', 1);
  t.is(told, 2);
});
