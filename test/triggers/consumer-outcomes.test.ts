import test from 'ava';
import { defaultQueueSettings } from '../../host/model/queue.ts';
import {
  ConsumerFixture,
  failed,
  idsOf,
  inGroups,
  QUEUE,
  returned,
  SETTINGS,
  textOf,
} from './consumer-fixture.ts';

test('a destination that takes its time does not hold up a stop; what it has not taken is handed out again', async (t) => {
  const fixture = new ConsumerFixture({
    settings: { batchSize: 1, retry: { ...SETTINGS.retry, maximumAttempts: 1 } },
    handler: (texts) => (texts.includes('bad') ? failed() : returned()),
    sink: { send: () => new Promise(() => {}) },
  });
  await fixture.start();
  await fixture.send(['good', 'bad']);
  const drained = fixture.consumer.drain(1_000);
  await fixture.clock.pass(1_000);
  await drained;
  t.is((await fixture.engine.counts(QUEUE)).ready, 2);
  t.is(fixture.clock.timers, 0);
});

test('nor is anything of its group done before a message whose death could not be told', async (t) => {
  const { promise: never } = Promise.withResolvers<undefined>();
  const fixture = new ConsumerFixture({
    settings: { retry: { ...SETTINGS.retry, maximumAttempts: 1 } },
    handler: (_texts, invocation) => returned(idsOf(invocation, ['a1'])),
    sink: {
      send: async (_destinations, { condition }) => (condition === 'Success' ? undefined : await never),
    },
  });
  await fixture.engine.send(QUEUE, defaultQueueSettings(), inGroups(['a1', 'a2', 'b1']));
  await fixture.start();
  const drained = fixture.consumer.drain(1_000);
  await fixture.clock.pass(1_000);
  await drained;
  const { messages } = await fixture.engine.peek(QUEUE, 'ready', { limit: 10 });
  t.deepEqual(messages.map(textOf), ['a1', 'a2']);
});

test('an event of a function comes alone and as it is; one of a schedule says which tick it is', async (t) => {
  const fixture = new ConsumerFixture({ isFunctionQueue: true, settings: { batchSize: 1 } });
  await fixture.start();
  await fixture.send(['call'], { attributes: { traceparent: '00-x' } });
  await fixture.send(['{}'], {
    attributes: { 'mayfly-schedule': 'nightly', 'mayfly-scheduled-at': '1000', 'mayfly-cron': '0 3 * * *' },
  });
  const [call, tick] = fixture.invocations;
  t.is(call!.delivery.kind, 'event');
  t.is(call!.traceparent, '00-x');
  t.like(tick!.delivery, { kind: 'tick', schedule: 'nightly', scheduledAtMs: 1000, cron: '0 3 * * *' });
});

test('outcomes are told before messages are settled: one of what is done, one of each that is dead', async (t) => {
  const left: number[] = [];
  const fixture = new ConsumerFixture({
    settings: { retry: { ...SETTINGS.retry, maximumAttempts: 1 } },
    handler: (_texts, invocation) => returned(idsOf(invocation, ['bad', 'worse']), 'answer'),
    tell: () => {
      void fixture.left().then((count) => left.push(count));
      return undefined;
    },
  });
  await fixture.start();
  await fixture.send(['good', 'bad', 'better', 'worse']);
  t.deepEqual(
    fixture.told.map(({ condition, messages }) => [condition, ...messages.map(textOf)]),
    [
      ['Success', 'good', 'better'],
      ['RetriesExhausted', 'bad'],
      ['RetriesExhausted', 'worse'],
    ],
  );
  t.deepEqual(left, [4, 4, 4]);
});

test('an outcome that cannot be passed on makes the attempt a failed one, and at last a dead letter that says so', async (t) => {
  const fixture = new ConsumerFixture({
    tell: ({ condition }) =>
      condition === 'Success'
        ? { cause: { code: 'destination_failed', detail: 'away' }, isFinal: false }
        : undefined,
  });
  await fixture.start();
  await fixture.send(['a']);
  await fixture.clock.pass(60_000);
  t.is(fixture.batches.length, 3);
  t.deepEqual(
    (await fixture.deadLetters()).map(({ cause, attempts }) => [cause.code, attempts]),
    [['destination_failed', 3]],
  );
});

test('a failing destination does not break the order of a group', async (t) => {
  let failures = 2;
  const fixture = new ConsumerFixture({
    tell: () =>
      failures-- > 0 ? { cause: { code: 'destination_failed', detail: 'away' }, isFinal: false } : undefined,
  });
  await fixture.engine.send(QUEUE, defaultQueueSettings(), inGroups(['a1', 'a2']));
  await fixture.start();
  await fixture.clock.pass(60_000);
  t.deepEqual(fixture.batches, [['a1', 'a2'], ['a1'], ['a1'], ['a2']]);
});

test('an item that failed is charged also where the outcome of the others cannot be passed on', async (t) => {
  const fixture = new ConsumerFixture({
    handler: (_texts, invocation) => returned(idsOf(invocation, ['a1'])),
    tell: ({ condition }) =>
      condition === 'Success'
        ? { cause: { code: 'destination_failed', detail: 'away' }, isFinal: false }
        : undefined,
  });
  await fixture.engine.send(QUEUE, defaultQueueSettings(), inGroups(['a1', 'a2', 'b1']));
  await fixture.start();
  const { messages } = await fixture.engine.peek(QUEUE, 'delayed', { limit: 10 });
  t.deepEqual(
    messages.map((message) => [textOf(message), message.attempts, message.lastCause?.code]),
    [
      ['a1', 1, 'item_failed'],
      ['a2', 0, undefined],
      ['b1', 1, 'destination_failed'],
    ],
  );
  t.is(fixture.batches.length, 1);
});
