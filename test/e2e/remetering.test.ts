/** A host that starts on what an older release published meters it again, while it serves. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, print } from '@bytecodealliance/jco-transpile/wasm-tools';
import test, { type ExecutionContext } from 'ava';
import { resolveConfig } from '../../host/config.ts';
import { ArtifactStore } from '../../host/store/artifacts.ts';
import { betweenLooks } from '../harness/between-looks.ts';
import { eventGuest } from '../harness/event-guests.ts';
import { cCommand, ECHO, exampleComponent } from '../harness/guests.ts';
import { holdUpload } from '../harness/held-upload.ts';
import { fuelOf, type Json, startTestHost, TestHost, testHost } from '../harness/host.ts';
import { HostProcess } from '../harness/host-process.ts';
import { LeakCheck } from '../harness/leaks.ts';
import { makeAllOlder } from '../harness/older-artifacts.ts';
import { Operator } from '../harness/operator.ts';
import { RedisServer } from '../harness/redis-server.ts';
import { SCRAPE_TOKEN, scrape, sumOf } from '../harness/scrape.ts';
import { plainCommand } from '../harness/wat-commands.ts';

let leaks: LeakCheck;
test.before(async () => {
  // The parser of text has a thread of its own from its first use on.
  await parse('(module)');
  leaks = new LeakCheck();
});
test.after.always(() => leaks.settled());

async function isolate(host: TestHost, isolation: string): Promise<void> {
  const { status, json } = await new Operator(host).api('PATCH', '/tenants/default/settings', { isolation });
  if (status !== 200) throw new Error(JSON.stringify(json));
}

/** What the operator is told once nothing waits. */
async function remetered(host: TestHost): Promise<Json> {
  const operator = new Operator(host);
  for (;;) {
    const { json } = await operator.api('GET', '/remetering');
    if (json.waiting === 0) return json;
    await betweenLooks();
  }
}

/**
 * Artifacts that the calls of a function ran on, once there are so many: those that answered with less first, and of these in the order in which
 * they ended (calls that end in the same millisecond are told apart by nothing else).
 */
async function artifactsOf(host: TestHost, name: string, count: number): Promise<string[]> {
  for (;;) {
    const { json } = await host.api('/usage?level=record');
    const rows: Json[] = json.rows.filter((row: Json) => row.function === name);
    if (rows.length >= count)
      return rows
        .sort((a, b) => a.responseBytes - b.responseBytes || a.endedAt.localeCompare(b.endedAt))
        .map(({ artifact }) => artifact);
    await betweenLooks();
  }
}

for (const isolation of ['shared', 'process']) {
  test.serial(
    `what runs ends on the old artifact, what comes takes the new one, for the same fuel: ${isolation}`,
    async (t) => {
      t.timeout(120_000);
      const host = await testHost(t, { env: { MAYFLY_THREADS: '2' } });
      await isolate(host, isolation);
      await host.deploy('echo', await cCommand(ECHO), { timeoutMs: 60_000 });
      const published = (await host.api('/functions/echo/versions')).json;
      // Published last, it comes first.
      await host.deploy('held', await exampleComponent('tiny-wat'));
      await host.stop();
      const older = await makeAllOlder(host.config.dataDir);
      const artifacts = new ArtifactStore(host.config.dataDir);
      const held = await holdUpload(artifacts.folder(older['held']!));
      await host.start();
      await held.opened;

      const call = (): ReturnType<TestHost['call']> =>
        host.call('echo', '/', { method: 'POST', body: 'hello' });
      const before = await call();
      t.is(before.text, 'hello');
      const rest = Promise.withResolvers<string>();
      const running = host.call('echo', '/', {
        method: 'POST',
        body: (async function* () {
          yield Buffer.from('begun');
          yield Buffer.from(await rest.promise);
        })(),
      });
      await new Operator(host).untilUsed('default', 'concurrency', 1);
      await held.deliver();
      t.like(await remetered(host), { state: 'done', done: 2, failed: [] });

      const after = await call();
      t.is(after.text, 'hello');
      t.is(fuelOf(after), fuelOf(before));
      rest.resolve(' before');
      const late = await running;
      t.is(late.text, 'begun before');
      const [first, second, third] = await artifactsOf(host, 'echo', 3);
      t.deepEqual([first, third], [older['echo'], older['echo']]);
      t.not(second, older['echo']);
      t.deepEqual((await host.api('/functions/echo/versions')).json, published);
      t.true(host.reports.some((line) => line.startsWith('metered again: 2 artifacts')));

      // Whoever was on the way to it finds it, although others are removed; a publish waits for that.
      await host.api('/functions/held', { method: 'DELETE' });
      await host.deploy('held', await exampleComponent('tiny-wat'));
      t.true((await artifacts.keys()).includes(older['echo']!));

      // Nothing is left to do, and nothing of the older ones is left.
      await host.stop();
      host.reports.splice(0);
      await host.start();
      t.like(await remetered(host), { done: 0 });
      t.is((await call()).text, 'hello');
      const keys = await artifacts.keys();
      t.is(keys.length, 2);
      t.true(keys.includes(second!));
      t.deepEqual(host.reports, []);
    },
  );
}

