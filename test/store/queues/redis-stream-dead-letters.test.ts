import { randomUUIDv7 } from 'node:crypto';
import test from 'ava';
import { QUEUE_LIMITS } from '../../../host/limits/event-limits.ts';
import type { MessageId } from '../../../host/model/ids.ts';
import type { DeadLetter } from '../../../host/model/queue-message.ts';
import { LeakCheck } from '../../harness/leaks.ts';
import { randomFrom } from './conformance/interleavings.ts';
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

test('a dead letter keeps its fields and says why, and is acknowledged', async (t) => {
  const { key, source } = streams.make();
  const entry = await writer.xadd(key, '*', 'body', 'a', 'k', 'v');
  await settleAll(source, await claimSome(source), (id) => ({ id, kind: 'dead', cause: CAUSE }));
  t.is(await streams.pendingOf(key), 0);
  t.is((await source.counts()).dead, 1);
  const [letter] = await writer.xrange(`mayfly:{${key}}:${key}:mayfly:dead`, '-', '+');
  t.deepEqual(letter![1], [
    ...['mayfly-entry', entry!, 'mayfly-attempts', '1', 'mayfly-code', CAUSE.code],
    ...['mayfly-detail', CAUSE.detail, 'body', 'a', 'k', 'v'],
  ]);
});

/** Adds bodies to a stream, and has all of them become dead letters. */
async function buried(bodies: readonly string[]) {
  const made = streams.make();
  const entries: string[] = [];
  for (const body of bodies) entries.push((await writer.xadd(made.key, '*', 'body', body, 'k', 'v'))!);
  const ids: MessageId[] = [];
  for (let left = bodies.length; left > 0; ) {
    const claimed = await claimSome(made.source, { maxMessages: 1_000 });
    ids.push(...claimed.messages.map(({ id }) => id));
    left -= claimed.messages.length;
    await settleAll(made.source, claimed, (id) => ({ id, kind: 'dead', cause: CAUSE }));
  }
  return { ...made, entries, ids, letters: made.source.deadLetters };
}

test('dead letters are looked at in pages, as the function saw them, with cause, attempts and time', async (t) => {
  const { letters, ids, entries } = await buried(['a', 'b', 'c']);
  const sinceMs = Date.now() - 60_000;
  const first = await letters.peek({ limit: 2 });
  t.deepEqual(texts(first), ['a', 'b']);
  const [letter] = first.messages as [DeadLetter];
  t.like(letter, {
    id: ids[0]!,
    attempts: 1,
    cause: CAUSE,
    attributes: { k: 'v', 'redis-stream-id': entries[0]! },
    sentAtMs: Number.parseInt(entries[0]!, 10),
  });
  t.true(letter.deadAtMs >= sinceMs && letter.deadAtMs <= Date.now() + 60_000);
  const second = await letters.peek({ limit: 2, after: first.next! });
  t.deepEqual([texts(second), second.next], [['c'], undefined]);
  t.is((await letters.peek({ limit: 3 })).next, undefined);
});

test('a page of large dead letters ends where they are too many bytes', async (t) => {
  const large = 'x'.repeat(5 * 2 ** 20);
  const { letters } = await buried([large, large]);
  const first = await letters.peek({ limit: 10 });
  t.is(first.messages.length, 1);
  t.is((await letters.peek({ limit: 10, after: first.next! })).messages.length, 1);
});

test('a redriven dead letter is handed out again, as if it were new, to this group alone', async (t) => {
  const { key, source, letters, ids, entries } = await buried(['a', 'b']);
  const { source: stranger } = streams.read(key, 'latest', 'stranger');
  t.is(await claim(stranger), undefined);
  const sinceMs = Number((await writer.time())[0]) * 1_000;
  t.is(await letters.redrive(), 2);
  t.is((await letters.peek({ limit: 10 })).messages.length, 0);
  t.like(await source.counts(), { ready: 2, delayed: 0, inFlight: 0, dead: 0 });
  const again = await claimSome(source);
  t.deepEqual(texts(again), ['a', 'b']);
  t.deepEqual(
    again.messages.map(({ id, attempts, lastCause }) => [id, attempts, lastCause]),
    ids.map((id) => [id, 1, undefined]),
  );
  t.true(again.messages[0]!.sentAtMs >= sinceMs, 'not at once too old again');
  t.is(again.messages[0]!.attributes['redis-stream-id'], entries[0]!);
  t.is(await writer.xlen(key), 2, 'their stream is as they wrote it');
  t.is(await claim(stranger), undefined);
  t.true(await settleAll(source, again));
  t.like(await source.counts(), { ready: 0, delayed: 0, inFlight: 0, dead: 0 });
  t.is(await writer.xlen(`mayfly:{${key}}:${key}:mayfly:again`), 0);
});

test('a redriven entry is retried, given back, lost with its lease and buried like any other', async (t) => {
  const { source, other, letters, ids } = await buried(['a']);
  await letters.redrive();
  const first = await claimSome(source);
  await settleAll(source, first, (id) => ({ id, kind: 'retry', atMs: 0, cause: CAUSE }));
  const second = await claimSome(other, { visibilityMs: STEP_MS });
  t.like(second.messages[0], { attempts: 2, lastCause: CAUSE });
  await pass(STEP_MS);
  const third = await claimSome(source);
  t.is(third.messages[0]!.attempts, 3);
  await settleAll(source, third, (id) => ({ id, kind: 'release', atMs: 0 }));
  const fourth = await claimSome(source);
  t.is(fourth.messages[0]!.attempts, 3);
  await settleAll(source, fourth, (id) => ({ id, kind: 'dead', cause: CAUSE }));
  const { messages } = await letters.peek({ limit: 10 });
  t.like(messages[0], { id: ids[0]!, attempts: 3, cause: CAUSE, attributes: { k: 'v' } });
  t.deepEqual(texts({ messages }), ['a']);
  t.is(await claim(source), undefined);
});

