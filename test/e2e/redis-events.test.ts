/** Hosts that share one Redis: what one accepts, another handles; and a stream that other programs write to. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Redis } from 'ioredis';
import { resolveConfig } from '../../host/config.ts';
import { betweenLooks } from '../harness/between-looks.ts';
import { eventGuest } from '../harness/event-guests.ts';
import { type Json, TestHost } from '../harness/host.ts';
import { RedisServer } from '../harness/redis-server.ts';

let redis: RedisServer;
let folder: string;
let component: Uint8Array;

test.before(async () => {
  [redis, folder, component] = await Promise.all([
    RedisServer.start(),
    mkdtemp(join(tmpdir(), 'mayfly-redis-events-')),
    eventGuest('queue'),
  ]);
});
test.after.always(async () => {
  await redis[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function hostNamed(name: string): Promise<TestHost> {
  const env = {
    MAYFLY_PORT: '0',
    MAYFLY_THREADS: '1',
    MAYFLY_DATA_DIR: join(folder, name),
    MAYFLY_REDIS_URL: redis.url,
    MAYFLY_REDIS_PREFIX: `test-${randomBytes(4).toString('hex')}`,
  };
  const host = new TestHost(resolveConfig(env, folder));
  await host.start();
  return host;
}

async function change(host: TestHost, path: string, body: Json): Promise<Json> {
  const headers = { 'content-type': 'application/json' };
  const { status, json } = await host.api(path, { method: 'PUT', headers, body: JSON.stringify(body) });
  if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(json)}`);
  return json;
}

/** A mapping once its consumer has handled `count` messages. */
async function handled(host: TestHost, mapping: string, count: number): Promise<Json> {
  for (;;) {
    const { json } = await host.api(`/event-source-mappings/${mapping}`);
    if (json.status.counts.succeeded >= count) return json;
    await betweenLooks();
  }
}

test.serial(
  'what is sent through Redis is handled, and Redis is where it waits over a restart',
  async (t) => {
    const host = await hostNamed('one');
    try {
      await host.deploy('handle', component);
      await change(host, '/queues/orders', {});
      const mapping = { source: { type: 'queue', queue: 'orders' }, function: 'handle' };
      await change(host, '/event-source-mappings/orders', { ...mapping, enabled: false });
      for (const body of ['a', 'b']) {
        const { status } = await host.api('/queues/orders/messages', { method: 'POST', body });
        t.is(status, 202);
      }
      await host.stop();
      await host.start();
      t.like((await host.api('/queues/orders')).json, { counts: { ready: 2 } });
      await change(host, '/event-source-mappings/orders', mapping);
      await handled(host, 'orders', 2);
    } finally {
      await host.dispose();
    }
  },
);

test.serial(
  'entries that another program adds to a stream are handled, from where the group begins',
  async (t) => {
    const client = new Redis(redis.url);
    const host = await hostNamed('stream');
    try {
      await client.xadd('feed', '*', 'body', 'first');
      await host.deploy('handle', component);
      await change(host, '/event-source-mappings/feed', {
        source: { type: 'redis-stream', key: 'feed', startingPosition: 'trim-horizon' },
        function: 'handle',
      });
      await handled(host, 'feed', 1);
      await client.xadd('feed', '*', 'body', 'second');
      const { source } = await handled(host, 'feed', 2);

      t.is(source.consumerGroup, 'mayfly:default:feed');
    } finally {
      client.disconnect();
      await host.dispose();
    }
  },
);

test.serial(
  'what is given up of a stream is a dead letter with its cause, tried again when asked, and dropped',
  async (t) => {
    const client = new Redis(redis.url);
    const host = await hostNamed('dead-stream');
    const letters = '/event-source-mappings/poisoned/dead-letters';
    const until = async (path: string, isThere: (json: Json) => boolean): Promise<Json> => {
      for (;;) {
        const { json } = await host.api(path);
        if (isThere(json)) return json;
        await betweenLooks();
      }
    };
    const redrive = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    try {
      await host.deploy('handle', component);
      await change(host, '/event-source-mappings/poisoned', {
        source: { type: 'redis-stream', key: 'poisoned', startingPosition: 'trim-horizon' },
        function: 'handle',
        maximumAttempts: 2,
        retryBaseMs: 1,
        retryMaximumMs: 1,
      });
      const entry = await client.xadd('poisoned', '*', 'body', 'trouble', 'Shop', '7');
      const { messages } = await until(letters, (page) => page.messages.length > 0);
      t.like(messages[0], { attempts: 2, body: 'trouble', cause: { code: 'function_trapped' } });
      t.deepEqual(messages[0].attributes, { shop: '7', 'redis-stream-id': entry });
      t.like((await host.api('/event-source-mappings/poisoned')).json.counts, { ready: 0, dead: 1 });

      t.deepEqual((await host.api(`${letters}/redrive`, redrive)).json, { count: 1 });
      const { status } = await until(
        '/event-source-mappings/poisoned',
        ({ status: { inFlight, counts: all } }) => inFlight === 0 && all.dead === 2,
      );
      t.is(status.counts.retried, 2, 'each time with all of its attempts');
      const again = await until(letters, (page) => page.messages.length > 0);
      t.like(again.messages[0], { id: messages[0].id, attempts: 2 });
      t.is(await client.xlen('poisoned'), 1);

      t.deepEqual((await host.api(letters, { method: 'DELETE' })).json, { count: 1 });
      t.deepEqual((await host.api(letters)).json.messages, []);
    } finally {
      client.disconnect();
      await host.dispose();
    }
  },
);
