import type { MessageId } from '../../../../host/model/ids.ts';
import type { DeadLetter, MessageState } from '../../../../host/model/queue-message.ts';
import type { QueueEngine } from '../../../../host/store/queues/queue-engine.ts';
import {
  CAUSE,
  claim,
  claimSome,
  countsOf,
  type MakeHarness,
  orders,
  ordersFunction,
  send,
  settings,
  settleAll,
  type Test,
  textMessage,
  textOf,
  textsOf,
} from './harness.ts';

/** Sends the texts and makes dead letters of them, by one claim each. */
async function sendDead(
  engine: QueueEngine,
  texts: readonly string[],
  groupKey?: string,
): Promise<MessageId[]> {
  const ids: MessageId[] = [];
  for (const text of texts) {
    await send(engine, [text], groupKey === undefined ? {} : { groupKey });
    const claimed = await claimSome(engine, { maxMessages: 1 });
    await settleAll(engine, claimed, (id) => ({ id, kind: 'dead', cause: { ...CAUSE, detail: text } }));
    ids.push(claimed.messages[0]!.id);
  }
  return ids;
}

async function peekAll(engine: QueueEngine, state: MessageState, limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  let after: string | undefined;
  do {
    const page = await engine.peek(orders, state, { limit, ...(after === undefined ? {} : { after }) });
    pages.push(page.messages.map(textOf));
    after = page.next;
  } while (after !== undefined);
  return pages;
}