test('what its writer has trimmed away becomes a dead letter, and is tried again', async (t) => {
  const { key, source } = streams.make();
  await writer.xadd(key, '*', 'body', 'a');
  const claimed = await claimSome(source);
  await writer.xtrim(key, 'MAXLEN', 0);
  await settleAll(source, claimed, (id) => ({ id, kind: 'dead', cause: CAUSE }));
  t.is(await source.deadLetters.redrive(), 1);
  t.deepEqual(texts(await claimSome(source)), ['a']);
});

/** Lua hands a command some 8,000 texts; more than 7,000 are kept as one value. */
const FIELD_COUNTS = [3_497, 3_503, 3_990, 4_015, 20_000];

test('entries of any number of fields, with any bytes and names, are buried, looked at, redriven and buried again whole', async (t) => {
  const seed = 20_260_611;
  const pick = randomFrom(seed);
  const { key, source } = streams.make();
  const bytesOf = (most: number): Buffer => Buffer.from(Array.from({ length: pick(most) }, () => pick(256)));
  const added: (readonly Buffer[])[] = [];
  for (const most of [...FIELD_COUNTS, 1, 1]) {
    const fields: Buffer[] = [];
    const count = most === 1 ? 1 : most - pick(12);
    for (let i = 0; i < count; i++)
      fields.push(Buffer.concat([Buffer.from(`${i} `), bytesOf(4)]), bytesOf(12));
    // As the name of ours: it stays a field of theirs.
    if (most === 1 || pick(2) === 0) fields[0] = Buffer.from('mayfly-fields');
    added.push(fields);
  }
  // All of them in one settlement.
  for (const fields of added) await writer.xadd(key, '*', ...fields);
  const bury = async (): Promise<void> => {
    const claimed = await claimSome(source);
    t.is(claimed.messages.length, added.length);
    t.true(await settleAll(source, claimed, (id) => ({ id, kind: 'dead', cause: CAUSE })));
  };
  const seen = async () =>
    (await source.deadLetters.peek({ limit: 10 })).messages.map(({ id, body, attributes }) => [
      id,
      body.toString(),
      attributes,
    ]);
  const messagesOf = (fields: readonly Buffer[]): string =>
    JSON.stringify(
      Object.fromEntries(
        fields.flatMap((field, i) => (i % 2 === 0 ? [[field.toString(), fields[i + 1]!.toString()]] : [])),
      ),
    );
  await bury();
  const first = await seen();
  t.deepEqual(
    first.map(([, body]) => body),
    added.map(messagesOf),
    `seed ${seed}`,
  );
  t.is(await source.deadLetters.redrive(), added.length);
  await bury();
  t.deepEqual(await seen(), first);
  t.is(await streams.pendingOf(key), 0);
});

test('those that are named are redriven, however many there are; what is not there is passed over', async (t) => {
  const bodies = Array.from({ length: 1_200 }, (_, index) => `${index}`);
  const { source, letters, ids } = await buried(bodies);
  t.is(await letters.redrive([ids[3]!, ids[1_199]!, randomUUIDv7() as MessageId]), 2);
  t.is(await letters.redrive([ids[3]!]), 0);
  t.deepEqual(texts(await claimSome(source))!.toSorted(), ['1199', '3']);
  t.is(await letters.redrive(), 1_198);
});

test('dead letters are purged, what was redriven before stays', async (t) => {
  const { source, letters, ids } = await buried(['a', 'b', 'c']);
  await letters.redrive([ids[1]!]);
  t.is(await letters.purge(), 2);
  t.is(await letters.purge(), 0);
  t.is(await letters.redrive(), 0);
  t.deepEqual(texts(await claimSome(source)), ['b']);
});

test('a dead letter that was kept long enough is seen and tried no more', async (t) => {
  const { key, source } = streams.make();
  const of = (body: string): string[] => [
    ...['mayfly-entry', '1-1', 'mayfly-attempts', '5', 'mayfly-code', 'item_failed'],
    ...['mayfly-detail', 'no luck', 'body', body],
  ];
  const atMs = Date.now() - QUEUE_LIMITS.retentionMs.default;
  const dead = `mayfly:{${key}}:${key}:mayfly:dead`;
  await writer.xadd(dead, `${atMs - 60_000}-0`, ...of('old'));
  await writer.xadd(dead, `${atMs + 3_600_000}-0`, ...of('young'));
  t.is((await source.counts()).dead, 1);
  t.deepEqual(texts(await source.deadLetters.peek({ limit: 10 })), ['young']);
  t.is(await source.deadLetters.redrive(), 1);
});

test('who waits is told of what is redriven, at once, whatever was said just before', async (t) => {
  const { source, other, letters } = await buried(['a']);
  let { promise, resolve } = Promise.withResolvers<void>();
  const stop = source.onWork(() => resolve());
  t.is(await claim(source), undefined);
  await other.deadLetters.redrive();
  await promise;
  await settleAll(source, await claimSome(source), (id) => ({ id, kind: 'dead', cause: CAUSE }));
  ({ promise, resolve } = Promise.withResolvers<void>());
  await letters.redrive();
  await promise;
  stop();
  t.pass();
});
