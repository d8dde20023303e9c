import type { Claim } from '../../../../host/store/queues/queue-engine.ts';
import {
  claim,
  claims,
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

const CAUSE = { code: 'item_failed', detail: '' };

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `m${index}`);
}

function sizesOf(claimed: readonly Claim[]): number[][] {
  return claimed.map(({ messages }) => messages.map(({ body }) => body.length));
}

/** Claims that are asked for together, and such that end in one turn of the event loop. */
export function severalClaimsTests(test: Test, make: MakeHarness): void {
  test('several claims at once are what as many one after the other would be', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    await send(engine, numbered(25));
    const claimed = await claims(engine, { claims: 3 });
    t.deepEqual(claimed.flatMap(textsOf), numbered(25));
    t.deepEqual(
      claimed.map(({ messages }) => messages.length),
      [10, 10, 5],
    );
    t.is(new Set(claimed.map(({ lease }) => lease)).size, 3);
    t.deepEqual(await countsOf(engine), [0, 0, 25, 0]);
    t.deepEqual(await claims(engine, { claims: 3 }), []);
    t.true(await settleAll(engine, claimed[1]!));
    t.deepEqual(await countsOf(engine), [0, 0, 15, 0]);
  });

  test('of several claims no more are given than may be held', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    await send(engine, numbered(10));
    const options = { maxMessages: 1, maxClaims: 3, claims: 5 };
    t.is((await claims(engine, options)).length, 3);
    t.deepEqual(await claims(engine, options), []);
  });

  test('several claims share one bound of bytes; a single message passes it only where it is the first', async (t) => {
    await using harness = await make();
    const { engine } = harness;
    for (const size of [40, 40, 40, 40, 500, 10])
      await engine.send(orders, settings, [textMessage('x'.repeat(size))]);
    const options = { maxMessages: 2, maxBytes: 200, claims: 5 };
    const given: number[] = [];
    while (given.length < 6) {
      const claimed = await claims(engine, options);
      const sizes = sizesOf(claimed).flat();
      t.true(sizes.length > 0, 'something is always given');
      const sum = sizes.reduce((bytes, size) => bytes + size, 0);
      t.true(sum <= 200 || sizes.length === 1, `${sizes}`);
      given.push(...sizes);
    }
    t.deepEqual(given, [40, 40, 40, 40, 500, 10]);
  });

  test('a group is in one of several claims, and what failed before comes with its attempts', async (t) => {
    await using harness = await make();
    const { engine, now } = harness;
    const grouped = (text: string) => textMessage(text, { groupKey: text[0]! });
    await engine.send(orders, settings, [...['a1', 'a2', 'a3', 'b1'].map(grouped), textMessage('c')]);
    const first = await claims(engine, { maxMessages: 2, claims: 9 });
    const texts = first.flatMap((each) => textsOf(each) ?? []);
    // How much of a group goes into the one claim is the engine's choice.
    t.deepEqual(texts.filter((text) => text !== 'a2').sort(), ['a1', 'b1', 'c']);
    t.is(first.filter(({ messages }) => messages.some(({ groupKey }) => groupKey === 'a')).length, 1);
    for (const each of first)
      await settleAll(engine, each, (id) => ({ id, kind: 'retry', atMs: now(), cause: CAUSE }));
    const messages = [];
    for (;;) {
      const claimed = await claims(engine, { maxMessages: 3, claims: 9 });
      if (claimed.length === 0) break;
      messages.push(...claimed.flatMap((each) => each.messages));
      for (const each of claimed) t.true(await settleAll(engine, each));
    }
    t.deepEqual(messages.map(textOf).sort(), ['a1', 'a2', 'a3', 'b1', 'c']);
    t.true(messages.every((each) => each.attempts === (texts.includes(textOf(each)) ? 2 : 1)));
    t.deepEqual(await countsOf(engine), [0, 0, 0, 0]);
  });

  test('what never had to wait and what did are handed out together, each message once', async (t) => {
    await using harness = await make();
    const { engine, now } = harness;
    await send(engine, numbered(20));
    const early = await claims(engine, { maxMessages: 3, claims: 2 });
    for (const each of early)
      await settleAll(engine, each, (id) => ({ id, kind: 'retry', atMs: now(), cause: CAUSE }));
    const all: Claim[] = [];
    for (;;) {
      const claimed = await claims(engine, { maxMessages: 4, claims: 3 });
      if (claimed.length === 0) break;
      all.push(...claimed);
    }
    t.deepEqual(all.flatMap(textsOf).sort(), numbered(20).sort());
    const retried = all.flatMap(({ messages }) => messages.filter(({ attempts }) => attempts === 2));
    t.is(retried.length, 6);
  });

  test('claims that are settled in one turn are each answered for themselves', async (t) => {
    await using harness = await make();
    const { engine, advance, stepMs } = harness;
    await send(engine, numbered(45));
    const [expired] = await claims(engine, { maxMessages: 2, visibilityMs: stepMs });
    await advance(2 * stepMs);
    // Takes the two that have expired again.
    const held = await claims(engine, { maxMessages: 1, claims: 40 });
    t.is(held.length, 40);
    const [part] = await claims(engine, { maxMessages: 4 });
    await engine.settle(part!, [{ id: part!.messages[0]!.id, kind: 'done' }]);
    const answers = await Promise.all([expired!, ...held, part!].map((each) => settleAll(engine, each)));
    t.deepEqual(answers, [false, ...held.map(() => true), true]);
    t.deepEqual(await countsOf(engine), [1, 0, 0, 0]);
    t.deepEqual(textsOf(await claim(engine)), ['m44']);
  });
}
