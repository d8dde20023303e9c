import test from 'ava';
import { ControlPlaneServer, functionPath, problemOf } from './control-plane-server.ts';

const SECRETS = `${functionPath('hello')}/secrets`;
const VALUE = 'swordfish-7d1f';

test('a secret is set and deleted by name, and nothing gives its value', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.publish('hello', 'one');
  t.is((await server.sendJson('PUT', `${SECRETS}/TOKEN`, { value: VALUE })).status, 204);
  const list = (await (await server.request('GET', SECRETS)).json()) as object[];
  t.is(list.length, 1);
  t.deepEqual(Object.keys(list[0]!).sort(), ['name', 'updatedAt']);
  for (const path of [
    SECRETS,
    functionPath('hello'),
    `${functionPath('hello')}/versions`,
    `${functionPath('hello')}/logs`,
    '/v1/tenants/default/functions',
    '/v1/audit',
    '/v1/tenants/default/audit',
  ]) {
    t.false((await (await server.request('GET', path)).text()).includes(VALUE), path);
  }
  t.is((await problemOf(await server.request('GET', `${SECRETS}/TOKEN`))).code, 'method_not_allowed');
  t.is((await server.request('DELETE', `${SECRETS}/TOKEN`)).status, 204);
  t.deepEqual(await (await server.request('GET', SECRETS)).json(), []);
});

test('no refusal repeats the value, and nothing of it is reported', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.publish('hello', 'one');
  for (const [path, body] of [
    [`${SECRETS}/1X`, { value: VALUE }],
    [`${SECRETS}/TOKEN`, { value: [VALUE] }],
    [`${SECRETS}/TOKEN`, { value: `${VALUE}\0` }],
    [`${SECRETS}/TOKEN`, { value: VALUE.repeat(10_000) }],
    [`${SECRETS}/TOKEN`, `{"value":"${VALUE}"`],
    [`${SECRETS}/TOKEN`, `"${VALUE}"`],
    [`${SECRETS}/TOKEN`, VALUE],
    [`${functionPath('nope')}/secrets/TOKEN`, { value: VALUE }],
    ['/v1/tenants/nobody/functions/hello/secrets/TOKEN', { value: VALUE }],
  ] as const) {
    const response = await server.sendJson('PUT', path, body);
    t.true(response.status >= 400);
    t.false((await response.text()).includes('swordfish'), path);
  }
  t.deepEqual(server.reports, []);
});

test('a host without a key says so, and still lists names', async (t) => {
  await using server = await ControlPlaneServer.start({ masterKeys: [] });
  await server.publish('hello', 'one');
  const problem = await problemOf(await server.sendJson('PUT', `${SECRETS}/TOKEN`, { value: VALUE }));
  t.like(problem, { code: 'secrets_unavailable', status: 503, fault: 'host' });
  t.regex(String(problem['mend']), /MAYFLY_SECRETS_KEY/);
  t.deepEqual(await (await server.request('GET', SECRETS)).json(), []);
});
