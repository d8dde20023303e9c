import test from 'ava';
import { type PooledSlot, SlotPool } from '../../host/instance/slot-pool.ts';

class FakeSlot implements PooledSlot {
  readonly name: string;
  readonly idleBytes: number;
  canRewind = true;
  isDirty = true;
  isDisposed = false;

  constructor(name: string, idleBytes: number) {
    this.name = name;
    this.idleBytes = idleBytes;
  }

  rewind(): boolean {
    if (this.canRewind) this.isDirty = false;
    return this.canRewind;
  }

  dispose(): void {
    this.isDisposed = true;
  }
}

/** A pool whose later turns and clock are driven by hand. */
class Bench {
  readonly made: FakeSlot[] = [];
  readonly failures: unknown[] = [];
  readonly pool: SlotPool<FakeSlot>;
  slotBytes = 10;
  nowMs = 0;
  refuses = false;
  #later: (() => void)[] = [];

  constructor(options: { budgetBytes?: number; maxIdle?: number } = {}) {
    this.pool = new SlotPool({
      budgetBytes: options.budgetBytes ?? 1_000,
      maxIdle: options.maxIdle ?? 1_000,
      later: (callback) => void this.#later.push(callback),
      nowMs: () => this.nowMs,
      onFailure: (error) => void this.failures.push(error),
    });
  }

  make(key: string): () => Promise<FakeSlot> {
    return async () => {
      if (this.refuses) throw new Error('no slot');
      const slot = new FakeSlot(key, this.slotBytes);
      slot.isDirty = false;
      this.made.push(slot);
      return slot;
    };
  }

  async take(key: string): Promise<FakeSlot> {
    const slot = await this.pool.take(key, this.make(key));
    slot.isDirty = true;
    return slot;
  }

  /** Everything that was to happen later happens now. */
  async turn(): Promise<void> {
    while (this.#later.length > 0) {
      const callbacks = this.#later;
      this.#later = [];
      for (const callback of callbacks) callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

test('a slot that was given back is clean before anybody gets it again', async (t) => {
  const bench = new Bench();
  const first = await bench.take('a');
  bench.pool.giveBack('a', first, true);
  t.true(first.isDirty, 'not before the answer is out');
  await bench.turn();
  t.false(first.isDirty);
  const taken = new Set([await bench.take('a'), await bench.take('a')]);
  t.true(taken.has(first));
});

test('a slot that cannot be put in order, or whose guest may still run, is never handed out', async (t) => {
  const bench = new Bench();
  const stuck = await bench.take('a');
  stuck.canRewind = false;
  const loud = await bench.take('a');
  bench.pool.giveBack('a', stuck, true);
  bench.pool.giveBack('a', loud, false);
  await bench.turn();
  t.true(stuck.isDisposed && loud.isDisposed);
  t.true(loud.isDirty, 'what may still run is not touched');
  for (let i = 0; i < 5; i++) {
    const slot = await bench.take('a');
    t.false(slot === stuck || slot === loud);
  }
  t.is(bench.pool.counts.lost, 2);
});

test('another slot is made ahead of need when the last clean one is taken', async (t) => {
  const bench = new Bench();
  await bench.take('a');
  t.is(bench.pool.counts.late, 1);
  await bench.turn();
  t.like(bench.pool.counts, { idle: 1, ahead: 1 });
  await bench.take('a');
  t.is(bench.pool.counts.late, 1);
});

test('a prepared function is served without waiting', async (t) => {
  const bench = new Bench();
  bench.pool.prepare('a', bench.make('a'));
  bench.pool.prepare('a', bench.make('a'));
  await bench.turn();
  t.is(bench.made.length, 1);
  t.truthy(bench.pool.tryTake('a', bench.make('a')));
});

test('slots of one function are never used for another', async (t) => {
  const bench = new Bench();
  for (const key of ['a', 'b', 'a', 'c', 'b']) {
    const slot = await bench.take(key);
    t.is(slot.name, key);
    bench.pool.giveBack(key, slot, true);
    await bench.turn();
  }
});

test('a failure is told to whoever waits, and the next one tries again', async (t) => {
  const bench = new Bench();
  bench.refuses = true;
  await t.throwsAsync(bench.take('a'), { message: 'no slot' });
  bench.pool.prepare('a', bench.make('a'));
  await bench.turn();
  t.is(bench.failures.length, 1);
  t.is(bench.pool.counts.busy, 0);
  bench.refuses = false;
  t.is((await bench.take('a')).name, 'a');
});

test('idle slots stay within the budget; the function used least recently gives up first', async (t) => {
  const bench = new Bench({ budgetBytes: 30 });
  const slots = new Map<string, FakeSlot>();
  for (const key of ['a', 'b', 'c', 'd']) {
    const slot = await bench.take(key);
    slots.set(key, slot);
    bench.pool.giveBack(key, slot, true);
    await bench.turn();
    t.true(bench.pool.counts.idleBytes <= 30);
  }
  t.true(slots.get('a')!.isDisposed);
  t.false(slots.get('d')!.isDisposed);
});

test('there are no more idle slots than allowed, however small', async (t) => {
  const bench = new Bench({ maxIdle: 3 });
  bench.slotBytes = 0;
  for (const key of ['a', 'b', 'c', 'd', 'e']) bench.pool.giveBack(key, await bench.take(key), true);
  await bench.turn();
  t.is(bench.pool.counts.idle, 3);
});

test('what a burst needed is kept for a while and then given up', async (t) => {
  const bench = new Bench();
  const burst = [];
  for (let i = 0; i < 8; i++) burst.push(await bench.take('a'));
  for (const slot of burst) bench.pool.giveBack('a', slot, true);
  await bench.turn();
  t.true(bench.pool.counts.idle >= 8);
  bench.nowMs = 60_000;
  for (let i = 0; i < 10; i++) {
    const taken = [await bench.take('a'), await bench.take('a')];
    for (const slot of taken) bench.pool.giveBack('a', slot, true);
    await bench.turn();
  }
  // Those that come back are given up while more lie idle than are needed at once; nobody waited for any.
  t.true(bench.pool.counts.idle <= 4, `${bench.pool.counts.idle} idle`);
  t.is(bench.pool.counts.late, 8);
});

test('a function that is dropped leaves nothing behind, and what comes back late is disposed of', async (t) => {
  const bench = new Bench();
  const slot = await bench.take('a');
  await bench.turn();
  bench.pool.drop('a');
  t.is(bench.pool.counts.idle, 0);
  bench.pool.giveBack('a', slot, true);
  await bench.turn();
  t.true(bench.made.every((made) => made.isDisposed));
});
