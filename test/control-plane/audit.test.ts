import test from 'ava';
import type { AuditEntryJson } from '../../host/control-plane/audit-entry-schema.ts';
import { AUDIT_ACTIONS } from '../../host/model/audit-entry.ts';
import type { FunctionName, QueueName, TenantName } from '../../host/model/ids.ts';
import { ControlPlaneServer, functionPath } from './control-plane-server.ts';

async function entriesOf(server: ControlPlaneServer, path: string, key?: string): Promise<AuditEntryJson[]> {
  const response = await server.request('GET', path, key === undefined ? {} : { key });
  return (await response.json()) as AuditEntryJson[];
}

const QUEUE = '/v1/tenants/default/queues/orders';
const MAPPING = '/v1/tenants/default/event-source-mappings/handle';
const SCHEDULE = '/v1/tenants/default/schedules/nightly';

/** One change of each kind, by the operator unless a key is given. */
const CHANGES: Readonly<Record<string, (server: ControlPlaneServer) => Promise<unknown>>> = {
  'tenant.create': (server) => server.sendJson('POST', '/v1/tenants', { name: 'acme' }),
  'tenant.configure': (server) => server.sendJson('PATCH', '/v1/tenants/acme/settings', { weight: 2 }),
  'tenant.delete': (server) => server.request('DELETE', '/v1/tenants/acme'),
  'function.publish': (server) => server.publish('hello', 'one'),
  'function.live': (server) => server.sendJson('PUT', `${functionPath('hello')}/live`, { version: 1 }),
  'function.configure': (server) =>
    server.sendJson('PATCH', `${functionPath('hello')}/configuration`, {
      fuel: 5_000,
      environment: { TOKEN: 'swordfish' },
    }),
  'key.create': (server) => server.createKey('default', 'ci', ['read']),
  'key.rotate': async (server) => {
    const [key] = server.registry.keys.list('default' as never);
    await server.sendJson('POST', `/v1/tenants/default/keys/${key?.id}/rotate`, {});
  },
  'key.revoke': async (server) => {
    const [key] = server.registry.keys.list('default' as never);
    await server.request('DELETE', `/v1/tenants/default/keys/${key?.id}`);
  },
  'secret.set': (server) => server.sendJson('PUT', `${functionPath('hello')}/secrets/TOKEN`, { value: 'x' }),
  'secret.delete': (server) => server.request('DELETE', `${functionPath('hello')}/secrets/TOKEN`),
  'tenant.quotas': (server) => server.sendJson('PATCH', '/v1/tenants/default/quotas', { concurrency: 7 }),
  'function.events': (server) =>
    server.sendJson('PATCH', `${functionPath('hello')}/event-invoke-config`, { maximumAttempts: 1 }),
  'queue.create': (server) => server.sendJson('PUT', QUEUE, {}),
  'queue.configure': (server) => server.sendJson('PATCH', QUEUE, { deduplicationMs: 5 }),
  'queue.redrive': (server) => server.sendJson('POST', `${QUEUE}/dead-letters/redrive`, {}),
  'queue.purge': (server) => server.request('DELETE', `${QUEUE}/messages`),
  'signing-secret.create': (server) => server.sendJson('POST', `${QUEUE}/signing-secrets`, {}),
  'signing-secret.delete': async (server) => {
    const [secret] = server.registry.events.signingSecrets.list(
      'default' as TenantName,
      'orders' as QueueName,
    );
    await server.request('DELETE', `${QUEUE}/signing-secrets/${secret?.id}`);
  },
  'mapping.create': (server) =>
    server.sendJson('PUT', MAPPING, { source: { type: 'queue', queue: 'orders' }, function: 'hello' }),
  'mapping.configure': (server) => server.sendJson('PATCH', MAPPING, { enabled: false }),
  'mapping.delete': (server) => server.request('DELETE', MAPPING),
  'queue.delete': (server) => server.request('DELETE', QUEUE),
  'schedule.create': (server) =>
    server.sendJson('PUT', SCHEDULE, { function: 'hello', expression: { type: 'rate', everyMs: 60_000 } }),
  'schedule.configure': (server) => server.sendJson('PATCH', SCHEDULE, { enabled: false }),
  'schedule.delete': (server) => server.request('DELETE', SCHEDULE),
  'function.release': (server) => server.request('DELETE', `${functionPath('hello')}/quarantine`),
  'function.delete': (server) => server.request('DELETE', functionPath('hello')),
  'prices.set': (server) =>
    server.sendJson('POST', '/v1/prices', {
      from: '2999-01',
      currency: { code: 'EUR', minorUnitDigits: 2 },
      prices: {},
    }),
  'budget.set': (server) => server.sendJson('PUT', '/v1/tenants/default/budget', { amount: '5.00' }),
  'budget.delete': (server) => server.request('DELETE', '/v1/tenants/default/budget'),
  'backup.create': (server) => server.request('POST', '/v1/backups'),
  'backup.delete': async (server) => {
    const [backup] = (await (await server.request('GET', '/v1/backups')).json()) as { id: string }[];
    return server.request('DELETE', `/v1/backups/${backup!.id}`);
  },
};

