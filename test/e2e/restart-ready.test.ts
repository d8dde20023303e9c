/** What a host was called for last is ready when it has started again, before anybody calls it. */
import test from 'ava';
import type { UsageRecordJson } from '../../host/control-plane/usage-schemas.ts';
import { exampleComponent } from '../harness/guests.ts';
import { type TestHost, testHost } from '../harness/host.ts';
import { parseExposition } from '../metering/telemetry/exposition-parser.ts';

/** The thread tells of its slots every two seconds. */
const READY_MS = 30_000;

const TOKEN = 'token-for-scrapers-0123';

test('what was called last lies ready after a restart, and nothing else does', async (t) => {
  t.timeout(60_000);
  const host = await testHost(t, { env: { MAYFLY_THREADS: '1', MAYFLY_METRICS_TOKEN: TOKEN } });
  const component = await exampleComponent('tiny-wat');
  const call = async (name: string): Promise<string> => {
    const { status, headers } = await host.call(name);
    t.is(status, 200);
    return headers['mayfly-invocation-id'] as string;
  };
  for (const name of ['called', 'idle', 'called-too']) await host.deploy(name, component);
  await call('called');
  await call('called-too');
  await host.stop();
  await host.start();
  const lateMs = performance.now() + READY_MS;
  while ((await idleSlots(host)) < 2) if (performance.now() > lateMs) t.fail('they are not made ready');
  const ids = [await call('called'), await call('called-too'), await call('idle')];
  t.deepEqual(await startsOf(host, ids), ['warm', 'warm', 'cold']);
});

async function idleSlots(host: TestHost): Promise<number> {
  const headers = { authorization: `Bearer ${TOKEN}`, accept: 'text/plain' };
  const { text } = await host.request('/metrics', { headers });
  return parseExposition(text)
    .filter(({ name, labels }) => name === 'mayfly_slots' && Object.values(labels).includes('idle'))
    .reduce((sum, { value }) => sum + value, 0);
}

/** How the instances came about, once all of the invocations are in the ledger. */
async function startsOf(host: TestHost, ids: readonly string[]): Promise<(string | undefined)[]> {
  for (;;) {
    const { json } = await host.api('/usage?level=record');
    const records = new Map(
      (json.rows as UsageRecordJson[]).map(({ invocationId, start }) => [invocationId as string, start]),
    );
    if (ids.every((id) => records.has(id))) return ids.map((id) => records.get(id));
  }
}
