import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import type { EventOutcome } from '../../host/model/event-invocation.ts';
import { ConsumerFixture, numbered, QUEUE, refused, returned } from './consumer-fixture.ts';
import { MemoryEngine } from './memory-engine.ts';
import { quiet, VirtualClock } from './virtual-clock.ts';

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

test('a function that takes less than maximumConcurrency is fed on, whatever is refused together', async (t) => {
  const places = 10;
  const fixture = new ConsumerFixture({ settings: { batchSize: 1, maximumConcurrency: 100 } });
  fixture.handler = () => {
    if (fixture.running > places) return refused(50, 'too_many_invocations');
    return new Promise((resolve) => fixture.clock.after(10, () => resolve(returned())));
  };
  await fixture.send(numbered(1_000));
  await fixture.start();
  // In its ten places the thousand would take a second.
  await fixture.clock.pass(20_000);
  t.is(await fixture.left(), 0);
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
