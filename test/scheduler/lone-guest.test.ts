/** What a guest gets for which nobody waits (run-queue.ts, invariants 6 and 7). */
import test from 'ava';
import { clockedQueue, parked, SLICE, share, spin } from './run-queue-fixture.ts';

/** What the queue answers a guest that asks after each slice of so many milliseconds, beside `others` that wait. */
async function keptSlices(sliceMs: number, others = 0): Promise<number> {
  const { queue, turns, pass } = clockedQueue();
  let slices = 0;
  void parked(queue, 'lone', SLICE).then(() => {
    for (let other = 0; other < others; other++) void parked(queue, 'other', SLICE);
    do {
      slices++;
      pass(sliceMs);
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
  const { queue, pass } = clockedQueue();
  t.is(queue.admit('early'), undefined);
  pass(0.6);
  t.true(queue.keepsTurn(false));
  // Another one, in the same turn as far as anybody knows.
  t.is(queue.admit('next'), undefined);
  pass(0.6);
  t.false(queue.keepsTurn(false));
  t.is(queue.goOn('waited', 1), undefined);
  pass(0.6);
  t.true(queue.keepsTurn(false));
});

test('slices that were kept in one turn do not count in the next', async (t) => {
  const { queue, turns } = clockedQueue();
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

/** What a guest hears after each slice of a millisecond, by what has come meanwhile and what it has done, in a turn of the queue. */
async function keptWhileQuiet(
  slices: readonly { readonly isQuiet?: boolean; readonly hasCalledHost?: boolean }[],
): Promise<boolean[]> {
  let isQuiet = true;
  const { queue, turns, pass } = clockedQueue({ isQuiet: () => isQuiet });
  const kept: boolean[] = [];
  void parked(queue, 'lone', SLICE).then(() => {
    for (const slice of slices) {
      pass(1);
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
  const { queue, turns, pass } = clockedQueue({ isQuiet: () => true });
  const keepsTurn = (): boolean => {
    pass(2);
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
  const { queue, turns, pass } = clockedQueue({ isQuiet: () => true });
  const used: Record<string, number> = {};
  void parked(queue, 'lone', SLICE).then(() => {
    let fuel = 0;
    do {
      fuel += SLICE;
      pass(1);
    } while (queue.keepsTurn(true));
    t.is(fuel, 20 * SLICE);
    void parked(queue, 'lone', fuel).then(() => spin(queue, used, 'lone', () => SLICE));
    void spin(queue, used, 'newcomer', () => SLICE);
  });
  await turns.run(20);
  t.true(Math.abs(share(used, 'lone') - 0.5) < 0.1, String(share(used, 'lone')));
});
