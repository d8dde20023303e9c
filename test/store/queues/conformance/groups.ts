import {
  CAUSE,
  claim,
  claimSome,
  countsOf,
  type MakeHarness,
  orders,
  send,
  settings,
  settleAll,
  type Test,
  textMessage,
  textOf,
  textsOf,
} from './harness.ts';

/** Order within a group, parallelism across groups. */
export function groupTests(test: Test, make: MakeHarness): void {
  test('a group is in one claim at a time; others go on beside it', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    await send(engine, ['a1', 'a2', 'a3'], { groupKey: 'a' });
    await send(engine, ['b1'], { groupKey: 'b' });
    await send(engine, ['free']);
    const first = await claimSome(engine, { maxMessages: 1 });
    t.deepEqual(textsOf(first), ['a1']);
    const rest = [await claim(engine, { maxMessages: 1 }), await claim(engine, { maxMessages: 1 })];
    t.deepEqual(rest.map((each) => textsOf(each)?.join()).sort(), ['b1', 'free']);
    t.is(await claim(engine), undefined);
    t.deepEqual(await countsOf(engine), [2, 0, 3, 0]);
    await settleAll(engine, first);
    t.deepEqual(textsOf(await claim(engine)), ['a2', 'a3']);
  });

  test('messages of one group may share a claim, in order, as far as its bounds go', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    await send(engine, ['a1', 'a2'], { groupKey: 'a' });
    await send(engine, ['b1', 'b2'], { groupKey: 'b' });
    await send(engine, ['a3', 'a4'], { groupKey: 'a' });
    const seen: string[] = [];
    for (let batch = await claim(engine, { maxMessages: 3 }); batch; ) {
      seen.push(...batch.messages.map(textOf));
      await settleAll(engine, batch);
      batch = await claim(engine, { maxMessages: 3 });
    }
    t.deepEqual(
      seen.filter((text) => text.startsWith('a')),
      ['a1', 'a2', 'a3', 'a4'],
    );
    t.deepEqual(
      seen.filter((text) => text.startsWith('b')),
      ['b1', 'b2'],
    );
    t.is(seen.length, 6);
  });

  test('a bound of bytes does not let a small message pass a large one of its group', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    await send(engine, ['x'.repeat(60), 'y'.repeat(60), 'z'], { groupKey: 'a' });
    const sizes = async () => {
      const batch = await claim(engine, { maxBytes: 100 });
      if (batch) await settleAll(engine, batch);
      return batch?.messages.map(({ body }) => body.length);
    };
    t.deepEqual(await sizes(), [60]);
    t.deepEqual(await sizes(), [60, 1]);
  });

  test('while the head of a group waits to be tried again, nothing of it is handed out', async (t) => {
    await using harness = await make();
    const { engine, now, advance, stepMs } = harness;
    await send(engine, ['a1', 'a2', 'a3'], { groupKey: 'a' });
    const first = await claimSome(engine, { maxMessages: 1 });
    await settleAll(engine, first, (id) => ({
      id,
      kind: 'retry',
      atMs: now() + 4 * stepMs,
      cause: CAUSE,
    }));
    await send(engine, ['a4'], { groupKey: 'a' });
    t.is(await claim(engine), undefined);
    t.deepEqual(await countsOf(engine), [3, 1, 0, 0]);
    await advance(4 * stepMs);
    const again = await claimSome(engine);
    t.deepEqual(textsOf(again), ['a1', 'a2', 'a3', 'a4']);
    t.deepEqual(
      again.messages.map(({ attempts }) => attempts),
      [2, 1, 1, 1],
    );
  });

  test('a message that was given back keeps its place before the others, and they theirs', async (t) => {
    await using harness = await make();
    const { engine, now } = harness;
    await send(engine, ['a1', 'a2', 'a3', 'a4'], { groupKey: 'a' });
    const claimed = await claimSome(engine, { maxMessages: 3 });
    const [a1, a2, a3] = claimed.messages;
    await engine.settle(claimed, [{ id: a3!.id, kind: 'retry', atMs: now(), cause: CAUSE }]);
    // The others of the claim are still in flight: one claim of a group at a time.
    t.is(await claim(engine), undefined);
    await engine.settle(claimed, [{ id: a1!.id, kind: 'release', atMs: now() }]);
    t.is(await claim(engine), undefined);
    await engine.settle(claimed, [{ id: a2!.id, kind: 'done' }]);
    t.deepEqual(textsOf(await claim(engine)), ['a1', 'a3', 'a4']);
  });

  test('a group whose claim expires starts again where it was', async (t) => {
    await using harness = await make();
    const { engine, advance, stepMs } = harness;
    await send(engine, ['a1', 'a2', 'a3'], { groupKey: 'a' });
    await claimSome(engine, { maxMessages: 2, visibilityMs: 2 * stepMs });
    t.is(await claim(engine), undefined);
    await advance(2 * stepMs);
    const again = await claimSome(engine);
    t.deepEqual(textsOf(again), ['a1', 'a2', 'a3']);
    t.deepEqual(
      again.messages.map(({ attempts }) => attempts),
      [2, 2, 1],
    );
  });

  test('a dead head lets the next one through', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    await send(engine, ['a1', 'a2'], { groupKey: 'a' });
    const claimed = await claimSome(engine, { maxMessages: 1 });
    await settleAll(engine, claimed, (id) => ({ id, kind: 'dead', cause: CAUSE }));
    t.deepEqual(textsOf(await claim(engine)), ['a2']);
  });

  test('a delayed message holds those of its group back that were sent after it', async (t) => {
    await using harness = await make();
    const { engine, now, advance, stepMs } = harness;
    await engine.send(orders, settings, [
      textMessage('a1', { groupKey: 'a' }),
      textMessage('a2', { groupKey: 'a', deliverAtMs: now() + 4 * stepMs }),
      textMessage('a3', { groupKey: 'a' }),
    ]);
    const first = await claimSome(engine);
    t.deepEqual(textsOf(first), ['a1']);
    await settleAll(engine, first);
    t.is(await claim(engine), undefined);
    await advance(4 * stepMs);
    t.deepEqual(textsOf(await claim(engine)), ['a2', 'a3']);
  });
}
