import test, { type ExecutionContext } from 'ava';
import { queueKey } from '../../../host/model/queue.ts';
import { RedisQueueEngine } from '../../../host/store/queues/redis-queue-engine.ts';
import { LeakCheck } from '../../harness/leaks.ts';
import { RedisServer } from '../../harness/redis-server.ts';
import { claim, claimSome, orders, send, settleAll, textsOf } from './conformance/harness.ts';
import { connected } from './redis-engines.ts';

/** What a host that has listened for long hears of another one. */
const leaks = new LeakCheck();
const server = await RedisServer.start({ settings: { appendfsync: 'no' } });
let makes = 0;

test.after.always(async () => {
  await server[Symbol.asyncDispose]();
  await leaks.settled();
});

const STEP_MS = 200;

/** Two hosts of an empty queue; one of them listens, and its calls are counted from here on. */
async function listening(t: ExecutionContext) {
  const options = { url: server.url, keyPrefix: `wake-${makes++}` };
  const [here, there] = [new RedisQueueEngine(options), new RedisQueueEngine(options)];
  t.teardown(async () => {
    await here[Symbol.asyncDispose]();
    await there[Symbol.asyncDispose]();
  });
  await Promise.all([connected(here), connected(there)]);
  let calls = 0;
  let { promise, resolve } = Promise.withResolvers<void>();
  here.onWork(orders, () => {
    calls++;
    resolve();
  });
  // The first message that it is told of shows that it listens.
  await send(there, ['first']);
  await promise;
  await settleAll(here, await claimSome(here));
  t.is(await claim(here), undefined);
  return {
    here,
    there,
    calls: () => calls,
    next: () => {
      ({ promise, resolve } = Promise.withResolvers<void>());
      return promise;
    },
  };
}

test('hosts that come and go leave no consumers behind', async (t) => {
  const keyPrefix = `wake-${makes++}`;
  const consumers = async (): Promise<unknown[]> => {
    await using engine = new RedisQueueEngine({ url: server.url, keyPrefix, host: `host-${makes++}` });
    await connected(engine);
    await send(engine, ['a']);
    await settleAll(engine, await claimSome(engine));
    const key = `${keyPrefix}:{${queueKey(orders)}}:now`;
    return (await engine.link.command('XINFO', 'CONSUMERS', key, 'mayfly')) as unknown[];
  };
  t.is((await consumers()).length, 1);
  t.is((await consumers()).length, 1);
});

test('it is told when a claim ends, if one was refused because of it', async (t) => {
  const { here, there, next } = await listening(t);
  await send(there, ['a', 'b']);
  const options = { maxMessages: 1, maxClaims: 1 };
  const held = await claimSome(there, options);
  t.is(await claim(here, options), undefined);
  const told = next();
  await settleAll(there, held);
  await told;
  t.deepEqual(textsOf(await claim(here, options)), ['b']);
});

test('it is told when a claim ends that had the group, and of what is given back', async (t) => {
  const { here, there, next } = await listening(t);
  await send(there, ['a1', 'a2'], { groupKey: 'a' });
  const held = await claimSome(there, { maxMessages: 1 });
  t.is(await claim(here), undefined);
  let told = next();
  await settleAll(there, held);
  await told;
  const rest = await claimSome(here);
  t.deepEqual(textsOf(rest), ['a2']);
  t.is(await claim(here), undefined);
  told = next();
  await settleAll(here, rest, (id) => ({ id, kind: 'release', atMs: 0 }));
  await told;
});

test('it is told when a lease expires of a host that has died', async (t) => {
  const { here, there, next } = await listening(t);
  await send(there, ['a']);
  await claimSome(there, { visibilityMs: 2 * STEP_MS });
  t.is(await claim(here), undefined);
  const told = next();
  await told;
  t.deepEqual(textsOf(await claim(here)), ['a']);
});

test('it is told of a delay that another host sends, also of one that is sooner', async (t) => {
  const { here, there, next } = await listening(t);
  await send(there, ['late'], { deliverAtMs: Date.now() + 600_000 });
  const told = next();
  await send(there, ['soon'], { deliverAtMs: Date.now() + STEP_MS });
  await told;
  t.deepEqual(textsOf(await claim(here)), ['soon']);
});

test('a queue in which there is something already is not announced with every message', async (t) => {
  const { here, there, calls } = await listening(t);
  const before = calls();
  await Promise.all(Array.from({ length: 500 }, (_, index) => send(there, [`${index}`])));
  // What is on its way comes before the answer to this, on the other connection, or shortly after.
  await claimSome(here);
  t.true(calls() - before < 100, `${calls() - before} calls`);
});
