import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Redis } from 'ioredis';
import { RedisQueueEngine } from '../../../host/store/queues/redis-queue-engine.ts';
import { until, within } from '../../harness/bounded.ts';
import { LeakCheck } from '../../harness/leaks.ts';
import { RedisServer } from '../../harness/redis-server.ts';
import { claim, claimSome, orders, send, settleAll, textsOf } from './conformance/harness.ts';
import { connected } from './redis-engines.ts';

/** A primary with replicas, and a sentinel that makes one of them the primary when it is gone. */
const leaks = new LeakCheck();
test.after.always(() => leaks.settled());

const UNAVAILABLE = { code: 'queue_unavailable' };
/** The sentinel takes one to two seconds to be sure, longer on a busy machine. */
const TRIES_MS = 60_000;

async function replicaOf({ port }: RedisServer): Promise<RedisServer> {
  const settings = { replicaof: `127.0.0.1 ${port}`, 'repl-diskless-sync-delay': '0' };
  return RedisServer.start({ settings });
}

/** Resolves when as many replicas have all that there is. */
async function replicated({ url }: RedisServer, replicas: number): Promise<void> {
  await asking(url, async (redis) => {
    await redis.set('replicated', 'yes');
    let reached = 0;
    const look = async (): Promise<boolean> => {
      reached = await redis.wait(replicas, 1_000);
      return reached >= replicas;
    };
    await until(look, () => `${reached} of ${replicas} replicas have what the primary has`);
  });
}

/** Resolves when its replica has said that it has all that there is, so that whoever waits for no more than that is answered at once. */
async function caughtUp({ url }: RedisServer): Promise<void> {
  await asking(url, async (redis) => {
    let info = '';
    const offset = (pattern: RegExp): string | undefined => pattern.exec(info)?.[1];
    const look = async (): Promise<boolean> => {
      info = await redis.info('replication');
      const its = offset(/offset=(\d+)/);
      return its !== undefined && its === offset(/master_repl_offset:(\d+)/);
    };
    await until(look, () => `the replica has not caught up:\n${info}`);
  });
}

/** A connection that goes with what is asked, however that ends: one that is left keeps the process. */
async function asking(url: string, ask: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = new Redis(url);
  try {
    await ask(redis);
  } finally {
    redis.disconnect();
  }
}

/** As often as it takes: on a busy machine a replica may be late by more than a send waits. */
async function sendUntilTaken(engine: RedisQueueEngine, text: string): Promise<void> {
  let refusal: unknown;
  const look = (): Promise<boolean> =>
    send(engine, [text]).then(
      () => true,
      (error: unknown) => {
        refusal = error;
        return false;
      },
    );
  await until(look, () => `nothing that is sent is taken: ${refusal}`);
}

