/** Two hosts that share one Redis: each message is handled by one of them, and both go on by themselves when Redis has been away. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Redis } from 'ioredis';
import { buildHandler } from '../../guest-sdk/build/handler.ts';
import { resolveConfig } from '../../host/config.ts';
import { Recorder } from '../crash/recorder.ts';
import { type Json, TestHost } from '../harness/host.ts';
import { LeakCheck } from '../harness/leaks.ts';
import { RedisServer } from '../harness/redis-server.ts';

const leaks = new LeakCheck();
test.after.always(() => leaks.settled());

const GUEST = fileURLToPath(new URL('../crash/guests/reporting.ts', import.meta.url));

async function change(host: TestHost, method: string, path: string, body: Json): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const { status, json } = await host.api(path, { method, headers, body: JSON.stringify(body) });
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
}

/** A host whose function handles the queue `orders` and the stream `feed`. */
async function hostIn(
  folder: string,
  redis: RedisServer,
  recorder: Recorder,
  component: Uint8Array,
): Promise<TestHost> {
  const env = {
    MAYFLY_PORT: '0',
    MAYFLY_THREADS: '1',
    MAYFLY_DATA_DIR: folder,
    MAYFLY_REDIS_URL: redis.url,
  };
  const host = new TestHost(resolveConfig(env, folder));
  await host.start();
  await host.deploy('report', component, {
    allowedHosts: [recorder.host],
    environment: { RECORDER: `http://${recorder.host}/` },
  });
  await change(host, 'PUT', '/queues/orders', {});
  const settings = { function: 'report', batchSize: 1, retryBaseMs: 10, retryMaximumMs: 100 };
  for (const [name, source] of [
    ['orders', { type: 'queue', queue: 'orders' }],
    ['feed', { type: 'redis-stream', key: 'feed', consumerGroup: 'both', startingPosition: 'trim-horizon' }],
  ] as const)
    await change(host, 'PUT', `/event-source-mappings/${name}`, { ...settings, source });
  return host;
}

async function send(host: TestHost, body: string): Promise<number> {
  return (await host.api('/queues/orders/messages', { method: 'POST', body })).status;
}

async function handledBy(host: TestHost): Promise<number> {
  return (await host.api('/event-source-mappings/orders')).json.status.counts.succeeded;
}

test('hosts share the work of a queue and of a stream, before and after Redis was away', async (t) => {
  t.timeout(240_000);
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-shared-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const { component } = await buildHandler(GUEST);
  const redis = stack.use(await RedisServer.start());
  const recorder = stack.use(await Recorder.start());
  const [one, other] = await Promise.all(
    ['one', 'other'].map((name) => hostIn(join(folder, name), redis, recorder, component)),
  );
  for (const host of [one!, other!]) stack.defer(() => host.dispose());
  const writer = new Redis(redis.url);
  // Said by the hosts, who lose it as well.
  writer.on('error', () => {});
  stack.defer(() => writer.disconnect());
  let sent = 0;
  const sendOne = async (): Promise<void> => {
    t.is(await send(sent % 2 === 0 ? one! : other!, `order ${sent}`), 202);
    sent++;
  };
  const add = async (): Promise<void> => {
    await writer.xadd('feed', '*', 'body', `entry ${sent}`);
    sent++;
  };

  while ((await handledBy(one!)) === 0 || (await handledBy(other!)) === 0) await sendOne();
  for (let entry = 0; entry < 5; entry++) await add();
  await recorder.reached(sent);

  await redis.kill();
  t.is(await send(one!, 'refused'), 503);
  await redis.restart();
  while ((await send(other!, `order ${sent}`)) !== 202) await new Promise((next) => setImmediate(next));
  sent++;
  while ((await send(one!, `order ${sent}`)) !== 202) await new Promise((next) => setImmediate(next));
  sent++;
  for (let entry = 0; entry < 5; entry++) await add();
  await recorder.reached(sent);

  const ids = recorder.batches.flatMap(({ messages }) => messages.map(({ id }) => id));
  t.is(ids.length, sent, 'each once');
  t.is(new Set(ids).size, sent);
  for (const host of [one!, other!]) {
    t.true(host.reports.some((line) => line.includes('is away')));
    t.true(host.reports.some((line) => line.includes('is back')));
  }
});
