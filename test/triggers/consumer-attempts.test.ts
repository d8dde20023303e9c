import test from 'ava';
import { defaultQueueSettings } from '../../host/model/queue.ts';
import { parseFilters } from '../../host/triggers/filter-pattern.ts';
import {
  ConsumerFixture,
  failed,
  idsOf,
  inGroups,
  numbered,
  QUEUE,
  returned,
  SETTINGS,
  textOf,
} from './consumer-fixture.ts';

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
    const [claim] = await fixture.engine.claim(QUEUE, {
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
