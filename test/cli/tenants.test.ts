import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { against, hostOf } from './against.ts';
import { type FakeHost, sendJson } from './fake-host.ts';

const TENANT = {
  name: 'acme',
  settings: { weight: 2 },
  createdAt: '2026-11-23T10:00:00.000Z',
  updatedAt: '2026-11-23T10:00:00.000Z',
};
const KEY_JSON = {
  id: '0123456789abcdef0123',
  name: 'ci',
  prefix: 'mayfly_0123456789abcdef0123',
  scopes: ['deploy', 'read'],
  createdAt: '2026-11-23T10:00:00.000Z',
};

function bodyOf(host: FakeHost, method: string, path: string): unknown {
  return JSON.parse(String(host.last(method, path)?.body));
}

test('tenants are created, listed, shown, configured and deleted', async (t) => {
  const host = await hostOf(t);
  host.routes.set('POST /v1/tenants', (_, response) => sendJson(response, 201, TENANT));
  host.routes.set('GET /v1/tenants', (_, response) => sendJson(response, 200, [TENANT]));
  host.routes.set('GET /v1/tenants/acme', (_, response) => sendJson(response, 200, TENANT));
  host.routes.set('PATCH /v1/tenants/acme/settings', (_, response) => sendJson(response, 200, TENANT));
  host.routes.set('DELETE /v1/tenants/acme', (_, response) => void response.writeHead(204).end());
  t.regex((await against(host, ['tenants', 'create', 'acme', '--weight', '2'])).stdout, /^created acme/);
  t.deepEqual(bodyOf(host, 'POST', '/v1/tenants'), { name: 'acme', settings: { weight: 2 } });
  const list = await against(host, ['tenants', 'list']);
  t.is(list.stdout, 'NAME  WEIGHT  CREATED\nacme  2       2026-11-23T10:00:00.000Z\n');
  t.regex((await against(host, ['tenants', 'describe', 'acme'])).stdout, /weight = 2/);
  await against(host, ['tenants', 'configure', 'acme', '--weight', '0.5']);
  t.deepEqual(bodyOf(host, 'PATCH', '/v1/tenants/acme/settings'), { weight: 0.5 });
  await against(host, ['tenants', 'configure', 'acme', '--clock', 'fine', '--isolation', 'process']);
  t.deepEqual(JSON.parse(String(host.received.at(-1)?.body)), { clock: 'fine', isolation: 'process' });
  t.is((await against(host, ['tenants', 'configure', 'acme', '--isolation', 'none'])).code, 2);
  t.is((await against(host, ['tenants', 'delete', 'acme', '--with-functions'])).stdout, 'deleted acme\n');
  t.is(host.received.at(-1)?.path, '/v1/tenants/acme?withFunctions=true');
});

test('a key is printed alone, for a script to take; what is said about it goes to standard error', async (t) => {
  const host = await hostOf(t);
  host.routes.set('POST /v1/tenants/acme/keys', (_, response) =>
    sendJson(response, 201, { ...KEY_JSON, key: 'mayfly_the-key' }),
  );
  const before = Date.now();
  const args = ['--scope', 'deploy', '--scope', 'read', '--expires', '90d', '--tenant', 'acme'];
  const { code, stdout, stderr } = await against(host, ['keys', 'create', 'ci', ...args]);
  t.is(code, 0);
  t.is(stdout, 'mayfly_the-key\n');
  t.regex(stderr, /shown this once/);
  const { expiresAt, ...others } = bodyOf(host, 'POST', '/v1/tenants/acme/keys') as { expiresAt: string };
  t.deepEqual(others, { name: 'ci', scopes: ['deploy', 'read'] });
  const days = (Date.parse(expiresAt) - before) / 86_400_000;
  t.true(days >= 90 && days < 90.01);
  t.is((await against(host, ['keys', 'create', 'ci'])).code, 2, 'a key without scopes opens nothing');
});

test('keys are rotated and revoked by name or by id', async (t) => {
  const host = await hostOf(t);
  const path = '/v1/tenants/default/keys';
  host.routes.set(`GET ${path}`, (_, response) => sendJson(response, 200, [KEY_JSON]));
  host.routes.set(`POST ${path}/${KEY_JSON.id}/rotate`, (_, response) =>
    sendJson(response, 200, { ...KEY_JSON, key: 'mayfly_the-key' }),
  );
  host.routes.set(`DELETE ${path}/${KEY_JSON.id}`, (_, response) => void response.writeHead(204).end());
  t.is((await against(host, ['keys', 'rotate', 'ci', '--grace', '24h'])).stdout, 'mayfly_the-key\n');
  t.deepEqual(bodyOf(host, 'POST', `${path}/${KEY_JSON.id}/rotate`), { graceSeconds: 86_400 });
  t.is((await against(host, ['keys', 'revoke', KEY_JSON.id])).code, 0);
  t.truthy(host.last('DELETE', `${path}/${KEY_JSON.id}`));
  t.is((await against(host, ['keys', 'revoke', 'nobody'])).code, 3);
  t.regex(
    (await against(host, ['keys', 'list'])).stdout,
    /0123456789abcdef0123 {2}ci {4}deploy,read {2}never/,
  );
});

