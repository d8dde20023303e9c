import test from 'ava';
import { ControlPlaneServer, problemOf } from './control-plane-server.ts';

const WASM = { 'content-type': 'application/wasm' };

test('a tenant is created, described, listed, configured and deleted', async (t) => {
  await using server = await ControlPlaneServer.start();
  const created = await server.sendJson('POST', '/v1/tenants', { name: 'acme', settings: { weight: 3 } });
  t.is(created.status, 201);
  t.like(await created.json(), { name: 'acme', settings: { weight: 3 } });
  const list = (await (await server.request('GET', '/v1/tenants')).json()) as { name: string }[];
  t.deepEqual(
    list.map(({ name }) => name),
    ['acme', 'default'],
  );
  const configured = await server.sendJson('PATCH', '/v1/tenants/acme/settings', { weight: 0.5 });
  t.like(await configured.json(), { name: 'acme', settings: { weight: 0.5 } });
  t.like(await (await server.request('GET', '/v1/tenants/acme')).json(), { settings: { weight: 0.5 } });
  t.is((await server.request('DELETE', '/v1/tenants/acme')).status, 204);
  t.is((await problemOf(await server.request('GET', '/v1/tenants/acme'))).code, 'tenant_not_found');
});

test('what is no tenant is refused, naming the field, and nothing is created', async (t) => {
  await using server = await ControlPlaneServer.start();
  for (const [body, field] of [
    [{ name: 'Acme' }, 'name'],
    [{ name: '../acme' }, 'name'],
    [{}, 'name'],
    [{ name: 'acme', settings: { weight: 0 } }, 'settings.weight'],
    [{ name: 'acme', settings: { weight: 101 } }, 'settings.weight'],
    [{ name: 'acme', settings: { wait: 1 } }, 'settings.wait'],
    [{ name: 'acme', nme: 1 }, 'nme'],
  ] as const) {
    const problem = await problemOf(await server.sendJson('POST', '/v1/tenants', body));
    t.like(problem, { code: 'invalid_request', field }, JSON.stringify(body));
  }
  t.is(server.registry.tenants.list().length, 1);
  t.is(
    (await problemOf(await server.sendJson('POST', '/v1/tenants', { name: 'default' }))).code,
    'tenant_exists',
  );
});

test('a tenant that has functions goes only with them, and takes everything along', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.sendJson('POST', '/v1/tenants', { name: 'acme' });
  const path = '/v1/tenants/acme/functions/hello';
  await server.request('PUT', path, { headers: WASM, body: 'one' });
  await server.request('PUT', path, { headers: WASM, body: 'two' });
  const refused = await problemOf(await server.request('DELETE', '/v1/tenants/acme'));
  t.like(refused, { code: 'tenant_not_empty', status: 409 });
  t.is((await server.request('GET', path)).status, 200, 'a refusal removes nothing');
  t.is((await server.request('DELETE', '/v1/tenants/acme?withFunctions=true')).status, 204);
  t.is((await problemOf(await server.request('GET', path))).code, 'tenant_not_found');
  await server.sendJson('POST', '/v1/tenants', { name: 'acme' });
  t.is((await problemOf(await server.request('GET', path))).code, 'function_not_found');
  const again = await server.request('PUT', path, { headers: WASM, body: 'other' });
  t.is(
    ((await again.json()) as { version: number }).version,
    1,
    'nothing tells of the tenant that had the name',
  );
});

test('the tenant `default` stays', async (t) => {
  await using server = await ControlPlaneServer.start();
  const problem = await problemOf(await server.request('DELETE', '/v1/tenants/default?withFunctions=true'));
  t.like(problem, { code: 'tenant_permanent', status: 409 });
});
