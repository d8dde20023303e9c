/** What of a host is told to whoever scrapes it, beside what its invocations add up to (telemetry.test.ts). */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { betweenLooks } from '../harness/between-looks.ts';
import { startTestHost, type TestHost, testHost } from '../harness/host.ts';
import { SCRAPE_TOKEN, scrape, sumOf } from '../harness/scrape.ts';
import { plainCommand } from '../harness/wat-commands.ts';

const OK = plainCommand('(memory 1) (func (export "run") (result i32) (i32.const 0))');

let host: TestHost;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_METRICS_TOKEN: SCRAPE_TOKEN, MAYFLY_THREADS: '1' } });
  await host.deploy('ok', await parse(OK));
});
test.after.always(() => host?.dispose());

test('more tenants and functions than are to be told apart are counted together, and how many are', async (t) => {
  t.timeout(120_000);
  const narrow = await testHost(t, {
    env: { MAYFLY_METRICS_FUNCTIONS: '1', MAYFLY_METRICS_TOKEN: SCRAPE_TOKEN },
  });
  const ok = await parse(OK);
  await narrow.deploy('first', ok);
  await narrow.call('first');
  // Seen by the main thread before the other one is.
  let samples = await scrape(narrow);
  while (sumOf(samples, 'faas_invocations_total', { faas_name: 'first' }) < 1) {
    await betweenLooks();
    samples = await scrape(narrow);
  }
  await narrow.deploy('second', ok);
  await narrow.call('second');
  await narrow.call('second');
  while (sumOf(samples, 'mayfly_telemetry_folded_total', {}) < 2) {
    await betweenLooks();
    samples = await scrape(narrow);
  }
  t.is(sumOf(samples, 'faas_invocations_total', { mayfly_tenant: 'default', faas_name: '_other' }), 2);
  t.is(sumOf(samples, 'faas_invocations_total', { faas_name: 'second' }), 0);
  t.is(sumOf(samples, 'mayfly_telemetry_series', {}), 1);
});

test.serial('queues and dead letters are counted when somebody asks', async (t) => {
  t.timeout(60_000);
  const json = { 'content-type': 'application/json' };
  const made = await host.api('/queues/orders', { method: 'PUT', headers: json, body: '{}' });
  t.true(made.status < 300, JSON.stringify(made.json));
  for (const body of ['one', 'two']) {
    const sent = await host.api('/queues/orders/messages', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body,
    });
    t.true(sent.status < 300, JSON.stringify(sent.json));
  }
  const samples = await scrape(host);
  const of = { mayfly_tenant: 'default', mayfly_queue: 'orders' };
  t.is(sumOf(samples, 'mayfly_queue_messages', { ...of, mayfly_message_state: 'ready' }), 2);
  t.is(sumOf(samples, 'mayfly_queue_messages', { ...of, mayfly_message_state: 'dead' }), 0);
  t.true(sumOf(samples, 'mayfly_queue_oldest_age_seconds', of) > 0);
  t.true(
    samples.some(
      ({ name, labels }) => name === 'mayfly_queue_messages' && labels['mayfly_queue'] === 'function/ok',
    ),
  );
});

test.serial('how old the latest backup is is told once there is one', async (t) => {
  t.timeout(60_000);
  const age = async (): Promise<readonly number[]> =>
    (await scrape(host)).filter(({ name }) => name === 'mayfly_backup_age_seconds').map(({ value }) => value);
  t.deepEqual(await age(), []);
  const beforeMs = Date.now();
  const headers = { authorization: `Bearer ${host.running.adminKey.key}` };
  const made = await host.request('/v1/backups', { method: 'POST', headers });
  t.is(made.status, 201, made.text);
  const told = await age();
  t.is(told.length, 1);
  t.true(told[0]! > 0 && told[0]! <= (Date.now() - beforeMs) / 1_000, `${told[0]} s`);
});