test('a secret comes from standard input or a file, and is never shown', async (t) => {
  const host = await hostOf(t);
  const path = '/v1/tenants/default/functions/hello/secrets';
  host.routes.set(`PUT ${path}/TOKEN`, (_, response) => void response.writeHead(204).end());
  host.routes.set(`DELETE ${path}/TOKEN`, (_, response) => void response.writeHead(204).end());
  host.routes.set(`GET ${path}`, (_, response) =>
    sendJson(response, 200, [{ name: 'TOKEN', updatedAt: '2026-11-23T10:00:00.000Z' }]),
  );
  const set = await against(host, ['secrets', 'set', 'hello', 'TOKEN'], { input: 'swordfish\n' });
  t.deepEqual([set.code, set.stdout, set.stderr], [0, 'set TOKEN of hello\n', '']);
  t.deepEqual(bodyOf(host, 'PUT', `${path}/TOKEN`), { value: 'swordfish' });
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-cli-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'key.pem'), 'a\nb\n');
  await against(host, ['secrets', 'set', 'hello', 'TOKEN', '--file', join(folder, 'key.pem')]);
  t.deepEqual(bodyOf(host, 'PUT', `${path}/TOKEN`), { value: 'a\nb\n' });
  t.regex((await against(host, ['secrets', 'list', 'hello'])).stdout, /^NAME {3}UPDATED\nTOKEN /);
  t.is((await against(host, ['secrets', 'delete', 'hello', 'TOKEN'])).code, 0);
  const before = host.received.length;
  t.is(
    (await against(host, ['secrets', 'set', 'hello', 'TOKEN', 'swordfish'])).code,
    2,
    'not as an argument',
  );
  t.is((await against(host, ['secrets', 'set', 'hello', '../TOKEN'])).code, 2);
  t.is(host.received.length, before);
});

test('the audit log is shown line by line', async (t) => {
  const host = await hostOf(t);
  const entry = {
    id: 7,
    at: '2026-11-23T10:00:00.000Z',
    tenant: 'acme',
    actor: { kind: 'key', keyId: KEY_JSON.id, address: '127.0.0.1' },
    action: 'function.live',
    target: 'hello',
    before: { live: 1 },
    after: { live: 2 },
  };
  host.routes.set('GET /v1/tenants/acme/audit', (_, response) => sendJson(response, 200, [entry]));
  host.routes.set('GET /v1/audit', (_, response) => sendJson(response, 200, []));
  const { stdout } = await against(host, ['audit', '--tenant', 'acme', '-n', '5', '--before', '9']);
  t.is(
    stdout,
    `7 2026-11-23T10:00:00.000Z acme function.live hello by key ${KEY_JSON.id} from 127.0.0.1 was {"live":1} is {"live":2}\n`,
  );
  t.is(host.received.at(-1)?.path, '/v1/tenants/acme/audit?limit=5&before=9');
  t.is((await against(host, ['audit', '--all'])).code, 0);
});

test('names that would reshape a URL never leave the machine', async (t) => {
  const host = await hostOf(t);
  for (const args of [
    ['tenants', 'describe', '../x'],
    ['tenants', 'delete', 'a?b'],
    ['tenants', 'create', 'A'],
    ['keys', 'list', '--tenant', '../x'],
  ]) {
    t.is((await against(host, args)).code, 2, args.join(' '));
  }
  t.deepEqual(host.received, []);
});

test('whoami says whose key is used and what it allows', async (t) => {
  const host = await hostOf(t);
  const expiresAt = '2026-12-24T10:00:00.000Z';
  const key = { ...KEY_JSON, expiresAt };
  const identity = { operator: false, tenant: 'acme', key, host: { version: '1.2.3' } };
  host.routes.set('GET /v1/whoami', (_, response) => sendJson(response, 200, identity));
  const { stdout } = await against(host, ['whoami']);
  const place = `(${new URL(host.url).origin}, Mayfly 1.2.3)`;
  t.is(stdout, `tenant acme, key ci (${KEY_JSON.id}), for deploy, read, until ${expiresAt} ${place}\n`);
  t.deepEqual(JSON.parse((await against(host, ['whoami', '--json'])).stdout), identity);
  host.routes.set('GET /v1/whoami', (_, response) =>
    sendJson(response, 200, { operator: true, host: { version: '1.2.3' } }),
  );
  t.regex((await against(host, ['whoami'])).stdout, /^the operator/);
});
