/** What lies ready before anybody calls it: after a restart what was called last, and what is published; nothing else. */
import test, { type ExecutionContext } from 'ava';
import type { UsageRecordJson } from '../../host/control-plane/usage-schemas.ts';
import { betweenLooks } from '../harness/between-looks.ts';
import { exampleComponent } from '../harness/guests.ts';
import { type TestHost, testHost } from '../harness/host.ts';
import { SCRAPE_TOKEN, scrape, sumOf } from '../harness/scrape.ts';

/** The thread tells of its slots every two seconds. */
const READY_MS = 60_000;

test.serial('what was called last lies ready after a restart, and nothing else does', async (t) => {
  t.timeout(120_000);
  const host = await hostWith(t, ['called', 'idle', 'called-too']);
  await call(host, 'called');
  await call(host, 'called-too');
  await host.stop();
  await host.start();
  await untilIdle(t, host, 2);
  const ids = [await call(host, 'called'), await call(host, 'called-too'), await call(host, 'idle')];
  t.deepEqual(await startsOf(host, ids), ['warm', 'warm', 'cold']);
});

test.serial('a change of a quota makes nothing ready, in place of what is called', async (t) => {
  t.timeout(120_000);
  const host = await hostWith(t, ['idle']);
  await host.stop();
  await host.start();
  const changed = await host.api('/quotas', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: '{"queues":7}',
  });
  t.is(changed.status, 200);
  // One after the other: what the quota had made ready would be there by then.
  await host.deploy('published', await exampleComponent('tiny-wat'));
  await untilIdle(t, host, 1);
  t.deepEqual(await startsOf(host, [await call(host, 'idle')]), ['cold']);
});

async function hostWith(t: ExecutionContext, names: readonly string[]): Promise<TestHost> {
  const host = await testHost(t, { env: { MAYFLY_THREADS: '1', MAYFLY_METRICS_TOKEN: SCRAPE_TOKEN } });
  for (const name of names) await host.deploy(name, await exampleComponent('tiny-wat'));
  return host;
}

/** Gives the invocation's id. */
async function call(host: TestHost, name: string): Promise<string> {
  const { status, headers } = await host.call(name);
  if (status !== 200) throw new Error(`${name}: ${status}`);
  return headers['mayfly-invocation-id'] as string;
}

async function untilIdle(t: ExecutionContext, host: TestHost, slots: number): Promise<void> {
  const lateMs = performance.now() + READY_MS;
  while ((await idleSlots(host)) < slots) {
    if (performance.now() > lateMs) t.fail('nothing is made ready');
    await betweenLooks();
  }
}

async function idleSlots(host: TestHost): Promise<number> {
  return sumOf(await scrape(host), 'mayfly_slots', { mayfly_slot_state: 'idle' });
}

/** How the instances came about, once all of the invocations are in the ledger. */
async function startsOf(host: TestHost, ids: readonly string[]): Promise<(string | undefined)[]> {
  for (;;) {
    const { json } = await host.api('/usage?level=record');
    const records = new Map(
      (json.rows as UsageRecordJson[]).map(({ invocationId, start }) => [invocationId as string, start]),
    );
    if (ids.every((id) => records.has(id))) return ids.map((id) => records.get(id));
    await betweenLooks();
  }
}
