import test from 'ava';
import { MayflyError } from '../../host/errors.ts';
import type { EventOutcome } from '../../host/model/event-invocation.ts';
import { defaultQueueSettings } from '../../host/model/queue.ts';
import { parseFilters } from '../../host/triggers/filter-pattern.ts';
import {
  ConsumerFixture,
  failed,
  idsOf,
  inGroups,
  QUEUE,
  refused,
  returned,
  SETTINGS,
  textOf,
} from './consumer-fixture.ts';
import { MemoryEngine } from './memory-engine.ts';
import { quiet, VirtualClock } from './virtual-clock.ts';

const numbered = (count: number, prefix = 'm'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

test('messages that wait already and messages that come are handed over in batches, in order', async (t) => {
  const fixture = new ConsumerFixture();
  await fixture.send(numbered(25));
  await fixture.start();
  await fixture.send(['late']);
  t.deepEqual(
    fixture.batches.map(({ length }) => length),
    [10, 10, 5, 1],
  );
  t.deepEqual(fixture.batches.flat(), [...numbered(25), 'late']);
  t.is(await fixture.left(), 0);
  t.is(fixture.consumer.status.counts.succeeded, 26);
});

test('a consumer with nothing to do is idle, without a timer and without asking', async (t) => {
  const fixture = new ConsumerFixture();
  await fixture.start();
  t.is(fixture.consumer.state.kind, 'idle');
  t.is(fixture.clock.timers, 0);
});

test('no more batches are in work than maximumConcurrency, and the next begins when one ends', async (t) => {
  const ends: (() => void)[] = [];
  const handler = (): Promise<EventOutcome> => new Promise((resolve) => ends.push(() => resolve(returned())));
  const fixture = new ConsumerFixture({ settings: { batchSize: 1, maximumConcurrency: 3 }, handler });
  await fixture.start();
  await fixture.send(numbered(5));
  t.is(fixture.running, 3);
  t.is(fixture.consumer.status.inFlight, 3);
  ends[0]!();
  await quiet();
  t.is(fixture.running, 3);
  t.is(fixture.batches.length, 4);
});

test('a batching window lets a batch fill, and ends when it is full', async (t) => {
  const fixture = new ConsumerFixture({ settings: { batchSize: 3, batchingWindowMs: 5_000 } });
  await fixture.start();
  await fixture.send(['a']);
  await fixture.clock.pass(4_000);
  t.deepEqual(fixture.batches, []);
  t.is(fixture.consumer.state.kind, 'gathering');
  await fixture.send(['b']);
  await fixture.clock.pass(1_000);
  t.deepEqual(fixture.batches, [['a', 'b']]);
  await fixture.send(['c', 'd', 'e', 'f']);
  t.deepEqual(fixture.batches.slice(1), [['c', 'd', 'e']]);
  await fixture.clock.pass(5_000);
  t.deepEqual(fixture.batches.slice(2), [['f']]);
  t.is(fixture.consumer.state.kind, 'idle');
  t.is(fixture.clock.timers, 0);
});

test('what no filter matches is done without being run, and counted', async (t) => {
  const fixture = new ConsumerFixture({
    settings: { filters: parseFilters([{ body: [{ prefix: 'yes' }] }]) },
  });
  await fixture.start();
  await fixture.send(['yes1', 'no', 'yes2']);
  await fixture.send(['no']);
  t.deepEqual(fixture.batches, [['yes1', 'yes2']]);
  t.is(await fixture.left(), 0);
  t.is(fixture.consumer.status.counts.filtered, 2);
});

test('of a batch, only the items that failed are tried again, later each time, and dead after the last attempt', async (t) => {
  const fixture = new ConsumerFixture({
    handler: (_texts, invocation) => returned(idsOf(invocation, ['bad'])),
  });
  await fixture.start();
  await fixture.send(['good', 'bad']);
  t.is(await fixture.left(), 1);
  await fixture.clock.pass(749);
  t.is(fixture.batches.length, 1);
  // A second, of which chance has half: from 500 to 1,000 ms, 750 here.
  await fixture.clock.pass(1);
  t.is(fixture.batches.length, 2);
  await fixture.clock.pass(1_500);
  t.deepEqual(fixture.batches, [['good', 'bad'], ['bad'], ['bad']]);
  const [letter] = await fixture.deadLetters();
  t.is(textOf(letter!), 'bad');
  t.is(letter!.attempts, 3);
  t.deepEqual(letter!.cause, { code: 'item_failed', detail: 'item' });
});

test('a batch that fails as a whole is tried again as a whole', async (t) => {
  let calls = 0;
  const fixture = new ConsumerFixture({ handler: () => (++calls < 3 ? failed() : returned()) });
  await fixture.start();
  await fixture.send(['a', 'b']);
  await fixture.clock.pass(10_000);
  t.deepEqual(fixture.batches, [
    ['a', 'b'],
    ['a', 'b'],
    ['a', 'b'],
  ]);
  t.deepEqual(await fixture.deadLetters(), []);
});

test('naming an item that was not in the batch fails all of them', async (t) => {
  const fixture = new ConsumerFixture({ handler: () => returned(['nobody']) });
  await fixture.start();
  await fixture.send(['a', 'b']);
  await fixture.clock.pass(60_000);
  t.is(fixture.batches.length, 3);
  const letters = await fixture.deadLetters();
  t.deepEqual(letters.map(textOf), ['a', 'b']);
  t.regex(letters[0]!.cause.detail, /nobody/);
});

test('with bisectBatchOnError a poison message dies alone, after exactly its attempts', async (t) => {
  const runs: number[] = [];
  const fixture = new ConsumerFixture({
    settings: { batchSize: 100, bisectBatchOnError: true, retry: { ...SETTINGS.retry, maximumAttempts: 4 } },
    handler: (texts) => {
      if (texts.includes('m57')) runs.push(texts.length);
      return texts.includes('m57') ? failed() : returned();
    },
  });
  await fixture.start();
  await fixture.send(numbered(100));
  await fixture.clock.pass(3_600_000);
  // 100^(2/3), 100^(1/3), 1.
  t.deepEqual(runs, [100, 21, 4, 1]);
  t.deepEqual((await fixture.deadLetters()).map(textOf), ['m57']);
  t.is((await fixture.deadLetters())[0]!.attempts, 4);
  t.is(await fixture.left(), 0);
});

test('attempts that were lost with their host count, and the last of them makes a dead letter without another run', async (t) => {
  const fixture = new ConsumerFixture();
  await fixture.send(['poison']);
  for (let kills = 0; kills < 3; kills++) {
    // A host that claims and is killed.
    const claim = await fixture.engine.claim(QUEUE, {
      maxMessages: 1,
      maxBytes: 1,
      visibilityMs: 1_000,
      maxClaims: 1,
    });
    t.is(claim?.messages[0]?.attempts, kills + 1);
    await fixture.clock.pass(1_000);
  }
  await fixture.start();
  t.deepEqual(fixture.batches, []);
  const [letter] = await fixture.deadLetters();
  t.is(letter!.cause.code, 'lease_expired');
  t.is(letter!.attempts, 3);
});

test('a message that is too old is not tried, nor tried again', async (t) => {
  const fixture = new ConsumerFixture({
    settings: { retry: { ...SETTINGS.retry, maximumAttempts: 1_000, maximumAgeMs: 5_000 } },
    handler: () => failed(),
  });
  await fixture.send(['old']);
  await fixture.clock.pass(5_001);
  await fixture.start();
  t.deepEqual(fixture.batches, []);
  await fixture.send(['failing']);
  await fixture.clock.pass(60_000);
  // At 0, 750 and 2,250 ms; the next would be at 5,250.
  t.is(fixture.batches.length, 3);
  const letters = await fixture.deadLetters();
  t.deepEqual(
    letters.map(({ cause, attempts }) => [cause.code, attempts]),
    [
      ['message_expired', 0],
      ['function_trapped', 3],
    ],
  );
  t.deepEqual(
    fixture.told.map(({ condition }) => condition),
    ['EventAgeExceeded', 'EventAgeExceeded'],
  );
});

test('of a group, none is done before the one that failed before it, and only that one is charged', async (t) => {
  let isMended = false;
  const handled: string[] = [];
  const fixture = new ConsumerFixture({
    settings: { retry: { ...SETTINGS.retry, maximumAttempts: 10 } },
    handler: (texts, invocation) => {
      const bad = texts.filter((text) => text === 'a2' && !isMended);
      handled.push(...texts.filter((text) => !bad.includes(text)));
      return returned(idsOf(invocation, bad));
    },
  });
  await fixture.engine.send(QUEUE, defaultQueueSettings(), inGroups(['a1', 'a2', 'a3', 'b1', 'a4']));
  await fixture.start();
  const { messages } = await fixture.engine.peek(QUEUE, 'ready', { limit: 10 });
  t.deepEqual(
    messages.map((message) => [textOf(message), message.attempts]),
    [
      ['a2', 1],
      ['a3', 0],
      ['a4', 0],
    ],
  );
  isMended = true;
  handled.length = 0;
  await fixture.clock.pass(10_000);
  t.deepEqual(handled, ['a2', 'a3', 'a4']);
  t.deepEqual(fixture.batches.slice(1), [['a2'], ['a3', 'a4']]);
});

test('a poison message of a group dies after its attempts, and takes none of its group along', async (t) => {
  const fixture = new ConsumerFixture({
    handler: (texts) => (texts.includes('a2') ? failed() : returned()),
  });
  await fixture.engine.send(QUEUE, defaultQueueSettings(), inGroups(['a1', 'a2', 'a3']));
  await fixture.start();
  await fixture.clock.pass(60_000);
  const letters = await fixture.deadLetters();
  t.deepEqual(
    letters.map((letter) => [textOf(letter), letter.attempts]),
    [['a2', 3]],
  );
  t.is(await fixture.left(), 0);
});

test('a function that stops at its first failure loses no attempts of the messages behind it', async (t) => {
  const fixture = new ConsumerFixture({
    handler: (texts, invocation) => {
      const at = texts.indexOf('a1');
      return returned(at === -1 ? [] : idsOf(invocation, texts.slice(at)));
    },
  });
  await fixture.engine.send(QUEUE, defaultQueueSettings(), inGroups(['a1', 'a2', 'a3']));
  await fixture.start();
  await fixture.clock.pass(60_000);
  t.deepEqual((await fixture.deadLetters()).map(textOf), ['a1']);
  t.is(await fixture.left(), 0);
});

test('a refusal costs no attempt: the consumer waits, says why, and goes on', async (t) => {
  let isOpen = false;
  const fixture = new ConsumerFixture({ handler: () => (isOpen ? returned() : refused(2_000)) });
  await fixture.start();
  await fixture.send(numbered(30));
  t.is(fixture.consumer.status.state, 'waiting');
  t.is(fixture.consumer.status.waitingFor?.code, 'quota_exceeded');
  const asked = fixture.batches.length;
  t.true(asked <= 3);
  await fixture.clock.pass(1_999);
  t.is(fixture.batches.length, asked);
  await fixture.clock.pass(1);
  // One question, not thirty.
  t.is(fixture.batches.length, asked + 1);
  isOpen = true;
  await fixture.clock.pass(10_000);
  t.is(await fixture.left(), 0);
  t.is(fixture.consumer.status.state, 'idle');
  const last = fixture.invocations.at(-1)!.delivery;
  t.true(last.kind === 'batch' && last.messages.every(({ attempts }) => attempts === 1));
});

test('a function that is gone is asked for about twice a minute', async (t) => {
  const fixture = new ConsumerFixture({ handler: () => refused(0, 'function_not_found') });
  await fixture.start();
  await fixture.send(numbered(10));
  await fixture.clock.pass(3_600_000);
  t.true(fixture.batches.length < 200, `${fixture.batches.length} questions`);
  const { messages } = await fixture.engine.peek(QUEUE, 'ready', { limit: 10 });
  t.deepEqual(
    messages.map(({ attempts }) => attempts),
    Array<number>(10).fill(0),
  );
  const before = fixture.batches.length;
  fixture.consumer.wake();
  await quiet();
  t.is(fixture.batches.length, before + 1);
});

test('a store that is away stops nothing for good, and is asked at a bounded rate', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  let asked = 0;
  let isAway = true;
  const claim = engine.claim.bind(engine);
  engine.claim = async (queue, options) => {
    asked++;
    if (isAway) throw new MayflyError('queue_unavailable', 'away');
    return await claim(queue, options);
  };
  const fixture = new ConsumerFixture({ clock, engine });
  await fixture.start();
  await fixture.send(['a']);
  t.is(fixture.consumer.status.waitingFor?.code, 'queue_unavailable');
  await clock.pass(600_000);
  t.true(asked > 100 && asked < 300, `${asked} questions in ten minutes`);
  isAway = false;
  await clock.pass(5_000);
  t.deepEqual(fixture.batches, [['a']]);
  t.is(fixture.consumer.status.state, 'idle');
});

