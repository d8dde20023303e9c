import {
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
} from './harness.ts';

/** A key that was sent within the window is kept once. */
export function deduplicationTests(test: Test, make: MakeHarness): void {
  test('a duplicate within the window is not kept and gets the id of the one that is', async (t) => {
    await using harness = await make();
    const { engine, other = engine } = harness;
    const [first] = await send(engine, ['a'], { deduplicationKey: 'k' });
    const [second] = await send(other, ['b'], { deduplicationKey: 'k' });
    t.deepEqual(second, { id: first!.id, isDuplicate: true });
    // Another key, another queue and no key at all are no duplicates.
    t.false((await send(engine, ['c'], { deduplicationKey: 'K' }))[0]!.isDuplicate);
    t.false((await send(engine, ['d']))[0]!.isDuplicate);
    const [elsewhere] = await engine.send(ordersFunction, settings, [
      textMessage('e', { deduplicationKey: 'k' }),
    ]);
    t.false(elsewhere!.isDuplicate);
    t.deepEqual(await countsOf(engine), [3, 0, 0, 0]);
  });

  test('a duplicate is one also while the original is in flight, and after it is gone', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    const [first] = await send(engine, ['a'], { deduplicationKey: 'k' });
    const claimed = await claimSome(engine);
    t.deepEqual(await send(engine, ['b'], { deduplicationKey: 'k' }), [{ id: first!.id, isDuplicate: true }]);
    await settleAll(engine, claimed);
    t.deepEqual(await send(engine, ['c'], { deduplicationKey: 'k' }), [{ id: first!.id, isDuplicate: true }]);
    t.is(await claim(engine), undefined);
  });

  test('within one call the first of a key is kept', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    const sent = await engine.send(orders, settings, [
      textMessage('a', { deduplicationKey: 'k' }),
      textMessage('b'),
      textMessage('c', { deduplicationKey: 'k' }),
      textMessage('d', { deduplicationKey: 'l' }),
    ]);
    t.deepEqual(
      sent.map(({ isDuplicate }) => isDuplicate),
      [false, false, true, false],
    );
    t.is(sent[2]!.id, sent[0]!.id);
    t.is(new Set(sent.map(({ id }) => id)).size, 3);
    t.deepEqual(await countsOf(engine), [3, 0, 0, 0]);
  });

  test('of calls at the same time one keeps its message', async (t) => {
    await using harness = await make();
    const { engine, other = engine } = harness;
    const sent = await Promise.all(
      Array.from({ length: 10 }, (_, call) =>
        send(call % 2 === 0 ? engine : other, ['a'], { deduplicationKey: 'k' }),
      ),
    );
    t.is(sent.flat().filter(({ isDuplicate }) => !isDuplicate).length, 1);
    t.is(new Set(sent.flat().map(({ id }) => id)).size, 1);
    t.deepEqual(await countsOf(engine), [1, 0, 0, 0]);
  });

  test('the window begins with the message that is kept, and ends', async (t) => {
    await using harness = await make();
    const { engine, advance, stepMs } = harness;
    const short = { ...settings, deduplicationMs: 4 * stepMs };
    const message = textMessage('a', { deduplicationKey: 'k' });
    const [first] = await engine.send(orders, short, [message]);
    await advance(2 * stepMs);
    t.true((await engine.send(orders, short, [message]))[0]!.isDuplicate);
    // A duplicate does not make it longer.
    await advance(2 * stepMs);
    const [third] = await engine.send(orders, short, [message]);
    t.false(third!.isDuplicate);
    t.not(third!.id, first!.id);
    t.deepEqual(await engine.send(orders, short, [message]), [{ id: third!.id, isDuplicate: true }]);
    t.deepEqual(await countsOf(engine), [2, 0, 0, 0]);
  });

  test('a window of nothing recognises nothing, not even within a call', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    const message = textMessage('a', { deduplicationKey: 'k' });
    const none = { ...settings, deduplicationMs: 0 };
    const sent = await engine.send(orders, none, [message, message]);
    sent.push(...(await engine.send(orders, none, [message])));
    t.deepEqual(
      sent.map(({ isDuplicate }) => isDuplicate),
      [false, false, false],
    );
    t.deepEqual(await countsOf(engine), [3, 0, 0, 0]);
  });
}
