import test from 'ava';
import { EVENT_LOOP } from '../../host/scheduler/event-loop.ts';
import { RunQueue } from '../../host/scheduler/run-queue.ts';

const SLICE = 5_000_000;

/** An event loop driven by hand: one turn at a time, promises settle in between. */
class Turns {
  readonly #callbacks: (() => void)[] = [];
  readonly nextTurn = (callback: () => void): void => void this.#callbacks.push(callback);

  get pending(): number {
    return this.#callbacks.length;
  }

  async run(turns: number): Promise<void> {
    for (let i = 0; i < turns; i++) {
      const callback = this.#callbacks.shift();
      if (callback === undefined) return;
      callback();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}

function queueOf(weights: Record<string, number> = {}): {
  queue: RunQueue;
  turns: Turns;
  used: Record<string, number>;
} {
  const turns = new Turns();
  const queue = new RunQueue({
    ...EVENT_LOOP,
    nextTurn: turns.nextTurn,
    weightOf: (tenant) => weights[tenant] ?? 1,
    quantum: SLICE,
  });
  return { queue, turns, used: {} };
}

/** Resolves when a guest that has used `fuel` goes on. */
function parked(queue: RunQueue, tenant: string, fuel: number, isOver?: () => boolean): Promise<void> {
  return new Promise((resume) => queue.park(tenant, fuel, resume, isOver));
}

/** A guest in an endless loop, whose slices cost what `cost` says. */
async function spin(
  queue: RunQueue,
  used: Record<string, number>,
  tenant: string,
  cost: () => number,
): Promise<void> {
  for (;;) {
    const fuel = cost();
    used[tenant] = (used[tenant] ?? 0) + fuel;
    await parked(queue, tenant, fuel);
  }
}

const share = (used: Record<string, number>, tenant: string): number =>
  used[tenant]! / Object.values(used).reduce((sum, value) => sum + value, 0);

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

/** What the queue answers a guest that asks after each slice of so many milliseconds, beside `others` that wait. */
async function keptSlices(sliceMs: number, others = 0): Promise<number> {
  const turns = new Turns();
  let nowMs = 1_000;
  const queue = new RunQueue({ nextTurn: turns.nextTurn, nowMs: () => nowMs, quantum: SLICE });
  let slices = 0;
  void parked(queue, 'lone', SLICE).then(() => {
    for (let other = 0; other < others; other++) void parked(queue, 'other', SLICE);
    do {
      slices++;
      nowMs += sliceMs;
    } while (queue.keepsTurn(false));
  });
  await turns.run(1);
  return slices;
}

test('a guest for which nobody waits takes slices until its turn has lasted a millisecond, four at most', async (t) => {
  t.is(await keptSlices(3), 1);
  t.is(await keptSlices(1.2), 1);
  t.is(await keptSlices(0.9), 2);
  t.is(await keptSlices(0.4), 3);
  t.is(await keptSlices(0.1), 4);
});

test('a guest beside which another one waits takes one slice', async (t) => {
  t.is(await keptSlices(0.1, 1), 1);
});

test('a guest that begins or goes on at once, in no turn of the queue, has the same time', (t) => {
  let nowMs = 1_000;
  const queue = new RunQueue({ nextTurn: () => {}, nowMs: () => nowMs, quantum: SLICE });
  t.is(queue.admit('early'), undefined);
  nowMs += 0.6;
  t.true(queue.keepsTurn(false));
  // Another one, in the same turn as far as anybody knows.
  t.is(queue.admit('next'), undefined);
  nowMs += 0.6;
  t.false(queue.keepsTurn(false));
  t.is(queue.goOn('waited', 1), undefined);
  nowMs += 0.6;
  t.true(queue.keepsTurn(false));
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

test('slices that were kept in one turn do not count in the next', async (t) => {
  const turns = new Turns();
  const queue = new RunQueue({ nextTurn: turns.nextTurn, nowMs: () => 0, quantum: SLICE });
  const kept: boolean[][] = [];
  for (let turn = 0; turn < 2; turn++) {
    void parked(queue, 'lone', SLICE).then(() => {
      kept.push(Array.from({ length: 4 }, () => queue.keepsTurn(false)));
    });
    await turns.run(1);
  }
  t.deepEqual(kept, [
    [true, true, true, false],
    [true, true, true, false],
  ]);
});

/** A guest that takes slices of a millisecond in turns of its own, and what it said and heard. */
async function keptWhileQuiet(
  slices: readonly { readonly isQuiet?: boolean; readonly hasCalledHost?: boolean }[],
): Promise<boolean[]> {
  const turns = new Turns();
  let nowMs = 1_000;
  let isQuiet = true;
  const queue = new RunQueue({
    nextTurn: turns.nextTurn,
    nowMs: () => nowMs,
    quantum: SLICE,
    isQuiet: () => isQuiet,
  });
  const kept: boolean[] = [];
  void parked(queue, 'lone', SLICE).then(() => {
    for (const slice of slices) {
      nowMs++;
      isQuiet = slice.isQuiet ?? true;
      kept.push(queue.keepsTurn(slice.hasCalledHost !== true));
    }
  });
  await turns.run(1);
  return kept;
}

test('while nothing has come a guest that only computes keeps a turn of the queue for 20 ms', async (t) => {
  const kept = await keptWhileQuiet(Array.from({ length: 22 }, () => ({})));
  t.deepEqual(kept, [...Array(19).fill(true), false, false, false]);
});

test('a guest ends its turn behind the slice in which something has come, or in which it has called the host', async (t) => {
  t.deepEqual(await keptWhileQuiet([{}, { isQuiet: false }, {}]), [true, false, true]);
  t.deepEqual(await keptWhileQuiet([{}, { hasCalledHost: true }]), [true, false]);
});

test('a guest that begins or goes on at once keeps no turn for long, however quiet it is', async (t) => {
  const turns = new Turns();
  let nowMs = 1_000;
  const queue = new RunQueue({
    nextTurn: turns.nextTurn,
    nowMs: () => nowMs,
    quantum: SLICE,
    isQuiet: () => true,
  });
  const keepsTurn = (): boolean => {
    nowMs += 2;
    return queue.keepsTurn(true);
  };
  t.is(queue.admit('lone'), undefined);
  t.false(keepsTurn());
  let kept: boolean[] = [];
  void parked(queue, 'lone', SLICE).then(() => {
    kept = [keepsTurn(), queue.goOn('lone', 1) === undefined, keepsTurn()];
  });
  await turns.run(1);
  t.deepEqual(kept, [true, true, false]);
});

test('what a guest used while it was quiet is no debt of its tenant when others come', async (t) => {
  const { used } = await (async () => {
    const turns = new Turns();
    let nowMs = 0;
    const queue = new RunQueue({
      nextTurn: turns.nextTurn,
      nowMs: () => nowMs,
      quantum: SLICE,
      isQuiet: () => true,
    });
    const used: Record<string, number> = {};
    await new Promise<void>((resolve) => {
      void parked(queue, 'lone', SLICE).then(() => {
        let fuel = 0;
        do {
          fuel += SLICE;
          nowMs++;
        } while (queue.keepsTurn(true));
        t.is(fuel, 20 * SLICE);
        void parked(queue, 'lone', fuel).then(() => spin(queue, used, 'lone', () => SLICE));
        resolve();
      });
      void turns.run(1);
    });
    void spin(queue, used, 'newcomer', () => SLICE);
    await turns.run(20);
    return { used };
  })();
  t.true(Math.abs(share(used, 'lone') - 0.5) < 0.1, String(share(used, 'lone')));
});