test('a batch that is done is settled when the store is back, not run again', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  let isAway = true;
  const settle = engine.settle.bind(engine);
  engine.settle = async (claim, settlements) => {
    if (isAway) throw new MayflyError('queue_unavailable', 'away');
    return await settle(claim, settlements);
  };
  const fixture = new ConsumerFixture({ clock, engine });
  await fixture.start();
  await fixture.send(['a']);
  await clock.pass(300_000);
  t.is(await fixture.left(), 1);
  isAway = false;
  await clock.pass(5_000);
  t.is(await fixture.left(), 0);
  t.deepEqual(fixture.batches, [['a']]);
});

test('while the function runs its messages are nobody else’s, for however long', async (t) => {
  const { promise, resolve } = Promise.withResolvers<EventOutcome>();
  const fixture = new ConsumerFixture({ settings: { timeoutMs: 900_000 }, handler: () => promise });
  await fixture.start();
  await fixture.send(['slow']);
  await fixture.clock.pass(800_000);
  t.is((await fixture.engine.counts(QUEUE)).inFlight, 1);
  resolve(returned());
  await quiet();
  t.is(await fixture.left(), 0);
  t.is(fixture.batches.length, 1);
  t.is(fixture.clock.timers, 0);
});

test('a serving thread that never answers does not hold a message for ever', async (t) => {
  const fixture = new ConsumerFixture({ handler: () => new Promise<EventOutcome>(() => {}) });
  await fixture.start();
  await fixture.send(['lost']);
  await fixture.clock.pass(10_000 + 119_999);
  t.is((await fixture.engine.counts(QUEUE)).inFlight, 1);
  await fixture.clock.pass(1);
  t.is((await fixture.engine.counts(QUEUE)).delayed, 1);
});

