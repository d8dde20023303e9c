import test from 'ava';
import type { KeyScope } from '../../host/model/api-key.ts';
import { RawConnection, statuses } from '../harness/raw-connection.ts';
import { ADMIN_KEY, ControlPlaneServer, problemOf } from './control-plane-server.ts';

const KEYS = '/v1/tenants/default/keys';
const MINUTE_MS = 60_000;

interface MadeKey {
  readonly id: string;
  readonly key: string;
  readonly prefix: string;
}

async function works(server: ControlPlaneServer, key: string): Promise<boolean> {
  const response = await server.request('GET', '/v1/tenants/default/functions', { key });
  await response.body?.cancel();
  return response.status === 200;
}

async function rotate(server: ControlPlaneServer, id: string, graceSeconds: number): Promise<MadeKey> {
  const response = await server.sendJson('POST', `${KEYS}/${id}/rotate`, { graceSeconds });
  return (await response.json()) as MadeKey;
}

test('a key is shown once, and kept nowhere', async (t) => {
  await using server = await ControlPlaneServer.start();
  const response = await server.sendJson('POST', KEYS, { name: 'ci', scopes: ['deploy', 'read', 'deploy'] });
  t.is(response.status, 201);
  t.is(response.headers.get('cache-control'), 'no-store');
  const made = (await response.json()) as MadeKey;
  t.like(made, { name: 'ci', scopes: ['deploy', 'read'] });
  t.regex(made.key, /^mayfly_[0-9a-f]{20}_[A-Za-z0-9_-]{43}$/);
  t.true(made.key.startsWith(made.prefix));
  t.true(await works(server, made.key));
  const secret = made.key.slice(made.prefix.length + 1);
  const list = await (await server.request('GET', KEYS)).text();
  t.like((JSON.parse(list) as object[])[0], { id: made.id, name: 'ci' });
  t.false(list.includes(secret));
  t.false(JSON.stringify(server.registry.audit.list({ limit: 100 })).includes(secret));
});

test('a text that differs in one character opens nothing', async (t) => {
  await using server = await ControlPlaneServer.start();
  const { key } = await server.createKey('default', 'ci', ['read']);
  const other = await server.createKey('default', 'other', ['read']);
  for (let at = 0; at < key.length; at++) {
    const changed = key.slice(0, at) + (key[at] === 'a' ? 'b' : 'a') + key.slice(at + 1);
    if (at % 5 === 0) t.false(await works(server, changed), changed);
  }
  const [head, id] = key.split('_');
  const swapped = `${head}_${id}_${other.key.slice(other.key.indexOf('_', 8) + 1)}`;
  for (const text of [
    key.slice(0, -1),
    `${key}a`,
    key.toUpperCase(),
    swapped,
    `${head}_${id}_`,
    `${head}_${id}`,
  ])
    t.false(await works(server, text), text);
});

test('a key is revoked from the next request on', async (t) => {
  await using server = await ControlPlaneServer.start();
  const { id, key } = await server.createKey('default', 'ci', ['read']);
  t.true(await works(server, key));
  t.is((await server.request('DELETE', `${KEYS}/${id}`)).status, 204);
  t.false(await works(server, key));
  t.is((await problemOf(await server.request('DELETE', `${KEYS}/${id}`))).code, 'key_not_found');
});

test('a key opens nothing from the instant it expires', async (t) => {
  await using server = await ControlPlaneServer.start();
  const expiresAtMs = Date.now() + MINUTE_MS;
  const response = await server.sendJson('POST', KEYS, {
    name: 'ci',
    scopes: ['read'],
    expiresAt: new Date(expiresAtMs).toISOString(),
  });
  const { key } = (await response.json()) as MadeKey;
  server.nowMs = () => expiresAtMs - 1;
  t.true(await works(server, key));
  server.nowMs = () => expiresAtMs;
  t.false(await works(server, key));
});

test('a rotation ends the old text at once, or after the time of grace', async (t) => {
  await using server = await ControlPlaneServer.start();
  const startMs = Date.now();
  server.nowMs = () => startMs;
  const { id, key: first } = await server.createKey('default', 'ci', ['read']);
  const { key: second } = await rotate(server, id, 60);
  t.true((await works(server, first)) && (await works(server, second)));
  server.nowMs = () => startMs + MINUTE_MS - 1;
  t.true(await works(server, first));
  server.nowMs = () => startMs + MINUTE_MS;
  t.false(await works(server, first));
  t.true(await works(server, second));
  const { key: third } = await rotate(server, id, 0);
  t.false(await works(server, second), 'no grace was asked for');
  t.true(await works(server, third));
  const { key: fourth } = await rotate(server, id, 60);
  const { key: fifth } = await rotate(server, id, 60);
  t.false(await works(server, third), 'grace is for the last text only');
  t.true((await works(server, fourth)) && (await works(server, fifth)));
});

test('a revoked key is gone with the text that had grace', async (t) => {
  await using server = await ControlPlaneServer.start();
  const { id, key } = await server.createKey('default', 'ci', ['read']);
  await rotate(server, id, 3_600);
  await server.request('DELETE', `${KEYS}/${id}`);
  t.false(await works(server, key));
});

test("a tenant's keys go with it, and open nothing of a later one of its name", async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.sendJson('POST', '/v1/tenants', { name: 'acme' });
  const { key } = await server.createKey('acme', 'ci', ['admin']);
  t.is((await server.request('GET', '/v1/tenants/acme/functions', { key })).status, 200);
  await server.request('DELETE', '/v1/tenants/acme');
  await server.sendJson('POST', '/v1/tenants', { name: 'acme' });
  t.is((await server.request('GET', '/v1/tenants/acme/functions', { key })).status, 401);
  t.deepEqual(await (await server.request('GET', '/v1/tenants/acme/keys')).json(), []);
});

