import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { type QueueId, queueKey } from '../../../host/model/queue.ts';
import { SqliteQueues, type SqliteQueuesOptions } from '../../../host/store/queues/sqlite-queues.ts';
import {
  claim,
  claimSome,
  countsOf,
  orders,
  ordersFunction,
  send,
  settings,
  settleAll,
  textMessage,
  textOf,
  textsOf,
} from './conformance/harness.ts';
import { auditQueues } from './sqlite-audit.ts';
import { VirtualClock } from './virtual-clock.ts';

interface Store {
  readonly path: string;
  readonly clock: VirtualClock;
  open(options?: Partial<SqliteQueuesOptions>): SqliteQueues;
}

function newStore(t: ExecutionContext): Store {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-queues-store-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'queues.db');
  const clock = new VirtualClock();
  const { now, setTimer } = clock;
  return { path, clock, open: (options) => new SqliteQueues({ path, now, setTimer, ...options }) };
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}`);
}

// Serial: it listens to what is prepared in this process.
test.serial('every statement of the engine finds its rows by an index', async (t) => {
  const { path, open } = newStore(t);
  const prepared = new Set<string>();
  const prepare = DatabaseSync.prototype.prepare;
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql: string) {
    prepared.add(sql);
    return prepare.call(this, sql);
  };
  t.teardown(() => {
    DatabaseSync.prototype.prepare = prepare;
  });
  {
    await using engine = open();
    await send(engine, ['a']);
    await engine.remove(orders);
    await countsOf(engine);
  }
  using database = new DatabaseSync(path);
  const scans = [...prepared].flatMap((sql) => {
    if (/^PRAGMA/.test(sql)) return [];
    const plan = prepare.call(database, `EXPLAIN QUERY PLAN ${sql}`).all();
    const details = plan.map((row) => String(row['detail']));
    return details.some((detail) => /^SCAN|TEMP B-TREE/.test(detail)) ? [sql] : [];
  });
  t.true(prepared.size > 30, `${prepared.size}`);
  t.deepEqual(scans, []);
});

test('what is in flight when a host ends is ready when the next one starts, the attempt counted', async (t) => {
  const { path, open } = newStore(t);
  {
    await using engine = open();
    await send(engine, ['a1', 'a2', 'a3'], { groupKey: 'a' });
    await send(engine, ['b'], { deduplicationKey: 'k' });
    const held = await claimSome(engine, { maxMessages: 2 });
    t.deepEqual(textsOf(held), ['a1', 'b']);
  }
  t.deepEqual(auditQueues(path), []);
  await using engine = open();
  const messages: [string, number, string | undefined][] = [];
  for (let batch = await claim(engine); batch; batch = await claim(engine)) {
    messages.push(
      ...batch.messages.map((each): [string, number, string | undefined] => [
        textOf(each),
        each.attempts,
        each.lastCause?.code,
      ]),
    );
  }
  t.deepEqual(messages, [
    ['a1', 2, 'lease_expired'],
    ['a2', 1, undefined],
    ['a3', 1, undefined],
    ['b', 2, 'lease_expired'],
  ]);
  t.true((await send(engine, ['b'], { deduplicationKey: 'k' }))[0]!.isDuplicate);
});

test('a lease of the time before a restart settles nothing', async (t) => {
  const { open } = newStore(t);
  const first = open();
  await send(first, ['a']);
  const stale = await claimSome(first);
  await first[Symbol.asyncDispose]();
  await using engine = open();
  t.false(await settleAll(engine, stale));
  const held = await claimSome(engine);
  t.not(held.lease, stale.lease);
  t.false(await settleAll(engine, stale));
  t.true(await settleAll(engine, held));
});

test('a full store refuses sends with queue_unavailable, keeps what it has acknowledged, and goes on when there is room', async (t) => {
  const { path, open } = newStore(t);
  {
    await using engine = open({ maxFileBytes: 512 * 1024 });
    const body = Buffer.alloc(2_000, 'x');
    let acknowledged = 0;
    const fill = async (): Promise<void> => {
      for (;;) {
        const messages = numbered(10).map((text) => textMessage('', { body, attributes: { text } }));
        await engine.send(orders, settings, messages);
        acknowledged += 10;
      }
    };
    await t.throwsAsync(fill(), { code: 'queue_unavailable' });
    t.true(acknowledged >= 50, `${acknowledged}`);
    t.deepEqual(await countsOf(engine), [acknowledged, 0, 0, 0]);
    // Claiming and settling go on; they make the room.
    const held = await claimSome(engine, { maxMessages: 50 });
    await t.throwsAsync(fill(), { code: 'queue_unavailable' });
    // A transaction that failed has not touched who holds what.
    t.true(await engine.extend(held, 60_000));
    t.deepEqual(await countsOf(engine), [acknowledged - 50, 0, 50, 0]);
    t.true(await settleAll(engine, held));
    const before = acknowledged;
    await t.throwsAsync(fill(), { code: 'queue_unavailable' });
    t.true(acknowledged > before);
    t.deepEqual(await countsOf(engine), [acknowledged - 50, 0, 0, 0]);
  }
  t.deepEqual(auditQueues(path), []);
});

test('an operation that fails takes no other of its turn along', async (t) => {
  const { open } = newStore(t);
  await using engine = open();
  const results = await Promise.allSettled([
    send(engine, ['a']),
    // Half a millisecond has no place in the file.
    send(engine, ['b'], { deliverAtMs: Date.now() + 0.5 }),
    engine.send(ordersFunction, settings, [textMessage('c')]),
  ]);
  t.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  t.deepEqual(await countsOf(engine), [1, 0, 0, 0]);
  t.deepEqual(await countsOf(engine, ordersFunction), [1, 0, 0, 0]);
});

test('a send is answered after a sync that began behind its commit; many share one', async (t) => {
  const { open } = newStore(t);
  const syncs: (() => void)[] = [];
  await using engine = open({ sync: () => new Promise((resolve) => syncs.push(resolve)) });
  const answered: string[] = [];
  const sendNamed = async (name: string): Promise<void> => {
    await send(engine, [name]);
    answered.push(name);
  };
  const first = [sendNamed('a'), sendNamed('b')];
  // Not durable yet, but to be had: claims do not wait for a sync.
  while (textsOf(await claim(engine)) === undefined);
  t.is(syncs.length, 1);
  const second = [sendNamed('c'), sendNamed('d')];
  await claimSome(engine);
  t.deepEqual(answered, []);
  t.is(syncs.length, 1);
  syncs[0]!();
  await Promise.all(first);
  t.deepEqual(answered, ['a', 'b']);
  while (syncs.length < 2) await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(answered, ['a', 'b']);
  syncs[1]!();
  await Promise.all(second);
  t.is(syncs.length, 2);
});

test('after a sync that failed no send is acknowledged any more', async (t) => {
  const { path, open } = newStore(t);
  let calls = 0;
  {
    await using engine = open({
      async sync() {
        if (++calls === 2) throw new Error('EIO');
      },
    });
    await send(engine, ['a']);
    await t.throwsAsync(send(engine, ['b']), { code: 'queue_unavailable' });
    await t.throwsAsync(send(engine, ['c']), { code: 'queue_unavailable' });
    t.is(calls, 2);
    t.true(textsOf(await claim(engine))?.includes('a'));
  }
  t.deepEqual(auditQueues(path), []);
});

// Serial: it breaks every file of this process.
test.serial(
  'a store that fails while something is due is tried again at a pace, and goes on where it was',
  async (t) => {
    const { open, clock } = newStore(t);
    await using engine = open();
    await send(engine, ['held']);
    const held = await claimSome(engine, { visibilityMs: 1_000 });
    await send(engine, ['later'], { deliverAtMs: clock.now() + 1_000 });
    let calls = 0;
    const exec = DatabaseSync.prototype.exec;
    t.teardown(() => {
      DatabaseSync.prototype.exec = exec;
    });
    DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
      if (sql !== 'COMMIT') return exec.call(this, sql);
      calls++;
      throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR' });
    };
    await clock.advance(10_000);
    t.true(calls > 3 && calls <= 10, `${calls}`);
    await t.throwsAsync(settleAll(engine, held), { code: 'queue_unavailable' });
    const work = Promise.withResolvers<void>();
    engine.onWork(orders, work.resolve);
    DatabaseSync.prototype.exec = exec;
    await clock.advance(1_000);
    await work.promise;
    t.deepEqual(textsOf(await claim(engine)), ['held', 'later']);
  },
);

test('a sync that takes too long refuses the send', async (t) => {
  const { clock, open } = newStore(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  await using engine = open({ sync: () => promise });
  const sending = send(engine, ['a']);
  await clock.advance(0);
  await clock.advance(5_000);
  await t.throwsAsync(sending, { code: 'queue_unavailable' });
  resolve();
});

test('dropping many messages lets others have their turns in between', async (t) => {
  const { path, open, clock } = newStore(t);
  {
    await using engine = open();
    await send(engine, numbered(1_000));
    await send(engine, numbered(1_000), { groupKey: 'a' });
    let isPurged = false;
    const purging = engine.purge(orders, 'waiting').then((count) => {
      isPurged = true;
      return count;
    });
    let turnsOfOthers = 0;
    while (!isPurged) {
      await engine.send(ordersFunction, settings, [textMessage('x')]);
      turnsOfOthers++;
    }
    t.is(await purging, 2_000);
    t.true(turnsOfOthers >= 3, `${turnsOfOthers}`);
    await send(engine, ['next'], { groupKey: 'a' });
    t.deepEqual(textsOf(await claim(engine)), ['next']);
    await send(engine, numbered(1_000));
    await engine.remove(orders);
    t.deepEqual(await countsOf(engine), [0, 0, 0, 0]);
  }
  // Whatever was left of it when the host ended goes when it starts again.
  {
    await using _engine = open();
    for (let round = 0; round < 20; round++) await clock.advance(0);
  }
  t.deepEqual(auditQueues(path), []);
  using database = new DatabaseSync(path);
  const left = database.prepare('SELECT key FROM queues').all();
  t.deepEqual(
    left.map(({ key }) => key),
    [queueKey(ordersFunction)],
  );
});

test('many delays that end at once are all ready, and none is handed out twice', async (t) => {
  const { path, open, clock } = newStore(t);
  {
    await using engine = open();
    await send(engine, numbered(1_000), { deliverAtMs: clock.now() + 1_000 });
    await clock.advance(1_000);
    t.deepEqual(await countsOf(engine), [1_000, 0, 0, 0]);
    const seen = new Set<string>();
    for (let batch = await claim(engine, { maxMessages: 300 }); batch; ) {
      for (const message of batch.messages) seen.add(textOf(message));
      batch = await claim(engine, { maxMessages: 300 });
    }
    t.is(seen.size, 1_000);
  }
  t.deepEqual(auditQueues(path), []);
});

test('queues of any number share one timer, and an idle engine has none', async (t) => {
  const { open, clock } = newStore(t);
  await using engine = open();
  await clock.advance(0);
  t.is(clock.timers, 0);
  const queues = numbered(20).map(
    (name): QueueId => ({ ...orders, name: name as typeof orders.name }) as QueueId,
  );
  for (const [index, queue] of queues.entries()) {
    await engine.send(queue, settings, [
      textMessage('x', { deliverAtMs: clock.now() + 1_000 * (20 - index) }),
    ]);
  }
  await clock.advance(0);
  t.is(clock.timers, 1);
  const woken: number[] = [];
  for (const [index, queue] of queues.entries()) engine.onWork(queue, () => woken.push(index));
  await clock.advance(20_000);
  t.deepEqual(woken, numbered(20).map(Number).reverse());
});

test('a clock that is set forward is noticed within half a minute', async (t) => {
  const { path, clock } = newStore(t);
  let aheadMs = 0;
  await using engine = new SqliteQueues({ path, now: () => clock.now() + aheadMs, setTimer: clock.setTimer });
  await send(engine, ['a'], { deliverAtMs: clock.now() + 3_600_000 });
  const work = Promise.withResolvers<void>();
  engine.onWork(orders, work.resolve);
  aheadMs = 3_600_000;
  await clock.advance(30_000);
  await work.promise;
  t.deepEqual(textsOf(await claim(engine)), ['a']);
});

test('a closed engine refuses, after it has ended what was asked', async (t) => {
  const { open } = newStore(t);
  const engine = open();
  const sending = send(engine, ['a']);
  const closing = engine[Symbol.asyncDispose]();
  await t.throwsAsync(send(engine, ['b']), { code: 'queue_unavailable' });
  t.is((await sending).length, 1);
  await closing;
  await engine[Symbol.asyncDispose]();
  await using next = open();
  t.deepEqual(textsOf(await claim(next)), ['a']);
});