test.serial(
  'a loop that escapes the metering of an older artifact ends when it was metered again',
  async (t) => {
    t.timeout(120_000);
    const first = await testHost(t, { env: { MAYFLY_THREADS: '1', MAYFLY_REMETERING: '0' } });
    // Where nobody notices, a process is ended; a serving thread would be kept for good.
    await isolate(first, 'process');
    const loop = await parse(plainCommand('(func (export "run") (result i32) (loop (br 0)) (unreachable))'));
    // It has to have begun by then, on a busy machine, too.
    await first.deploy('loop', loop, { fuel: 10_000_000, timeoutMs: 10_000 });
    await first.stop();
    const { dataDir } = first.config;
    const { loop: older } = await makeAllOlder(dataDir);
    const path = join(new ArtifactStore(dataDir).folder(older!), 'component.core.wasm');
    const text = await print(await readFile(path));
    // The loop's own check, which finds nothing any more.
    const blind = text.replace('i64.const 16384', `i64.const ${2n ** 63n - 1n}`);
    t.not(blind, text);
    await writeFile(path, await parse(blind));
    await first.start();
    t.is(await first.failure('loop'), 'worker_lost');
    t.like(await new Operator(first).api('GET', '/remetering'), { json: { state: 'off', waiting: 1 } });
    await first.stop();

    const host = new TestHost({ ...first.config, remetering: true });
    await host.start();
    try {
      t.like(await remetered(host), { done: 1, failed: [] });
      await host.configure('loop', { timeoutMs: 60_000 });
      t.is(await host.failure('loop'), 'fuel_exhausted');
    } finally {
      await host.stop();
    }
  },
);

test.serial(
  'what cannot be metered again goes on, and its operator sees which version it is, and why',
  async (t) => {
    t.timeout(120_000);
    const first = await startTestHost();
    const { dataDir } = first.config;
    t.teardown(() => first.dispose());
    await first.deploy('slow', await exampleComponent('tiny-wat'));
    await first.stop();
    await makeAllOlder(dataDir);
    const env = { MAYFLY_PORT: '0', MAYFLY_DATA_DIR: dataDir, MAYFLY_METRICS_TOKEN: SCRAPE_TOKEN };
    // Nothing is published in a millisecond.
    const host = new TestHost(resolveConfig({ ...env, MAYFLY_PUBLISH_TIMEOUT_MS: '1' }, dataDir));
    await host.start();
    try {
      const { failed, ...counts } = await remetered(host);
      t.deepEqual(counts, { state: 'done', waiting: 0, done: 0 });
      t.is(failed.length, 1);
      t.like(failed[0], { code: 'publish_timed_out' });
      t.deepEqual(failed[0].versions, [{ tenant: 'default', function: 'slow', version: 1, live: true }]);
      t.true(failed[0].mend.length > 0);
      t.is((await host.call('slow')).status, 200);
      t.true(
        host.reports.some((line) => /^default\/slow version 1 could not be .* publish_timed_out/.test(line)),
      );
      const samples = await scrape(host);
      const counted = (state: string): number =>
        sumOf(samples, 'mayfly_remetering_artifacts', { mayfly_remetering_state: state });
      t.deepEqual([counted('failed'), counted('waiting')], [1, 0]);
      t.is((await new Operator(host).api('POST', '/remetering/retry')).json.waiting, 1);
      t.is((await remetered(host)).failed.length, 1);
    } finally {
      await host.stop();
    }
    const other = new TestHost(resolveConfig(env, dataDir));
    await other.start();
    try {
      t.like(await remetered(other), { done: 1, failed: [] });
    } finally {
      await other.stop();
    }
  },
);