test('the list says when a key was used, to within five minutes', async (t) => {
  await using server = await ControlPlaneServer.start();
  const { key } = await server.createKey('default', 'ci', ['read']);
  const usedMs = Date.parse('2030-01-01T12:34:56Z');
  server.nowMs = () => usedMs;
  await works(server, key);
  const list = (await (await server.request('GET', KEYS)).json()) as { lastUsedAt: string }[];
  t.is(list[0]?.lastUsedAt, '2030-01-01T12:30:00.000Z');
});

test('a key is refused that nobody could use or tell apart', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.createKey('default', 'taken', ['read']);
  for (const [body, code] of [
    [{ name: 'ci', scopes: [] }, 'invalid_request'],
    [{ name: 'ci', scopes: ['write'] }, 'invalid_request'],
    [{ name: 'C I', scopes: ['read'] }, 'invalid_request'],
    [{ name: 'ci', scopes: ['read'], expiresAt: '2020-01-01T00:00:00Z' }, 'invalid_request'],
    [{ name: 'ci', scopes: ['read'], expiresAt: 'soon' }, 'invalid_request'],
    [{ name: 'ci', scopes: ['read'], key: 'mine' }, 'invalid_request'],
    [{ name: 'taken', scopes: ['read'] }, 'key_exists'],
  ] as const) {
    t.is((await problemOf(await server.sendJson('POST', KEYS, body))).code, code, JSON.stringify(body));
  }
  const scopes: KeyScope[] = ['read'];
  for (let made = 1; made < 100; made++) await server.createKey('default', `k${made}`, scopes);
  const problem = await problemOf(await server.sendJson('POST', KEYS, { name: 'more', scopes }));
  t.is(problem.code, 'keys_limit_reached');
});

test("a tenant's key cannot stand for the operator's, nor come twice or beside another", async (t) => {
  await using server = await ControlPlaneServer.start();
  const { key } = await server.createKey('default', 'reader', ['read']);
  const path = '/v1/tenants/default/functions/hello';
  for (const authorization of [
    `Bearer ${key}, Bearer ${ADMIN_KEY}`,
    `Bearer ${key} ${ADMIN_KEY}`,
    `Basic ${key}`,
  ]) {
    const response = await server.request('DELETE', path, { key: undefined, headers: { authorization } });
    t.is(response.status, 401, authorization);
  }
  for (const name of ['x-api-key', 'mayfly-key', 'proxy-authorization', 'cookie']) {
    const response = await server.request('DELETE', path, { key, headers: { [name]: ADMIN_KEY } });
    t.is((await problemOf(response)).code, 'forbidden', name);
  }
});

test('whoever has a key can ask whose it is, whatever its scopes are', async (t) => {
  await using server = await ControlPlaneServer.start();
  const made = await server.createKey('default', 'ci', ['invoke']);
  const ask = async (key: string) => {
    const response = await server.request('GET', '/v1/whoami', { key });
    t.is(response.headers.get('cache-control'), 'no-store');
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  const own = await ask(made.key);
  t.like(own.json, {
    operator: false,
    tenant: 'default',
    host: { traceUrl: 'https://traces.example/{trace_id}' },
  });
  t.like(own.json['key'], { id: made.id, name: 'ci', scopes: ['invoke'] });
  t.false(JSON.stringify(own.json).includes(made.key));
  const operator = await ask(ADMIN_KEY);
  t.like(operator.json, { operator: true });
  t.false('tenant' in operator.json || 'key' in operator.json);
  await server.request('DELETE', `${KEYS}/${made.id}`);
  t.is((await ask(made.key)).status, 401);
});

const REVOKED_WHILE_SENDING = [
  ['POST', KEYS, 'application/json', JSON.stringify({ name: 'heir', scopes: ['admin'] })],
  ['PUT', '/v1/tenants/default/functions/heir', 'application/wasm', 'component'],
  ['POST', '/v1/tenants/default/queues/orders/messages', 'text/plain', 'message'],
  ['POST', '/v1/tenants/default/functions/hello/invocations', 'text/plain', 'event'],
] as const;

for (const [method, path, type, body] of REVOKED_WHILE_SENDING) {
  test(`a key that is revoked while the body is on its way opens nothing any more: ${method} ${path}`, async (t) => {
    await using server = await ControlPlaneServer.start();
    await server.sendJson('PUT', '/v1/tenants/default/queues/orders', {});
    const { id, key } = await server.createKey('default', 'ci', ['admin', 'deploy', 'invoke']);
    const connection = await RawConnection.open(Number(new URL(server.origin).port));
    await connection.send(
      [
        `${method} ${path} HTTP/1.1`,
        'host: localhost',
        `authorization: Bearer ${key}`,
        `content-type: ${type}`,
        'mayfly-invocation-type: Event',
        `content-length: ${body.length}`,
        'expect: 100-continue',
        'connection: close',
        '\r\n',
      ].join('\r\n'),
    );
    await connection.until(/100 Continue/);
    t.is((await server.request('DELETE', `${KEYS}/${id}`)).status, 204);
    await connection.send(body);
    t.deepEqual(statuses(await connection.closed()), [100, 401]);
    t.deepEqual(await (await server.request('GET', KEYS)).json(), []);
    t.deepEqual(server.jobs, []);
  });
}
