import {
  CAUSE,
  claim,
  claimSome,
  type MakeHarness,
  nextWork,
  orders,
  ordersFunction,
  send,
  settings,
  settleAll,
  type Test,
  textMessage,
  textsOf,
} from './harness.ts';

/** Whoever waits for work is told, and nobody has to ask again and again. */
export function wakeUpTests(test: Test, make: MakeHarness): void {
  test('who waits is told of a message, also of one that another host sent', async (t) => {
    await using harness = await make();
    const { engine, other = engine } = harness;
    const first = nextWork(engine);
    await send(engine, ['a']);
    await first;
    t.deepEqual(textsOf(await claim(engine)), ['a']);
    const second = nextWork(engine);
    await send(other, ['b']);
    await second;
    t.deepEqual(textsOf(await claim(engine)), ['b']);
  });

  test('who waits is told when a delay is over', async (t) => {
    await using harness = await make();
    const { engine, now, advance, stepMs } = harness;
    await send(engine, ['a'], { deliverAtMs: now() + 3 * stepMs });
    await advance(stepMs);
    t.is(await claim(engine), undefined);
    const work = nextWork(engine);
    await advance(2 * stepMs);
    await work;
    t.deepEqual(textsOf(await claim(engine)), ['a']);
  });

  test('who waits is told of the earlier of two delays, whichever was sent first', async (t) => {
    await using harness = await make();
    const { engine, now, advance, stepMs } = harness;
    await send(engine, ['late'], { deliverAtMs: now() + 100 * stepMs });
    await send(engine, ['soon'], { deliverAtMs: now() + 3 * stepMs });
    await advance(stepMs);
    const work = nextWork(engine);
    await advance(2 * stepMs);
    await work;
    t.deepEqual(textsOf(await claim(engine)), ['soon']);
  });

  test('who waits is told when a retry is due', async (t) => {
    await using harness = await make();
    const { engine, now, advance, stepMs } = harness;
    await send(engine, ['a1', 'a2'], { groupKey: 'a' });
    const claimed = await claimSome(engine, { maxMessages: 1 });
    await settleAll(engine, claimed, (id) => ({
      id,
      kind: 'retry',
      atMs: now() + 3 * stepMs,
      cause: CAUSE,
    }));
    await advance(stepMs);
    t.is(await claim(engine), undefined);
    const work = nextWork(engine);
    await advance(2 * stepMs);
    await work;
    t.deepEqual(textsOf(await claim(engine)), ['a1', 'a2']);
  });

  test('who waits is told when a lease expires, also one that was extended', async (t) => {
    await using harness = await make();
    const { engine, advance, stepMs } = harness;
    await send(engine, ['a']);
    const held = await claimSome(engine, { visibilityMs: 2 * stepMs });
    await engine.extend(held, 5 * stepMs);
    await advance(3 * stepMs);
    t.is(await claim(engine), undefined);
    const work = nextWork(engine);
    await advance(2 * stepMs);
    await work;
    t.deepEqual(textsOf(await claim(engine)), ['a']);
  });

  test('who waits is told when a claim ends, by whichever host', async (t) => {
    await using harness = await make();
    const { engine, other = engine } = harness;
    await send(engine, ['a', 'b']);
    const options = { maxMessages: 1, maxClaims: 1 };
    const held = await claimSome(other, options);
    t.is(await claim(engine, options), undefined);
    const work = nextWork(engine);
    await settleAll(other, held);
    await work;
    t.deepEqual(textsOf(await claim(engine, options)), ['b']);
  });

  test('who waits is told of what is redriven', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    await send(engine, ['a']);
    await settleAll(engine, await claimSome(engine), (id) => ({ id, kind: 'dead', cause: CAUSE }));
    const work = nextWork(engine);
    await engine.redrive(orders);
    await work;
    t.deepEqual(textsOf(await claim(engine)), ['a']);
  });

  test('an idle queue wakes nobody, and who has left is not told', async (t) => {
    await using harness = await make();
    const { engine, advance, stepMs } = harness;
    let calls = 0;
    let callsOfGone = 0;
    engine.onWork(orders, () => calls++);
    const leave = engine.onWork(orders, () => callsOfGone++);
    await send(engine, ['held']);
    await claimSome(engine);
    await send(engine, ['later'], { deliverAtMs: harness.now() + 1_000 * stepMs });
    leave();
    leave();
    await advance(stepMs);
    const before = calls;
    const beforeOfGone = callsOfGone;
    await engine.send(ordersFunction, settings, [textMessage('elsewhere')]);
    await advance(5 * stepMs);
    t.is(calls, before);
    const work = nextWork(engine);
    await send(engine, ['a']);
    await work;
    t.true(calls > before);
    t.is(callsOfGone, beforeOfGone);
  });
}