test('what came of a batch whose lease has expired is not believed', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  engine.extend = async () => await Promise.reject(new MayflyError('queue_unavailable', 'away'));
  const ends: ((outcome: EventOutcome) => void)[] = [];
  const fixture = new ConsumerFixture({
    clock,
    engine,
    handler: () => new Promise((resolve) => ends.push(resolve)),
  });
  await fixture.start();
  await fixture.send(['a']);
  await clock.pass(20_000);
  t.is(fixture.batches.length, 2);
  ends[0]!(returned());
  await quiet();
  t.is(await fixture.left(), 1);
  ends[1]!(returned());
  await quiet();
  t.is(await fixture.left(), 0);
});

test('a pause claims nothing and gives back what it had asked for; what is in work goes on', async (t) => {
  const { promise, resolve } = Promise.withResolvers<EventOutcome>();
  const fixture = new ConsumerFixture({ handler: (texts) => (texts.includes('a') ? promise : returned()) });
  await fixture.start();
  await fixture.send(['a']);
  fixture.consumer.pause();
  await fixture.send(['b']);
  t.deepEqual(fixture.batches, [['a']]);
  t.is(fixture.consumer.status.state, 'paused');
  resolve(returned());
  await quiet();
  t.is(await fixture.left(), 1);
  fixture.consumer.resume();
  // Before the claim is answered.
  fixture.consumer.pause();
  await quiet();
  t.deepEqual(fixture.batches, [['a']]);
  t.is((await fixture.engine.counts(QUEUE)).ready, 1);
  fixture.consumer.resume();
  fixture.consumer.pause();
  fixture.consumer.resume();
  await quiet();
  t.deepEqual(fixture.batches, [['a'], ['b']]);
  const { delivery } = fixture.invocations[1]!;
  t.is(delivery.kind === 'batch' && delivery.messages[0]!.attempts, 1);
});

