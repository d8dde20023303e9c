import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { Registry } from '../../host/store/registry.ts';
import { functionNamed, publicationOf, tenantNamed } from './publications.ts';

const acme = tenantNamed('acme');

test('entries cannot be changed or removed, also not by whoever opens the file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-audit-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'registry.db');
  {
    using registry = new Registry({ path });
    registry.tenants.ensure(acme, {}, 1);
  }
  const database = new DatabaseSync(path);
  t.teardown(() => database.close());
  t.throws(() => database.exec('DELETE FROM audit'), { message: /append-only/ });
  t.throws(() => database.exec("UPDATE audit SET target = 'x'"), { message: /append-only/ });
  t.is(database.prepare('SELECT count(*) AS n FROM audit').get()?.['n'], 1);
});

test('a change that fails takes its entry back', (t) => {
  using registry = new Registry({ path: ':memory:' });
  registry.tenants.ensure(acme, {}, 1);
  const name = functionNamed('hello');
  registry.functions.publish(publicationOf(acme, name, 'one'), { functionsPerTenant: 9 });
  const before = registry.audit.list({ limit: 99 });
  t.throws(() => registry.functions.setLive(acme, name, 9, 2));
  t.throws(() =>
    registry.functions.publish(publicationOf(acme, functionNamed('more'), 'x'), { functionsPerTenant: 1 }),
  );
  t.throws(() => registry.removeTenant(acme, { withFunctions: false, nowMs: 3 }));
  t.deepEqual(registry.audit.list({ limit: 99 }), before);
});

test('an entry stays small whatever was changed', (t) => {
  using registry = new Registry({ path: ':memory:' });
  registry.tenants.ensure(acme, {}, 1);
  const name = functionNamed('hello');
  registry.functions.publish(publicationOf(acme, name, 'one'), { functionsPerTenant: 9 });
  const allowedHosts = Array.from({ length: 100 }, (_, i) => `${'h'.repeat(60)}${i}.example`);
  registry.functions.configure(acme, name, { allowedHosts }, 2);
  const [entry] = registry.audit.list({ limit: 1 });
  t.like(entry, { action: 'function.configure', before: { allowedHosts: [] } });
  t.regex(JSON.stringify(entry?.after), /omitted/);
});

test('beyond a bound the oldest entries of the same tenant go, and of nobody else', (t) => {
  using registry = new Registry({ path: ':memory:', auditEntriesPerTenant: 100 });
  registry.tenants.ensure(acme, {}, 1);
  const other = tenantNamed('other');
  registry.tenants.ensure(other, {}, 1);
  const name = functionNamed('hello');
  registry.functions.publish(publicationOf(acme, name, 'one'), { functionsPerTenant: 9 });
  for (let i = 0; i < 1_000; i++) registry.functions.configure(acme, name, { fuel: 1_000 + i }, 2);
  const entries = registry.audit.ofTenant(acme, { limit: 1_000 });
  t.true(entries.length >= 100 && entries.length < 100 + 256, `${entries.length}`);
  t.deepEqual(entries[0]?.after, { fuel: 1_999 });
  t.is(registry.audit.ofTenant(other, { limit: 10 }).length, 1);
});
