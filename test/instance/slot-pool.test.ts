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
  #soon: (() => void)[] = [];

  constructor(options: { budgetBytes?: number; maxIdle?: number } = {}) {
    this.pool = new SlotPool({
      budgetBytes: options.budgetBytes ?? 1_000,
      maxIdle: options.maxIdle ?? 1_000,
      later: (callback) => void this.#later.push(callback),
      soon: (callback) => void this.#soon.push(callback),
      nowMs: () => this.nowMs,
      onFailure: (error) => void this.failures.push(error),
    });
  }

  make(key: string): () => FakeSlot {
    return () => {
      if (this.refuses) throw new Error('no slot');
      const slot = new FakeSlot(key, this.slotBytes);
      slot.isDirty = false;
      this.made.push(slot);
      return slot;
    };
  }

  take(key: string): FakeSlot {
    const slot = this.pool.take(key, this.make(key));
    slot.isDirty = true;
    return slot;
  }

  giveBack(key: string, slot: FakeSlot): void {
    this.pool.giveBack(key, slot, this.make(key));
  }

  /** The answer is out; no turn of the event loop has passed. */
  answered(): void {
    for (let callback = this.#soon.shift(); callback !== undefined; callback = this.#soon.shift()) callback();
  }

  /** Everything that was to happen later happens now. */
  turn(): void {
    this.answered();
    while (this.#later.length > 0) {
      const callbacks = this.#later;
      this.#later = [];
      for (const callback of callbacks) callback();
    }
  }
}

test('a slot that was given back is clean before anybody gets it again', (t) => {
  const bench = new Bench();
  const first = bench.take('a');
  bench.giveBack('a', first);
  t.true(first.isDirty, 'not before the answer is out');
  bench.turn();
  t.false(first.isDirty);
  const taken = new Set([bench.take('a'), bench.take('a')]);
  t.true(taken.has(first));
});

test('what comes right behind an answer gets the slot that has just given it', (t) => {
  const bench = new Bench();
  bench.take('a');
  bench.turn();
  for (let i = 0; i < 20; i++) {
    const slot = bench.take('a');
    bench.giveBack('a', slot);
    bench.answered();
    t.false(slot.isDirty);
    t.is(bench.take('a'), slot);
    bench.giveBack('a', slot);
    bench.answered();
  }
  t.is(bench.made.length, 2);
});

test('a slot that cannot be put in order is never handed out; another one takes its place', (t) => {
  const bench = new Bench();
  const stuck = bench.take('a');
  stuck.canRewind = false;
  bench.giveBack('a', stuck);
  bench.turn();
  t.true(stuck.isDisposed);
  t.is(bench.pool.counts.idle, 1);
  for (let i = 0; i < 5; i++) t.not(bench.take('a'), stuck);
  t.is(bench.pool.counts.lost, 1);
});

test('another slot is made ahead of need when the last clean one is taken', (t) => {
  const bench = new Bench();
  bench.take('a');
  t.is(bench.pool.counts.late, 1);
  bench.turn();
  t.like(bench.pool.counts, { idle: 1, ahead: 1 });
  bench.take('a');
  t.is(bench.pool.counts.late, 1);
});

test('a prepared function is served without waiting', (t) => {
  const bench = new Bench();
  bench.pool.prepare('a', bench.make('a'));
  bench.pool.prepare('a', bench.make('a'));
  bench.turn();
  t.is(bench.made.length, 1);
  bench.take('a');
  t.is(bench.pool.counts.late, 0);
});

test('slots of one function are never used for another', (t) => {
  const bench = new Bench();
  for (const key of ['a', 'b', 'a', 'c', 'b']) {
    const slot = bench.take(key);
    t.is(slot.name, key);
    bench.giveBack(key, slot);
    bench.turn();
  }
});

