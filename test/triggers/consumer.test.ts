import test from 'ava';
import type { EventOutcome } from '../../host/model/event-invocation.ts';
import { ConsumerFixture, numbered, QUEUE, returned, SETTINGS } from './consumer-fixture.ts';
import { MemoryEngine } from './memory-engine.ts';
import { quiet, VirtualClock } from './virtual-clock.ts';

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

test('what ends in one turn is asked for again together, and never more than there is room for', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const asked: number[] = [];
  const claim = engine.claim.bind(engine);
  engine.claim = (queue, options) => {
    asked.push(options.claims ?? 1);
    return claim(queue, options);
  };
  const settings = { batchSize: 1, maximumConcurrency: 8 };
  const running: (() => void)[] = [];
  const handler = (): Promise<EventOutcome> =>
    new Promise((resolve) => running.push(() => resolve(returned())));
  const fixture = new ConsumerFixture({ clock, engine, settings, handler });
  await fixture.send(numbered(100));
  await fixture.start();
  for (let turns = 0; turns < 3; turns++) {
    t.is(running.length, 8);
    asked.length = 0;
    for (const end of running.splice(0)) end();
    await quiet();
  }
  t.deepEqual(asked, [8]);
  t.is(fixture.mostRunning, 8);
});

test('claims that were asked for before a pause are given back, all of them', async (t) => {
  const clock = new VirtualClock();
  const { engine, answers } = slowClaims(clock);
  const fixture = new ConsumerFixture({ clock, engine, settings: { batchSize: 1 } });
  await fixture.send(numbered(20));
  await fixture.start();
  while (fixture.batches.length < 5) {
    answers.shift()!();
    await quiet();
  }
  const before = fixture.batches.length;
  fixture.consumer.pause();
  while (answers.length > 0) {
    answers.shift()!();
    await quiet();
  }
  t.is(fixture.batches.length, before);
  t.deepEqual(await engine.counts(QUEUE), {
    ready: 20 - before,
    delayed: 0,
    inFlight: 0,
    dead: 0,
    oldestSentAtMs: clock.nowMs(),
  });
});