test.serial('a host that is killed in the middle goes on where it was', async (t) => {
  t.timeout(120_000);
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-remetering-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  await using hosts = new AsyncDisposableStack();
  const start = async (): Promise<HostProcess> =>
    hosts.use(await HostProcess.ready(dataDir, { MAYFLY_EXAMPLES: '0', MAYFLY_THREADS: '1' }));
  const stop = async (host: HostProcess, signal: NodeJS.Signals): Promise<void> => {
    host.kill(signal);
    await host.exit;
  };
  const first = await start();
  const tiny = await exampleComponent('tiny-wat');
  const loop = await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))'));
  await first.publish('held', tiny);
  await first.publish('done', loop);
  const { digest } = (await first.api('/functions/held')).json.live;
  await stop(first, 'SIGTERM');
  const older = await makeAllOlder(dataDir);
  const held = await holdUpload(new ArtifactStore(dataDir).folder(older['held']!));
  const second = await start();
  await held.opened;
  // The other one has been made, and is named.
  await stop(second, 'SIGKILL');
  await held.restore();
  const third = await start();
  await third.line(/metered again: 1 artifact, in/);
  t.is((await third.call('held')).status, 200);
  t.is((await third.call('done')).status, 200);
  t.like((await third.api('/functions/held')).json, { liveVersion: 1, live: { version: 1, digest } });
  await stop(third, 'SIGTERM');
  const fourth = await start();
  await stop(fourth, 'SIGTERM');
  t.false(fourth.output.includes('metered'), fourth.output);
  t.is((await readdir(join(dataDir, 'artifacts'))).length, 2);
  t.deepEqual(await readdir(join(dataDir, 'staging')), []);
});

async function change(host: TestHost, path: string, body: Json): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const { status, json } = await host.api(path, { method: 'PUT', headers, body: JSON.stringify(body) });
  if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(json)}`);
}

async function succeeded(hosts: readonly TestHost[]): Promise<number> {
  const counts = hosts.map(
    async (host) => (await host.api('/event-source-mappings/orders')).json.status.counts.succeeded,
  );
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

async function handlesMessages(t: ExecutionContext, names: readonly string[], env: Json): Promise<void> {
  t.timeout(240_000);
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-remetering-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const component = await eventGuest('queue');
  const configOf = (name: string): TestHost['config'] =>
    resolveConfig(
      { MAYFLY_PORT: '0', MAYFLY_THREADS: '1', MAYFLY_DATA_DIR: join(folder, name), ...env },
      folder,
    );
  const hosts = names.map((name) => new TestHost(configOf(name)));
  await using stack = new AsyncDisposableStack();
  for (const host of hosts) stack.defer(() => host.dispose());
  for (const host of hosts) {
    await host.start();
    await host.deploy('handle', component);
    await change(host, '/queues/orders', {});
    const mapping = { source: { type: 'queue', queue: 'orders' }, function: 'handle', batchSize: 1 };
    await change(host, '/event-source-mappings/orders', { ...mapping, enabled: false });
  }
  let sent = 0;
  const send = async (host: TestHost): Promise<void> => {
    t.is((await host.api('/queues/orders/messages', { method: 'POST', body: `order ${sent}` })).status, 202);
    sent++;
  };
  for (let i = 0; i < 20; i++) await send(hosts[i % hosts.length]!);
  for (const host of hosts) await host.stop();
  const older = await Promise.all(names.map((name) => makeAllOlder(join(folder, name))));
  for (const host of hosts) await host.start();
  const mapping = { source: { type: 'queue', queue: 'orders' }, function: 'handle', batchSize: 1 };
  for (const host of hosts) await change(host, '/event-source-mappings/orders', mapping);
  // Each has artifacts of its own, and makes its own again once.
  for (const host of hosts) {
    t.like(await remetered(host), { done: 1, failed: [] });
    await send(host);
  }
  for (const [i, host] of hosts.entries()) {
    while ((await artifactsOf(host, 'handle', 0)).every((key) => key === older[i]!['handle'])) {
      // Whichever of them is quicker gets it.
      await send(host);
      await betweenLooks();
    }
  }
  while ((await succeeded(hosts)) < sent) await betweenLooks();
  t.is(await succeeded(hosts), sent);
}

test.serial('messages of a queue are handled meanwhile, each once: embedded', (t) =>
  handlesMessages(t, ['one'], {}),
);

test.serial('messages of a queue are handled meanwhile, each once: hosts that share a Redis', async (t) => {
  await using redis = await RedisServer.start();
  const env = { MAYFLY_REDIS_URL: redis.url, MAYFLY_REDIS_PREFIX: `test-${randomBytes(4).toString('hex')}` };
  await handlesMessages(t, ['one', 'other'], env);
});
