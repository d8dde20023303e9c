/** Tenants on a real host: on every thread from the next request on, and gone without a trace. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { type Answer, startTestHost, type TestHost } from '../harness/host.ts';
import { plainCommand } from '../harness/wat-commands.ts';

let host: TestHost;

test.before(async () => {
  // One thread, so that everybody is in everybody's way.
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
});
test.after.always(() => host.dispose());

const JSON_TYPE = { 'content-type': 'application/json' };

async function operator(method: string, path: string, body?: unknown): Promise<Answer> {
  return host.request(path, {
    method,
    headers: { authorization: `Bearer ${host.running.adminKey.key}`, ...(body ? JSON_TYPE : {}) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function deploy(tenant: string, wat: string, fuel?: number): Promise<void> {
  const path = `/v1/tenants/${tenant}/functions/work`;
  const put = await host.request(path, {
    method: 'PUT',
    headers: { authorization: `Bearer ${host.running.adminKey.key}`, 'content-type': 'application/wasm' },
    body: await parse(wat),
  });
  if (put.status !== 201) throw new Error(put.text);
  if (fuel !== undefined) await operator('PATCH', `${path}/configuration`, { fuel, timeoutMs: 100_000 });
}

const counting = (rounds: number): string => `(func (export "run") (result i32) (local $i i32)
  (loop $again
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $i) (i32.const ${rounds}))))
  (i32.const 0))`;

test.serial('a tenant with eight times the weight overtakes one that began before it', async (t) => {
  await operator('POST', '/v1/tenants', { name: 'light' });
  await operator('POST', '/v1/tenants', { name: 'heavy' });
  // 0.4 s of one thread: the second request comes some milliseconds after the first, on a busy machine some more.
  const guest = plainCommand(counting(1_000_000_000));
  await deploy('light', guest, 100_000_000_000);
  await deploy('heavy', guest, 100_000_000_000);
  const order: string[] = [];
  const call = async (tenant: string): Promise<void> => {
    const answer = await host.request(`/fn/${tenant}/work/`);
    t.is(answer.status, 200);
    order.push(tenant);
  };
  await Promise.all([call('light'), call('heavy')]);
  t.is(order.length, 2);
  order.length = 0;
  await operator('PATCH', '/v1/tenants/heavy/settings', { weight: 8 });
  const light = call('light');
  const heavy = call('heavy');
  await Promise.all([light, heavy]);
  t.deepEqual(order, ['heavy', 'light']);
});

test.serial(
  'a later tenant of a name runs its own code, though its versions count from 1 again',
  async (t) => {
    const call = async (): Promise<number> => (await host.request('/fn/reborn/work/')).status;
    await operator('POST', '/v1/tenants', { name: 'reborn' });
    await deploy('reborn', plainCommand(counting(19)));
    for (let i = 0; i < 4; i++) t.is(await call(), 200);
    await operator('DELETE', '/v1/tenants/reborn?withFunctions=true');
    await operator('POST', '/v1/tenants', { name: 'reborn' });
    await deploy('reborn', plainCommand('(func (export "run") (result i32) unreachable)'));
    for (let i = 0; i < 4; i++) t.is(await call(), 502, 'not what the earlier tenant left ready');
  },
);

test.serial('a deleted tenant answers no more, and its artifacts leave the disk', async (t) => {
  const artifacts = (): Promise<string[]> => readdir(join(host.config.dataDir, 'artifacts'));
  const before = await artifacts();
  await operator('POST', '/v1/tenants', { name: 'short' });
  await deploy('short', plainCommand(counting(17)));
  t.is((await host.request('/fn/short/work/')).status, 200);
  t.is((await artifacts()).length, before.length + 1);
  t.is((await operator('DELETE', '/v1/tenants/short?withFunctions=true')).status, 204);
  t.is((await host.request('/fn/short/work/')).status, 404);
  // Removing runs behind the answer; a publish waits for it.
  await operator('POST', '/v1/tenants', { name: 'next' });
  await deploy('next', plainCommand(counting(18)));
  t.is((await artifacts()).length, before.length + 1);
  const nobody = await host.request('/fn/nobody/work/');
  const gone = await host.request('/fn/short/work/');
  t.is(JSON.parse(gone.text).detail, JSON.parse(nobody.text).detail.replace('nobody', 'short'));
});