test('changed settings hold from the next claim on', async (t) => {
  const fixture = new ConsumerFixture({ settings: { batchSize: 2 } });
  await fixture.start();
  await fixture.send(numbered(4));
  fixture.consumer.configure({ ...SETTINGS, batchSize: 3 });
  await fixture.send(numbered(4, 'n'));
  t.deepEqual(
    fixture.batches.map(({ length }) => length),
    [2, 2, 3, 1],
  );
});

test('a drain lets what runs end, and claims nothing more', async (t) => {
  const { promise, resolve } = Promise.withResolvers<EventOutcome>();
  const fixture = new ConsumerFixture({
    settings: { batchSize: 1, maximumConcurrency: 1 },
    handler: () => promise,
  });
  await fixture.start();
  await fixture.send(['a', 'b']);
  let isDrained = false;
  const drained = fixture.consumer.drain(30_000).then(() => {
    isDrained = true;
  });
  await fixture.clock.pass(29_000);
  t.false(isDrained);
  resolve(returned());
  await drained;
  t.deepEqual(fixture.batches, [['a']]);
  t.is(await fixture.left(), 1);
  t.is(fixture.clock.timers, 0);
});

test('what has not ended by the end of a drain is given back, with no attempt counted', async (t) => {
  const fixture = new ConsumerFixture({ handler: () => new Promise<EventOutcome>(() => {}) });
  await fixture.start();
  await fixture.send(['a', 'b']);
  const drained = fixture.consumer.drain(1_000);
  await fixture.clock.pass(1_000);
  await drained;
  const { messages } = await fixture.engine.peek(QUEUE, 'ready', { limit: 10 });
  t.deepEqual(
    messages.map(({ attempts }) => attempts),
    [0, 0],
  );
  t.is((await fixture.engine.counts(QUEUE)).ready, 2);
  t.is(fixture.clock.timers, 0);
});

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

