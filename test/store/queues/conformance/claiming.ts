import {
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

const CAUSE = { code: 'item_failed', detail: 'no luck: "é"' };

/** Claims, their leases, and what settling does. */
export function claimingTests(test: Test, make: MakeHarness): void {
  test('a claim is bounded in messages and bytes, but one message always fits', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    for (const size of [60, 50, 30, 500, 10]) {
      await engine.send(orders, settings, [textMessage('x'.repeat(size))]);
    }
    const sizes = async (maxMessages: number, maxBytes: number) =>
      (await claim(engine, { maxMessages, maxBytes }))?.messages.map(({ body }) => body.length);
    t.deepEqual(await sizes(10, 100), [60]);
    t.deepEqual(await sizes(10, 100), [50, 30]);
    t.deepEqual(await sizes(10, 100), [500]);
    t.deepEqual(await sizes(1, 100), [10]);
    t.is(await sizes(10, 100), undefined);
  });

  test('what is settled as done is gone; the rest of the claim stays in flight', async (t) => {
    await using harness = await make();
    const { engine, now, advance, stepMs } = harness;
    await send(engine, ['a', 'b', 'c']);
    const claimed = await claimSome(engine, { visibilityMs: 5 * stepMs });
    t.true(claimed.expiresAtMs <= now() + 5 * stepMs);
    const [a, b, c] = claimed.messages;
    t.true(await engine.settle(claimed, [{ id: a!.id, kind: 'done' }]));
    t.deepEqual(await countsOf(engine), [0, 0, 2, 0]);
    // Repeated after a lost answer, and with an id that was never in it.
    await engine.settle(claimed, [{ id: a!.id, kind: 'dead', cause: CAUSE }]);
    t.deepEqual(await countsOf(engine), [0, 0, 2, 0]);
    t.true(
      await engine.settle(
        claimed,
        [b!, c!].map(({ id }) => ({ id, kind: 'done' as const })),
      ),
    );
    t.deepEqual(await countsOf(engine), [0, 0, 0, 0]);
    await settleAll(engine, claimed, (id) => ({ id, kind: 'dead', cause: CAUSE }));
    t.false(await engine.extend(claimed, 5 * stepMs));
    await advance(6 * stepMs);
    t.deepEqual(await countsOf(engine), [0, 0, 0, 0]);
    t.is(await claim(engine), undefined);
  });

  test('a lease that expires gives its messages back, with the attempt counted; its holder can do nothing more', async (t) => {
    await using harness = await make();
    const { engine, advance, stepMs } = harness;
    await send(engine, ['a', 'b']);
    const lost = await claimSome(engine, { visibilityMs: 2 * stepMs });
    t.is(await claim(engine), undefined);
    await advance(2 * stepMs);
    t.deepEqual(await countsOf(engine), [2, 0, 0, 0]);
    t.false(await engine.extend(lost, 2 * stepMs));
    t.false(await settleAll(engine, lost));
    t.deepEqual(await countsOf(engine), [2, 0, 0, 0]);
    const again = await claimSome(engine);
    t.deepEqual(again.messages.map(textOf), ['a', 'b']);
    t.deepEqual(
      again.messages.map(({ attempts, lastCause }) => [attempts, lastCause?.code]),
      [
        [2, 'lease_expired'],
        [2, 'lease_expired'],
      ],
    );
    // The new holder's claim is not the old one's to settle or extend.
    t.false(await settleAll(engine, lost));
    t.false(await engine.extend(lost, 2 * stepMs));
    t.deepEqual(await countsOf(engine), [0, 0, 2, 0]);
    t.true(await settleAll(engine, again));
  });

  test('a late settle is refused even when nobody has looked since the lease expired', async (t) => {
    await using harness = await make();
    const { engine, advance, stepMs } = harness;
    await send(engine, ['a']);
    const lost = await claimSome(engine, { visibilityMs: stepMs });
    await advance(stepMs);
    t.false(await settleAll(engine, lost));
    t.deepEqual(textsOf(await claim(engine)), ['a']);
  });

  test('a lease that is extended holds for longer, and not for ever', async (t) => {
    await using harness = await make();
    const { engine, advance, stepMs } = harness;
    await send(engine, ['a']);
    const held = await claimSome(engine, { visibilityMs: 3 * stepMs });
    await advance(stepMs);
    t.true(await engine.extend(held, 5 * stepMs));
    await advance(3 * stepMs);
    t.is(await claim(engine), undefined);
    t.deepEqual(await countsOf(engine), [0, 0, 1, 0]);
    t.true(await engine.extend(held, 3 * stepMs));
    await advance(3 * stepMs);
    const next = await claimSome(engine);
    t.is(next.messages[0]!.attempts, 2);
    t.false(await settleAll(engine, held));
  });

  test('a retry waits until its time, counts the attempt and carries the cause', async (t) => {
    await using harness = await make();
    const { engine, advance, now, stepMs } = harness;
    await send(engine, ['a']);
    const first = await claimSome(engine);
    t.is(first.messages[0]!.lastCause, undefined);
    await settleAll(engine, first, (id) => ({
      id,
      kind: 'retry',
      atMs: now() + 3 * stepMs,
      cause: CAUSE,
    }));
    t.is(await claim(engine), undefined);
    t.deepEqual(await countsOf(engine), [0, 1, 0, 0]);
    await advance(3 * stepMs);
    t.deepEqual(await countsOf(engine), [1, 0, 0, 0]);
    const second = await claimSome(engine);
    const [message] = second.messages;
    t.is(message!.id, first.messages[0]!.id);
    t.is(message!.sentAtMs, first.messages[0]!.sentAtMs);
    t.is(message!.attempts, 2);
    t.deepEqual(message!.lastCause, CAUSE);
    await settleAll(engine, second, (id) => ({ id, kind: 'retry', atMs: now() - 1, cause: CAUSE }));
    t.is((await claimSome(engine)).messages[0]!.attempts, 3);
  });

  test('a release gives back without counting the attempt', async (t) => {
    await using harness = await make();
    const { engine, advance, now, stepMs } = harness;
    await send(engine, ['a']);
    const retried = await claimSome(engine);
    await settleAll(engine, retried, (id) => ({ id, kind: 'retry', atMs: now(), cause: CAUSE }));
    const released = await claimSome(engine);
    t.is(released.messages[0]!.attempts, 2);
    await settleAll(engine, released, (id) => ({ id, kind: 'release', atMs: now() + 3 * stepMs }));
    t.is(await claim(engine), undefined);
    t.deepEqual(await countsOf(engine), [0, 1, 0, 0]);
    await advance(3 * stepMs);
    const { messages } = await claimSome(engine);
    t.is(messages[0]!.attempts, 2);
    t.deepEqual(messages[0]!.lastCause, CAUSE);
  });

  test('a claim may be settled in every way at once', async (t) => {
    await using harness = await make();
    const { engine, now, stepMs } = harness;
    await send(engine, ['done', 'retry', 'release', 'dead']);
    const claimed = await claimSome(engine);
    await engine.settle(
      claimed,
      claimed.messages.map((message) => {
        const { id } = message;
        const atMs = now() + 100 * stepMs;
        if (textOf(message) === 'retry') return { id, kind: 'retry', atMs, cause: CAUSE };
        if (textOf(message) === 'release') return { id, kind: 'release', atMs: now() };
        if (textOf(message) === 'dead') return { id, kind: 'dead', cause: CAUSE };
        return { id, kind: 'done' };
      }),
    );
    t.deepEqual(await countsOf(engine), [1, 1, 0, 1]);
    t.deepEqual(textsOf(await claim(engine)), ['release']);
  });

  test('no more claims of a queue are held than allowed, by all claimers together', async (t) => {
    await using harness = await make();
    const { engine, other = engine, advance, stepMs } = harness;
    await send(engine, ['a', 'b', 'c', 'd', 'e', 'f']);
    const options = { maxMessages: 1, maxClaims: 3, visibilityMs: 4 * stepMs };
    const claims = await Promise.all(
      Array.from({ length: 6 }, (_, index) => claim(index % 2 === 0 ? engine : other, options)),
    );
    const held = claims.filter((each) => each !== undefined);
    t.is(held.length, 3);
    t.is(await claim(other, options), undefined);
    // Claims end when they are settled, whatever becomes of their messages ...
    t.true(await settleAll(engine, held[0]!));
    const fourth = await claim(other, options);
    t.truthy(fourth);
    t.is(await claim(engine, options), undefined);
    // ... and when their lease expires.
    t.true(await engine.extend(fourth!, 100 * stepMs));
    await advance(4 * stepMs);
    t.truthy(await claim(other, options));
    t.truthy(await claim(engine, options));
    t.is(await claim(other, options), undefined);
  });
}