function quarantineHello({ registry }: ControlPlaneServer): void {
  registry.quarantines.impose({
    tenant: 'default' as TenantName,
    name: 'hello' as FunctionName,
    version: 1,
    sinceMs: Date.now(),
    reason: 'threads were lost',
  });
}

test('every kind of change leaves one entry: who, what, when, from where', async (t) => {
  await using server = await ControlPlaneServer.start();
  const byHost = ['function.quarantine', 'function.remeter'];
  t.deepEqual([...Object.keys(CHANGES), ...byHost].sort(), [...AUDIT_ACTIONS].sort());
  for (const [action, change] of Object.entries(CHANGES)) {
    // What the host does by itself; lifting it is somebody's again.
    if (action === 'function.release') quarantineHello(server);
    const [last] = await entriesOf(server, '/v1/audit?limit=1');
    const beforeMs = Date.now();
    await change(server);
    const added = (await entriesOf(server, '/v1/audit')).filter(({ id }) => id > (last?.id ?? 0));
    t.is(added.length, 1, action);
    t.like(added[0], { action, actor: { kind: 'operator', address: '127.0.0.1' } });
    t.true(Date.parse(added[0]!.at) >= beforeMs - 1);
  }
});

test('a change of settings keeps both sides of what was named, and no value of the environment', async (t) => {
  await using server = await ControlPlaneServer.start();
  await CHANGES['function.publish']!(server);
  await CHANGES['function.configure']!(server);
  const entries = await entriesOf(server, '/v1/tenants/default/audit');
  t.like(entries[0], {
    before: { fuel: 10_000_000_000, environment: [] },
    after: { fuel: 5_000, environment: ['TOKEN'] },
  });
  t.false(JSON.stringify(entries).includes('swordfish'));
});

test('a change that is refused leaves no entry', async (t) => {
  await using server = await ControlPlaneServer.start();
  const before = await entriesOf(server, '/v1/audit');
  await server.request('DELETE', functionPath('nope'));
  await server.request('DELETE', '/v1/tenants/default');
  await server.sendJson('POST', '/v1/tenants', { name: 'default' });
  await server.sendJson('POST', '/v1/tenants/nobody/keys', { name: 'ci', scopes: ['read'] });
  await server.publish('hello', 'broken');
  t.deepEqual(await entriesOf(server, '/v1/audit'), before);
});

test('an entry names the key that made the change', async (t) => {
  await using server = await ControlPlaneServer.start();
  const { id, key } = await server.createKey('default', 'ci', ['deploy']);
  await server.request('PUT', functionPath('hello'), {
    key,
    headers: { 'content-type': 'application/wasm', 'x-forwarded-for': '6.6.6.6' },
    body: 'one',
  });
  const [entry] = await entriesOf(server, '/v1/audit?limit=1');
  t.deepEqual(entry?.actor, { kind: 'key', keyId: id, address: '127.0.0.1' });
});

test("a tenant's administrator reads its own log, page by page, and nothing of an earlier tenant", async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.sendJson('POST', '/v1/tenants', { name: 'acme' });
  await server.sendJson('PATCH', '/v1/tenants/acme/settings', { weight: 7 });
  await server.request('DELETE', '/v1/tenants/acme');
  await server.sendJson('POST', '/v1/tenants', { name: 'acme' });
  const { key } = await server.createKey('acme', 'boss', ['admin']);
  for (const name of ['a', 'b', 'c']) await server.createKey('acme', name, ['read']);
  await server.createKey('default', 'other', ['read']);
  const path = '/v1/tenants/acme/audit';
  const all = await entriesOf(server, path, key);
  t.deepEqual(
    all.map(({ action, tenant }) => `${tenant} ${action}`),
    ['acme key.create', 'acme key.create', 'acme key.create', 'acme key.create', 'acme tenant.create'],
  );
  const first = await entriesOf(server, `${path}?limit=2`, key);
  const second = await entriesOf(server, `${path}?limit=10&before=${first.at(-1)?.id}`, key);
  t.deepEqual([...first, ...second], all);
});
