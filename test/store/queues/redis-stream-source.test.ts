import test from 'ava';
import type { Claim } from '../../../host/store/queues/queue-engine.ts';
import { LeakCheck } from '../../harness/leaks.ts';
import {
  CAUSE,
  claim,
  claimSome,
  pass,
  RedisStreams,
  STEP_MS,
  settleAll,
  texts,
} from './redis-stream-fixture.ts';

const leaks = new LeakCheck();
const streams = await RedisStreams.start();
const { writer } = streams;

test.after.always(async () => {
  await streams[Symbol.asyncDispose]();
  await leaks.settled();
});

test('what another program adds comes as messages: a body field with attributes, or all fields as JSON', async (t) => {
  const { key, source } = streams.make();
  const first = await writer.xadd(key, '*', 'body', 'hello', 'Content-Type', 'text/plain', 'Shop', '7');
  await writer.xadd(key, '*', 'data', '{"a":1}', 'k', 'v');
  await writer.xadd(key, '5000000000000-0', 'temperature', '21', 'unit', 'C');
  const { messages } = await claimSome(source);
  t.deepEqual(
    messages.map(({ body, contentType, attributes }) => [
      Buffer.from(body).toString(),
      contentType,
      attributes,
    ]),
    [
      ['hello', 'text/plain', { shop: '7', 'redis-stream-id': first! }],
      [
        '{"a":1}',
        'application/octet-stream',
        { k: 'v', 'redis-stream-id': messages[1]!.attributes['redis-stream-id'] },
      ],
      ['{"temperature":"21","unit":"C"}', 'application/json', { 'redis-stream-id': '5000000000000-0' }],
    ],
  );
  t.is(messages[0]!.sentAtMs, Number.parseInt(first!, 10));
  t.is(messages[2]!.sentAtMs, 5_000_000_000_000);
  for (const { id, attempts } of messages) {
    t.regex(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    t.is(attempts, 1);
  }
  t.is(new Set(messages.map(({ id }) => id)).size, 3);
});

test('an entry whose id is no time counts as sent when it is handed out', async (t) => {
  const { key, source } = streams.make();
  await writer.xadd(key, '1-1', 'body', 'x');
  const beforeMs = Date.now();
  const { messages } = await claimSome(source);
  t.true(messages[0]!.sentAtMs >= beforeMs);
});

test('a group that is new begins with the first entry, or with what comes', async (t) => {
  const { key, source } = streams.make('latest');
  await writer.xadd(key, '*', 'body', 'before');
  t.is(await claim(source), undefined);
  await writer.xadd(key, '*', 'body', 'after');
  t.deepEqual(texts(await claim(source)), ['after']);
});

test('what is done is acknowledged and stays in the stream, which is not ours', async (t) => {
  const { key, source, other } = streams.make();
  await writer.xadd(key, '*', 'body', 'a');
  await writer.xadd(key, '*', 'body', 'b');
  await writer.xadd(key, '*', 'body', 'c');
  const one = await claimSome(source, { maxMessages: 2 });
  const two = await claimSome(other, { maxMessages: 2 });
  t.deepEqual([texts(one), texts(two)], [['a', 'b'], ['c']]);
  t.is(await streams.pendingOf(key), 3);
  t.like(await source.counts(), { ready: 0, delayed: 0, inFlight: 3, dead: 0 });
  t.true(await settleAll(source, one));
  t.true(await settleAll(other, two));
  t.is(await streams.pendingOf(key), 0);
  t.is(await writer.xlen(key), 3);
  t.like(await source.counts(), { ready: 0, delayed: 0, inFlight: 0, dead: 0 });
});

test('claims are bounded in bytes and in number, by all hosts together', async (t) => {
  const { key, source, other } = streams.make();
  for (const size of [60, 50, 30, 500]) await writer.xadd(key, '*', 'body', 'x'.repeat(size));
  const sizes = async (): Promise<number[] | undefined> =>
    (await claim(source, { maxBytes: 100, maxClaims: 3 }))?.messages.map(({ body }) => body.length);
  t.deepEqual(await sizes(), [60]);
  t.deepEqual(await sizes(), [50, 30]);
  const third = await claimSome(other, { maxBytes: 100, maxClaims: 3 });
  t.is(third.messages[0]!.body.length, 500);
  await writer.xadd(key, '*', 'body', 'x');
  t.is(await sizes(), undefined);
  await settleAll(other, third);
  t.deepEqual(await sizes(), [1]);
});

test('a retry stays pending until it is due, with the cause; a release counts no attempt', async (t) => {
  const { key, source } = streams.make();
  await writer.xadd(key, '*', 'body', 'a');
  const first = await claimSome(source);
  const atMs = Date.now() + 3 * STEP_MS;
  t.true(await settleAll(source, first, (id) => ({ id, kind: 'retry', atMs, cause: CAUSE })));
  t.is(await streams.pendingOf(key), 1);
  t.is(await claim(source), undefined);
  t.like(await source.counts(), { ready: 0, delayed: 1, inFlight: 0, dead: 0 });
  await pass(3 * STEP_MS);
  const second = await claimSome(source);
  t.deepEqual(
    second.messages.map(({ id, attempts, lastCause }) => [id, attempts, lastCause]),
    [[first.messages[0]!.id, 2, CAUSE]],
  );
  await settleAll(source, second, (id) => ({ id, kind: 'release', atMs: 0 }));
  const third = await claimSome(source);
  t.is(third.messages[0]!.attempts, 2);
});

test('a lease that expires gives its entries to another host, and its holder can do nothing more', async (t) => {
  const { key, source, other } = streams.make();
  await writer.xadd(key, '*', 'body', 'a');
  const lost = await claimSome(source);
  t.true(await source.extend(lost, 4 * STEP_MS));
  t.is(await claim(other), undefined);
  await pass(4 * STEP_MS);
  const again = await claimSome(other);
  t.is(again.messages[0]!.attempts, 2);
  t.is(again.messages[0]!.lastCause?.code, 'lease_expired');
  t.false(await settleAll(source, lost));
  t.false(await source.extend(lost, STEP_MS));
  t.is(await streams.pendingOf(key), 1);
});

test('ids that are later than now keep no entry back: neither one that did not fit, nor what a lease gives up', async (t) => {
  const { key, source, other } = streams.make();
  await writer.xadd(key, '5000000000000-0', 'body', 'x'.repeat(60));
  await writer.xadd(key, '1700000000000000-0', 'body', 'y'.repeat(60));
  const sizes = { maxBytes: 100, visibilityMs: STEP_MS };
  t.deepEqual(texts(await claim(source, sizes)), ['x'.repeat(60)]);
  t.deepEqual(texts(await claim(source, sizes)), ['y'.repeat(60)]);
  await pass(STEP_MS);
  t.deepEqual(texts(await claim(other)), ['x'.repeat(60), 'y'.repeat(60)]);
});

test('entries of one millisecond are handed out in their order, also those that did not fit or are tried again', async (t) => {
  const { key, source } = streams.make();
  const bodies = Array.from({ length: 12 }, (_, index) => `${index}`);
  for (const body of bodies) await writer.xadd(key, `1700000000000-${body}`, 'body', body);
  t.deepEqual(texts(await claim(source, { maxBytes: 5 })), ['0']);
  const rest = await claimSome(source, { maxMessages: 20 });
  t.deepEqual(texts(rest), bodies.slice(1));
  const atMs = Date.now() + STEP_MS;
  await settleAll(source, rest, (id) => ({ id, kind: 'retry', atMs, cause: CAUSE }));
  await pass(STEP_MS);
  t.deepEqual(texts(await claim(source, { maxMessages: 20 })), bodies.slice(1));
});

test('parts of a claim are settled apart', async (t) => {
  const { key, source } = streams.make();
  for (const body of ['a', 'b', 'c']) await writer.xadd(key, '*', 'body', body);
  const claimed = await claimSome(source);
  const [a, b, c] = claimed.messages;
  t.true(await source.settle(claimed, [{ id: b!.id, kind: 'done' }]));
  t.is(await streams.pendingOf(key), 2);
  t.true(await source.settle(claimed, [{ id: a!.id, kind: 'release', atMs: 0 }]));
  t.true(await source.settle(claimed, [{ id: c!.id, kind: 'done' }]));
  t.is(await streams.pendingOf(key), 1);
  t.deepEqual(texts(await claim(source)), ['a']);
});

test('what a program left pending that has gone is taken over, its deliveries counted', async (t) => {
  const { key, source } = streams.make();
  await writer.xadd(key, '*', 'body', 'a');
  await writer.xgroup('CREATE', key, 'mayfly', '0');
  await writer.xreadgroup('GROUP', 'mayfly', 'gone', 'STREAMS', key, '>');
  await pass(STEP_MS);
  const claimed = await claimSome(source, { visibilityMs: STEP_MS });
  t.deepEqual(texts(claimed), ['a']);
  t.is(claimed.messages[0]!.attempts, 2);
});

test('what its writer has trimmed away meanwhile is passed over, and a stream that comes back is read from its beginning', async (t) => {
  const { key, source } = streams.make();
  await writer.xadd(key, '*', 'body', 'a');
  await settleAll(source, await claimSome(source), (id) => ({ id, kind: 'release', atMs: 0 }));
  await writer.xtrim(key, 'MAXLEN', 0);
  t.is(await claim(source), undefined);
  t.is(await streams.pendingOf(key), 0);
  await writer.del(key);
  await writer.xadd(key, '*', 'body', 'new');
  t.deepEqual(texts(await claim(source)), ['new']);
});

test('who waits is told of entries, whichever stream they come in, and when a retry is due', async (t) => {
  const streamsOfAll = [streams.make(), streams.make(), streams.make()];
  for (const { key, source, other } of streamsOfAll) {
    let told = Promise.withResolvers<void>();
    const stop = source.onWork(() => told.resolve());
    /** As consumers do, who may be told of nothing: a connection that is made anew wakes everybody. */
    const claimWhenTold = async (): Promise<Claim> => {
      for (;;) {
        await told.promise;
        told = Promise.withResolvers();
        const claimed = await claim(source);
        if (claimed !== undefined) return claimed;
      }
    };
    t.is(await claim(source), undefined);
    await writer.xadd(key, '*', 'body', 'a');
    const claimed = await claimWhenTold();
    t.is(await claim(source), undefined);
    const atMs = Date.now() + STEP_MS;
    await settleAll(other, claimed, (id) => ({ id, kind: 'retry', atMs, cause: CAUSE }));
    await settleAll(source, await claimWhenTold());
    t.is(await claim(source), undefined);
    await writer.xadd(key, '*', 'body', 'b');
    t.deepEqual(texts(await claimWhenTold()), ['b']);
    stop();
  }
});

test('who waits is told of a stream that was deleted and begun again with smaller ids, or with the same ones', async (t) => {
  for (const [before, after] of [
    ['5-0', '1-0'],
    ['1-0', '1-0'],
  ] as const) {
    const { key, source } = streams.make();
    await writer.xadd(key, before, 'body', 'old');
    await settleAll(source, await claimSome(source));
    const told = Promise.withResolvers<void>();
    let isGone = false;
    const stop = source.onWork(() => {
      if (isGone) told.resolve();
    });
    t.is(await claim(source), undefined);
    isGone = true;
    await writer.multi().del(key).xadd(key, after, 'body', 'new').exec();
    await told.promise;
    stop();
    t.deepEqual(texts(await claim(source)), ['new']);
  }
});

test('an entry of a stream that was begun again has nothing of the one that had its id before', async (t) => {
  const { key, source } = streams.make();
  await writer.xadd(key, '1-0', 'body', 'old');
  await settleAll(source, await claimSome(source), (id) => ({ id, kind: 'retry', atMs: 0, cause: CAUSE }));
  await writer.multi().del(key).xadd(key, '1-0', 'body', 'new').exec();
  const claimed = await claimSome(source);
  t.deepEqual(texts(claimed), ['new']);
  t.is(claimed.messages[0]!.attempts, 1);
  t.true(await settleAll(source, claimed));
  t.like(await source.counts(), { ready: 0, delayed: 0, inFlight: 0, dead: 0 });
});

test('a key that is no stream is an error, not a crash', async (t) => {
  const { key, source } = streams.make();
  await writer.set(key, 'text');
  const stop = source.onWork(() => {});
  await t.throwsAsync(claim(source), { code: 'queue_unavailable' });
  stop();
});
