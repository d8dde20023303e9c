import { MayflyError } from '../../../../host/errors/errors.ts';
import {
  claim,
  claimSome,
  countsOf,
  type MakeHarness,
  orders,
  ordersFunction,
  send,
  settings,
  type Test,
  textMessage,
  textOf,
  textsOf,
} from './harness.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What is sent is what is handed out, and when. */
export function sendingTests(test: Test, make: MakeHarness): void {
  test('a message comes out as it was sent, with id, time and attempt', async (t) => {
    await using harness = await make();
    const { engine, now } = harness;
    const message = {
      body: Uint8Array.from([0, 255, 128, 10, 13, 0]),
      contentType: 'application/octet-stream',
      attributes: {
        'ce-type': 'a.b',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
      deduplicationKey: 'key 1 é',
      groupKey: 'group 1 é',
    };
    const beforeMs = now();
    const [sent] = await engine.send(orders, settings, [message]);
    const afterMs = now();
    t.regex(sent!.id, UUID_V7);
    t.false(sent!.isDuplicate);
    const { messages, queue } = await claimSome(engine);
    t.deepEqual(queue, orders);
    const { body, sentAtMs, ...rest } = messages[0]!;
    const { body: _, ...expected } = message;
    t.deepEqual(Buffer.from(body), Buffer.from(message.body));
    t.true(sentAtMs >= beforeMs && sentAtMs <= afterMs, `${beforeMs} ${sentAtMs} ${afterMs}`);
    t.deepEqual(rest, { ...expected, id: sent!.id, attempts: 1 });
  });

  test('an empty body, a large one and no message at all can be sent', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    const large = Buffer.alloc(1024 * 1024, 'abcdefg');
    t.deepEqual(await engine.send(orders, settings, []), []);
    t.deepEqual(await countsOf(engine), [0, 0, 0, 0]);
    await engine.send(orders, settings, [textMessage(''), textMessage('', { body: large })]);
    const { messages } = await claimSome(engine, { maxBytes: 8 * 1024 * 1024 });
    t.deepEqual(messages.map(({ body }) => body.length).sort(), [0, large.length]);
    t.true(messages.some(({ body }) => large.equals(body)));
  });

  test('messages that are due come out in the order in which they were sent', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    const texts = Array.from({ length: 25 }, (_, index) => `${index}`);
    for (const text of texts) await send(engine, [text]);
    const seen: string[] = [];
    for (let batch = await claim(engine); batch !== undefined; batch = await claim(engine)) {
      t.true(batch.messages.length <= 10);
      seen.push(...batch.messages.map(textOf));
    }
    t.deepEqual(seen, texts);
  });

  test('queues of one name are kept apart by kind and tenant', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    const others = { ...orders, tenant: 'other' as typeof orders.tenant };
    await engine.send(orders, settings, [textMessage('queue', { deduplicationKey: 'k', groupKey: 'g' })]);
    await engine.send(ordersFunction, settings, [
      textMessage('function', { deduplicationKey: 'k', groupKey: 'g' }),
    ]);
    t.is(await claim(engine, {}, others), undefined);
    t.deepEqual(textsOf(await claim(engine)), ['queue']);
    t.deepEqual(textsOf(await claim(engine, {}, ordersFunction)), ['function']);
    t.deepEqual(await engine.counts(others), {
      ready: 0,
      delayed: 0,
      inFlight: 0,
      dead: 0,
      oldestSentAtMs: undefined,
    });
  });

  test('a delayed message is handed out when its time has come, not before', async (t) => {
    await using harness = await make();
    const { engine, stepMs, now, advance } = harness;
    await engine.send(orders, settings, [
      textMessage('later', { deliverAtMs: now() + 4 * stepMs }),
      textMessage('now'),
      textMessage('past', { deliverAtMs: now() - 4 * stepMs }),
    ]);
    t.deepEqual(await countsOf(engine), [2, 1, 0, 0]);
    t.deepEqual(textsOf(await claimSome(engine))!.sort(), ['now', 'past']);
    await advance(stepMs);
    t.is(await claim(engine), undefined);
    t.deepEqual(await countsOf(engine), [0, 1, 2, 0]);
    await advance(3 * stepMs);
    t.deepEqual(await countsOf(engine), [1, 0, 2, 0]);
    const { messages } = await claimSome(engine);
    t.deepEqual(messages.map(textOf), ['later']);
    t.is(messages[0]!.attempts, 1);
    t.is(typeof messages[0]!.deliverAtMs, 'number');
  });

  test('of a call that would fill the queue beyond its bound nothing is kept', async (t) => {
    await using harness = await make({ messagesPerQueue: 3 });
    const { engine } = harness;
    await send(engine, ['a', 'b']);
    const refused = await t.throwsAsync(send(engine, ['c', 'd']), { instanceOf: MayflyError });
    t.is(refused?.code, 'queue_full');
    t.deepEqual(await countsOf(engine), [2, 0, 0, 0]);
    await send(engine, ['e'], { deduplicationKey: 'k' });
    // A duplicate takes no place.
    t.true((await send(engine, ['e'], { deduplicationKey: 'k' }))[0]!.isDuplicate);
    await t.throwsAsync(send(engine, ['f'], { deduplicationKey: 'refused' }), { code: 'queue_full' });
    // The bound is of each queue.
    await engine.send(ordersFunction, settings, [textMessage('x')]);
    const claimed = await claimSome(engine, { maxMessages: 1 });
    await engine.settle(claimed, [{ id: claimed.messages[0]!.id, kind: 'done' }]);
    // What was refused has left no key behind.
    t.false((await send(engine, ['f'], { deduplicationKey: 'refused' }))[0]!.isDuplicate);
    await t.throwsAsync(send(engine, ['g']), { code: 'queue_full' });
  });

  test('many senders and claimers at once: each message is handed out once', async (t) => {
    await using harness = await make();
    const { engine, other = engine } = harness;
    const texts = Array.from({ length: 40 }, (_, call) =>
      Array.from({ length: 5 }, (_, i) => `${call}/${i}`),
    );
    const sent = await Promise.all(texts.map((call, index) => send(index % 2 === 0 ? engine : other, call)));
    t.is(new Set(sent.flat().map(({ id }) => id)).size, 200);
    const seen: string[] = [];
    const drain = async (from: typeof engine): Promise<void> => {
      for (let batch = await claim(from, { maxMessages: 7 }); batch; ) {
        seen.push(...batch.messages.map(textOf));
        batch = await claim(from, { maxMessages: 7 });
      }
    };
    await Promise.all([drain(engine), drain(other), drain(engine), drain(other)]);
    t.deepEqual(seen.sort(), texts.flat().sort());
    t.deepEqual(await countsOf(engine), [0, 0, 200, 0]);
  });
}