test.serial(
  'a failover: nothing accepted is lost, sending and handing out go on by themselves',
  async (t) => {
    t.timeout(3 * TRIES_MS);
    await using primary = await RedisServer.start({ settings: { 'repl-diskless-sync-delay': '0' } });
    await using first = await replicaOf(primary);
    await using second = await replicaOf(primary);
    t.not(first.port, second.port);
    await replicated(primary, 2);
    await using sentinel = await RedisServer.start({ sentinelOf: { group: 'mayfly', port: primary.port } });
    const url = `redis-sentinel://127.0.0.1:${sentinel.port}#mayfly`;
    await using engine = new RedisQueueEngine({ url, replicas: 1, timeoutMs: 2_000 });
    await connected(engine);

    const accepted: string[] = [];
    const accept = async (text: string): Promise<void> => {
      await send(engine, [text]);
      accepted.push(text);
    };
    for (let index = 0; index < 50; index++) {
      await sendUntilTaken(engine, `before ${index}`);
      accepted.push(`before ${index}`);
    }
    const held = await claimSome(engine, { maxMessages: 10 });
    const { promise: told, resolve: tell } = Promise.withResolvers<void>();
    let isGone = false;
    const stop = engine.onWork(orders, () => {
      if (isGone) tell();
    });
    isGone = true;
    await primary.kill();

    let refused = 0;
    const startedMs = performance.now();
    for (let index = 0; accepted.length < 100 && performance.now() - startedMs < TRIES_MS; index++) {
      try {
        await accept(`after ${index}`);
      } catch (error) {
        t.like(error, UNAVAILABLE);
        refused++;
        // As a caller would: it is told to try again, not to hammer.
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    t.is(accepted.length, 100);
    t.true(refused > 0, 'the primary was not missed');
    await within(told, TRIES_MS, () => 'nobody who waits was told of the new primary');
    stop();

    // What was handed out before is still held, and can be settled.
    t.true(await settleAll(engine, held));
    const handled = new Set(textsOf(held));
    for (let claimed = await claim(engine, { maxMessages: 100 }); claimed !== undefined; ) {
      for (const text of textsOf(claimed)!) handled.add(text);
      t.true(await settleAll(engine, claimed));
      claimed = await claim(engine, { maxMessages: 100 });
    }
    t.deepEqual(
      accepted.filter((text) => !handled.has(text)),
      [],
    );
  },
);

test.serial('a message that no replica took is refused; whoever reads does not wait for it', async (t) => {
  await using primary = await RedisServer.start({ settings: { 'repl-diskless-sync-delay': '0' } });
  await using replica = await replicaOf(primary);
  await replicated(primary, 1);
  await using engine = new RedisQueueEngine({ url: primary.url, replicas: 1, timeoutMs: 4_000 });
  await connected(engine);
  await sendUntilTaken(engine, 'replicated');
  replica.pause();
  let isRefused = false;
  const refusal = t
    .throwsAsync(send(engine, ['alone']), { ...UNAVAILABLE, message: /0 of 1 replicas/ })
    .then(() => {
      isRefused = true;
    });
  t.deepEqual(textsOf(await claimSome(engine, { maxMessages: 1 })), ['replicated']);
  // Where both are answered at once, the refusal is known a turn later.
  await setImmediate();
  t.false(isRefused, 'it had to wait for the replica');
  await refusal;
  replica.resume();
});

test.serial('a message whose script Redis has forgotten waits for its replica, too', async (t) => {
  await using primary = await RedisServer.start({ settings: { 'repl-diskless-sync-delay': '0' } });
  await using replica = await replicaOf(primary);
  await replicated(primary, 1);
  await using engine = new RedisQueueEngine({ url: primary.url, replicas: 1, timeoutMs: 2_000 });
  await connected(engine);
  await sendUntilTaken(engine, 'replicated');
  // As a Redis does by itself that has been given many others.
  await engine.link.command('SCRIPT', 'FLUSH');
  await caughtUp(primary);
  replica.pause();
  await t.throwsAsync(send(engine, ['alone']), { ...UNAVAILABLE, message: /0 of 1 replicas/ });
  replica.resume();
});

test.serial('what was sent before a queue is removed, and waits for a replica, goes with it', async (t) => {
  await using primary = await RedisServer.start({ settings: { 'repl-diskless-sync-delay': '0' } });
  await using replica = await replicaOf(primary);
  await replicated(primary, 1);
  await using engine = new RedisQueueEngine({ url: primary.url, replicas: 1, timeoutMs: 10_000 });
  await connected(engine);
  await send(engine, ['replicated']);
  replica.pause();
  const sent = [send(engine, ['first'])];
  await setImmediate();
  sent.push(send(engine, ['behind it']));
  await until(
    async () => (await engine.counts(orders)).ready >= 2,
    () => 'what was sent is not there',
  );
  const removed = engine.remove(orders);
  // Asked for behind the removal, on the connection that waits for no replica.
  await engine.counts(orders);
  replica.resume();
  await Promise.all([...sent, removed]);
  t.like(await engine.counts(orders), { ready: 0, delayed: 0, inFlight: 0, dead: 0 });
});