/** An engine whose claims are answered when the test says so, with what there was when they were asked. */
function slowClaims(clock: VirtualClock): {
  readonly engine: MemoryEngine;
  readonly answers: (() => void)[];
} {
  const engine = new MemoryEngine(clock);
  const answers: (() => void)[] = [];
  const claim = engine.claim.bind(engine);
  engine.claim = async (queue, options) => {
    const claimed = await claim(queue, options);
    await new Promise<void>((resolve) => answers.push(resolve));
    return claimed;
  };
  return { engine, answers };
}

test('a sign of work that comes while a claim is under way is not missed', async (t) => {
  const clock = new VirtualClock();
  const { engine, answers } = slowClaims(clock);
  const fixture = new ConsumerFixture({ clock, engine });
  await fixture.start();
  await fixture.send(['a']);
  t.is(answers.length, 1);
  answers.shift()!();
  await quiet();
  t.is(answers.length, 1);
  answers.shift()!();
  await quiet();
  t.deepEqual(fixture.batches, [['a']]);
});

test('one claim is asked for at a time, through pauses as well', async (t) => {
  const clock = new VirtualClock();
  const { engine, answers } = slowClaims(clock);
  const fixture = new ConsumerFixture({ clock, engine });
  await fixture.start();
  await fixture.send(['a']);
  for (let pauses = 0; pauses < 3; pauses++) {
    fixture.consumer.pause();
    fixture.consumer.resume();
    await quiet();
  }
  t.is(answers.length, 1);
  while (answers.length > 0) {
    answers.shift()!();
    await quiet();
  }
  t.deepEqual(fixture.batches, [['a']]);
  t.is(fixture.consumer.state.kind, 'idle');
});