test('a failure is told to whoever waits, and the next one tries again', (t) => {
  const bench = new Bench();
  bench.refuses = true;
  t.throws(() => bench.take('a'), { message: 'no slot' });
  bench.pool.prepare('a', bench.make('a'));
  bench.turn();
  t.is(bench.failures.length, 1);
  t.is(bench.pool.counts.busy, 0);
  bench.refuses = false;
  t.is(bench.take('a').name, 'a');
});

test('idle slots stay within the budget; the function used least recently gives up first', (t) => {
  const bench = new Bench({ budgetBytes: 30 });
  const slots = new Map<string, FakeSlot>();
  for (const key of ['a', 'b', 'c', 'd']) {
    const slot = bench.take(key);
    slots.set(key, slot);
    bench.giveBack(key, slot);
    bench.turn();
    t.true(bench.pool.counts.idleBytes <= 30);
  }
  t.true(slots.get('a')!.isDisposed);
  t.false(slots.get('d')!.isDisposed);
});

test('there are no more idle slots than allowed, however small', (t) => {
  const bench = new Bench({ maxIdle: 3 });
  bench.slotBytes = 0;
  for (const key of ['a', 'b', 'c', 'd', 'e']) bench.giveBack(key, bench.take(key));
  bench.turn();
  t.is(bench.pool.counts.idle, 3);
});

test('what a burst needed is kept for a while and then given up', (t) => {
  const bench = new Bench();
  const burst = [];
  for (let i = 0; i < 8; i++) burst.push(bench.take('a'));
  for (const slot of burst) bench.giveBack('a', slot);
  bench.turn();
  t.true(bench.pool.counts.idle >= 8);
  bench.nowMs = 60_000;
  for (let i = 0; i < 10; i++) {
    const taken = [bench.take('a'), bench.take('a')];
    for (const slot of taken) bench.giveBack('a', slot);
    bench.turn();
  }
  // Those that come back are given up while more lie idle than are needed at once; nobody waited for any.
  t.true(bench.pool.counts.idle <= 4, `${bench.pool.counts.idle} idle`);
  t.is(bench.pool.counts.late, 8);
});

test('a function that is dropped leaves nothing behind, and what comes back late is disposed of', (t) => {
  const bench = new Bench();
  const slot = bench.take('a');
  bench.turn();
  bench.pool.drop('a');
  t.is(bench.pool.counts.idle, 0);
  bench.giveBack('a', slot);
  bench.turn();
  t.true(bench.made.every((made) => made.isDisposed));
});

test('a function that was not called lately keeps one slot, that which was never used', (t) => {
  const bench = new Bench();
  bench.giveBack('a', bench.take('a'));
  bench.turn();
  const [used, ahead] = bench.made;
  t.is(bench.pool.counts.idle, 2);
  bench.nowMs = 9_999;
  bench.giveBack('b', bench.take('b'));
  bench.turn();
  bench.pool.trim();
  t.is(bench.pool.counts.idle, 4, 'it was called lately');
  bench.nowMs = 12_000;
  bench.pool.trim();
  t.true(used!.isDisposed);
  t.false(ahead!.isDisposed);
  t.is(bench.pool.counts.idle, 3);
  t.is(bench.take('a'), ahead!);
});

test('the versions of a function that have slots are known by the function, and forgotten with them', (t) => {
  const bench = new Bench();
  const keys = ['acme/hello/1/1', 'acme/hello/1/2', 'acme/hello-2/1/1', 'other/hello/1/1'];
  for (const key of keys) bench.giveBack(key, bench.take(key));
  bench.turn();
  t.deepEqual(bench.pool.keysOf('acme/hello'), keys.slice(0, 2));
  bench.pool.drop(keys[0]!);
  t.deepEqual(bench.pool.keysOf('acme/hello'), [keys[1]]);
  bench.pool.dispose();
  for (const name of ['acme/hello', 'acme/hello-2', 'other/hello']) t.deepEqual(bench.pool.keysOf(name), []);
});