/** Dead letters, what expires, looking, and throwing away. */
export function deadLetterTests(test: Test, make: MakeHarness): void {
  test('a dead letter keeps the original, its attempts and the cause, and is not handed out', async (t) => {
    await using harness = await make();
    const { engine, now } = harness;
    const original = textMessage('a', {
      attributes: { 'ce-type': 'x' },
      groupKey: 'g',
      deduplicationKey: 'd',
    });
    await engine.send(orders, settings, [original]);
    const first = await claimSome(engine);
    await settleAll(engine, first, (id) => ({ id, kind: 'retry', atMs: now(), cause: CAUSE }));
    const second = await claimSome(engine);
    const beforeMs = now();
    await settleAll(engine, second, (id) => ({ id, kind: 'dead', cause: { code: 'x', detail: 'y' } }));
    t.is(await claim(engine), undefined);
    t.deepEqual(await countsOf(engine), [0, 0, 0, 1]);
    const { messages } = await engine.peek(orders, 'dead', { limit: 10 });
    const { body, deadAtMs, ...letter } = messages[0] as DeadLetter;
    t.is(textOf({ body }), 'a');
    t.true(deadAtMs >= beforeMs && deadAtMs <= now());
    t.deepEqual(letter, {
      contentType: original.contentType,
      attributes: original.attributes,
      groupKey: 'g',
      deduplicationKey: 'd',
      id: first.messages[0]!.id,
      sentAtMs: first.messages[0]!.sentAtMs,
      attempts: 2,
      lastCause: CAUSE,
      cause: { code: 'x', detail: 'y' },
    });
  });

  test('a dead letter that was not even tried has no attempt for that claim', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    await send(engine, ['a']);
    const first = await claimSome(engine);
    await settleAll(engine, first, (id) => ({ id, kind: 'retry', atMs: 0, cause: CAUSE }));
    const second = await claimSome(engine);
    await settleAll(engine, second, (id) => ({ id, kind: 'dead', cause: CAUSE, isUntried: true }));
    t.is((await engine.peek(orders, 'dead', { limit: 1 })).messages[0]!.attempts, 1);
  });

  test('redriving makes dead letters new again: all, or those that are named', async (t) => {
    await using harness = await make();
    const { engine, now, advance, stepMs } = harness;
    const [a, b, c] = await sendDead(engine, ['a', 'b', 'c', 'd']);
    await advance(stepMs);
    const beforeMs = now();
    t.is(await engine.redrive(orders, [b!, 'not-an-id' as MessageId]), 1);
    t.is(await engine.redrive(orders, [b!]), 0);
    t.is(await engine.redrive(orders, []), 0);
    t.deepEqual(await countsOf(engine), [1, 0, 0, 3]);
    const again = await claimSome(engine);
    const [message] = again.messages;
    t.is(textOf(message!), 'b');
    t.is(message!.id, b!);
    t.is(message!.attempts, 1);
    t.is(message!.lastCause, undefined);
    t.true(message!.sentAtMs >= beforeMs);
    await settleAll(engine, again);
    t.is(await engine.redrive(orders), 3);
    t.is(await engine.redrive(orders), 0);
    t.deepEqual(await countsOf(engine), [3, 0, 0, 0]);
    const rest = await claimSome(engine);
    t.deepEqual(textsOf(rest)!.sort(), ['a', 'c', 'd']);
    t.true(rest.messages.some(({ id }) => id === a) && rest.messages.some(({ id }) => id === c));
  });

  test('a redriven message stands behind what waits of its group', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    await sendDead(engine, ['a1'], 'a');
    await send(engine, ['a2', 'a3'], { groupKey: 'a' });
    t.is(await engine.redrive(orders), 1);
    t.deepEqual(textsOf(await claim(engine)), ['a2', 'a3', 'a1']);
  });

  test('looking takes nothing, goes oldest first and page by page, state by state', async (t) => {
    await using harness = await make();
    const { engine, now } = harness;
    await sendDead(engine, ['x', 'y', 'z']);
    await send(engine, ['1', '2', '3']);
    t.deepEqual(textsOf(await claimSome(engine)), ['1', '2', '3']);
    await send(engine, ['a', 'b', 'c', 'd', 'e']);
    await send(engine, ['l', 'm'], { deliverAtMs: now() + 10 * 60_000 });
    for (let round = 0; round < 2; round++) {
      t.deepEqual((await peekAll(engine, 'ready', 2)).flat(), ['a', 'b', 'c', 'd', 'e']);
      t.deepEqual((await peekAll(engine, 'delayed', 1)).flat(), ['l', 'm']);
      t.deepEqual((await peekAll(engine, 'in-flight', 10)).flat(), ['1', '2', '3']);
      t.deepEqual((await peekAll(engine, 'dead', 2)).flat(), ['x', 'y', 'z']);
    }
    t.true((await peekAll(engine, 'ready', 2)).every((page) => page.length <= 2));
    t.deepEqual((await engine.peek(ordersFunction, 'ready', { limit: 2 })).messages, []);
    t.deepEqual(await countsOf(engine), [5, 2, 3, 3]);
    t.is((await engine.peek(orders, 'ready', { limit: 1 })).messages[0]!.attempts, 0);
    t.is((await engine.peek(orders, 'in-flight', { limit: 1 })).messages[0]!.attempts, 1);
  });

  test('purging drops what waits, or the dead, and nothing else', async (t) => {
    await using harness = await make();
    const { engine, now } = harness;
    await sendDead(engine, ['x', 'y']);
    await send(engine, ['a', 'b', 'c'], { groupKey: 'g' });
    const held = await claimSome(engine, { maxMessages: 1 });
    await send(engine, ['l'], { deliverAtMs: now() + 10 * 60_000 });
    t.is(await engine.purge(orders, 'waiting'), 3);
    t.deepEqual(await countsOf(engine), [0, 0, 1, 2]);
    t.is((await engine.counts(orders)).oldestSentAtMs, undefined);
    t.is(await engine.purge(orders, 'dead'), 2);
    t.is(await engine.purge(orders, 'dead'), 0);
    t.deepEqual(await countsOf(engine), [0, 0, 1, 0]);
    await send(engine, ['d'], { groupKey: 'g' });
    t.is(await claim(engine), undefined);
    t.true(await settleAll(engine, held));
    t.deepEqual(textsOf(await claim(engine)), ['d']);
  });

  test('removing a queue drops everything in it, also what is in flight, and no other queue', async (t) => {
    await using harness = await make();
    const { engine, now, advance, stepMs } = harness;
    await engine.send(ordersFunction, settings, [textMessage('other')]);
    await sendDead(engine, ['x']);
    await send(engine, ['a', 'b'], { groupKey: 'g' });
    await send(engine, ['k'], { deduplicationKey: 'k' });
    await send(engine, ['l'], { deliverAtMs: now() + 2 * stepMs });
    const held = await claimSome(engine, { maxMessages: 2, visibilityMs: 2 * stepMs });
    await engine.remove(orders);
    await engine.remove(orders);
    t.false(await engine.extend(held, 2 * stepMs));
    t.false(await settleAll(engine, held, (id) => ({ id, kind: 'release', atMs: now() })));
    await advance(2 * stepMs);
    t.deepEqual(await countsOf(engine), [0, 0, 0, 0]);
    t.is(await claim(engine), undefined);
    t.deepEqual(await countsOf(engine, ordersFunction), [1, 0, 0, 0]);
    // A queue of the same name starts anew.
    const [sent] = await send(engine, ['k'], { deduplicationKey: 'k', groupKey: 'g' });
    t.false(sent!.isDuplicate);
    t.deepEqual(textsOf(await claim(engine)), ['k']);
  });

  test('what waits for longer than the retention becomes a dead letter that says so', async (t) => {
    await using harness = await make();
    const { engine, now, advance, stepMs } = harness;
    const short = { ...settings, retentionMs: 6 * stepMs };
    await engine.send(orders, short, [textMessage('held')]);
    const held = await claimSome(engine, { visibilityMs: 8 * stepMs });
    t.deepEqual(textsOf(held), ['held']);
    await engine.send(orders, short, [
      textMessage('a1', { groupKey: 'a' }),
      textMessage('a2', { groupKey: 'a' }),
      textMessage('later', { deliverAtMs: now() + 100 * stepMs }),
    ]);
    await advance(3 * stepMs);
    await engine.send(orders, short, [textMessage('a3', { groupKey: 'a' })]);
    t.deepEqual(await countsOf(engine), [3, 1, 1, 0]);
    await advance(3 * stepMs);
    t.deepEqual(await countsOf(engine), [1, 0, 1, 3]);
    const { messages } = await engine.peek(orders, 'dead', { limit: 10 });
    t.deepEqual(messages.map(textOf).sort(), ['a1', 'a2', 'later']);
    for (const message of messages) {
      t.is((message as DeadLetter).cause.code, 'message_expired');
      t.is(message.attempts, 0);
    }
    // Its successor in the group is free; and what is in flight has not expired.
    t.deepEqual(textsOf(await claim(engine)), ['a3']);
    t.true(await settleAll(engine, held, (id) => ({ id, kind: 'retry', atMs: now(), cause: CAUSE })));
    await advance(stepMs);
    t.deepEqual(await countsOf(engine), [0, 0, 1, 4]);
    // A dead letter that is redriven has its whole time again.
    t.is(await engine.redrive(orders), 4);
    t.deepEqual(await countsOf(engine), [4, 0, 1, 0]);
  });

  test('dead letters go when their own retention is over', async (t) => {
    await using harness = await make();
    const { engine, advance, stepMs } = harness;
    const short = { ...settings, deadLetterRetentionMs: 4 * stepMs };
    await engine.send(orders, short, [textMessage('a'), textMessage('b')]);
    const first = await claimSome(engine, { maxMessages: 1 });
    await settleAll(engine, first, (id) => ({ id, kind: 'dead', cause: CAUSE }));
    await advance(2 * stepMs);
    const second = await claimSome(engine, { maxMessages: 1 });
    await settleAll(engine, second, (id) => ({ id, kind: 'dead', cause: CAUSE }));
    t.deepEqual(await countsOf(engine), [0, 0, 0, 2]);
    await advance(2 * stepMs);
    t.deepEqual(await countsOf(engine), [0, 0, 0, 1]);
    t.deepEqual(await peekAll(engine, 'dead', 10), [['b']]);
    await advance(2 * stepMs);
    t.deepEqual(await countsOf(engine), [0, 0, 0, 0]);
    t.is(await engine.redrive(orders), 0);
  });

  test('the oldest that waits is known', async (t) => {
    await using harness = await make();
    const { engine, now, advance, stepMs } = harness;
    const oldest = async () => (await engine.counts(orders)).oldestSentAtMs;
    t.is(await oldest(), undefined);
    const firstMs = now();
    await send(engine, ['a']);
    await advance(stepMs);
    const secondMs = now();
    await send(engine, ['b'], { deliverAtMs: secondMs + 100 * stepMs });
    t.true((await oldest())! >= firstMs && (await oldest())! < secondMs);
    const held = await claimSome(engine);
    t.true((await oldest())! >= secondMs);
    await settleAll(engine, held, (id) => ({ id, kind: 'retry', atMs: now(), cause: CAUSE }));
    t.true((await oldest())! < secondMs);
  });
}
