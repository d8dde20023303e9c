/** Which artifacts versions run on, and that a file of an older release is taken over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { FunctionName, TenantName } from '../../host/model/ids.ts';
import { artifactsByUse } from '../../host/store/artifacts-by-use.ts';
import { openDatabase } from '../../host/store/database.ts';
import { Registry } from '../../host/store/registry.ts';
import { REGISTRY_MIGRATIONS } from '../../host/store/registry-schema.ts';
import { functionNamed, publicationOf, tenantNamed } from './publications.ts';

const [acme, other] = [tenantNamed('acme'), tenantNamed('other')];
const roomy = { functionsPerTenant: 10 };

function open(path = ':memory:'): Registry {
  const registry = new Registry({ path });
  for (const tenant of [acme, other]) registry.tenants.ensure(tenant, {}, 1);
  return registry;
}

function publish(registry: Registry, tenant: TenantName, name: string, content: string, nowMs = 1): string {
  const publication = publicationOf(tenant, functionNamed(name), content, nowMs);
  registry.functions.publish(publication, roomy);
  return publication.artifactKey;
}

test('artifacts are listed once: of what was called last, of what is live, and of the rest, the latest first', (t) => {
  using registry = open();
  const old = publish(registry, acme, 'a', 'old', 9);
  const called = publish(registry, acme, 'a', 'called', 2);
  const shared = publish(registry, acme, 'b', 'shared', 3);
  publish(registry, other, 'b', 'shared', 4);
  const late = publish(registry, other, 'c', 'late', 5);
  const keys = registry.versionArtifacts.list().map(({ artifactKey }) => artifactKey);
  t.deepEqual(keys, [late, shared, called, old]);
  const recent = [
    { tenant: acme, name: 'a' as FunctionName },
    { tenant: acme, name: 'gone' as FunctionName },
  ];
  const byUse = [...artifactsByUse(registry, recent)].map(({ artifactKey }) => artifactKey);
  t.deepEqual(byUse, [called, ...keys]);
  t.deepEqual(registry.versionArtifacts.versionsOf(shared), [
    { tenant: acme, name: functionNamed('b'), version: 1, isLive: true },
    { tenant: other, name: functionNamed('b'), version: 1, isLive: true },
  ]);
  t.false(registry.versionArtifacts.versionsOf(old)[0]!.isLive);
});

test('versions of a tenant run on another artifact, and only whose live one does is told of', (t) => {
  using registry = open();
  const shared = publish(registry, acme, 'live', 'shared');
  publish(registry, acme, 'left', 'shared');
  publish(registry, acme, 'left', 'newer');
  publish(registry, other, 'live', 'shared');
  const bytes = (): unknown => registry.quotas.stored(acme);
  const before = bytes();
  const told: string[] = [];
  registry.versionArtifacts.onReplaced((tenant, name) => told.push(`${tenant}/${name}`));
  registry.versionArtifacts.replace(acme, shared, 'again', 9);
  t.deepEqual(told, ['acme/live']);
  const keyOf = (tenant: TenantName, name: string): string | undefined =>
    registry.functions.version(tenant, functionNamed(name), 1)?.artifactKey;
  t.deepEqual([keyOf(acme, 'live'), keyOf(acme, 'left'), keyOf(other, 'live')], ['again', 'again', shared]);
  t.is(registry.functions.live(acme, functionNamed('live'))?.artifactKey, 'again');
  t.is(registry.functions.find(acme, functionNamed('left'))?.liveVersion, 2);
  t.deepEqual(bytes(), before, 'what the host does takes nothing of a quota');
  const entries = registry.audit.ofTenant(acme, { limit: 2 });
  t.deepEqual(
    entries.map(({ action, target, before: was, after, atMs }) => ({ action, target, was, after, atMs })),
    ['live', 'left'].map((target) => ({
      action: 'function.remeter',
      target,
      was: { version: 1, artifact: shared },
      after: { version: 1, artifact: 'again' },
      atMs: 9,
    })),
  );
});

test('a file in which versions had an artifact each is taken over with all that hangs on it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-migrated-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'registry.db');
  const before = openDatabase({ path, synchronous: 'FULL', migrations: REGISTRY_MIGRATIONS.slice(0, 8) });
  const sizes = JSON.stringify({ uploadBytes: 1, codeBytes: 2, glueBytes: 3 });
  before.exec(`
    INSERT INTO tenants (name, created_at_ms) VALUES ('acme', 1);
    BEGIN;
    INSERT INTO functions VALUES ('acme', 'a', 2, '{"reservedConcurrency":3}', 1, 1);
    INSERT INTO versions VALUES ('acme', 'a', 1, 'd', 'one', 'h', 'w', '${sizes}', '[]', 1),
      ('acme', 'a', 2, 'd', 'two', 'h', 'w', '${sizes}', '[]', 2);
    COMMIT;
    INSERT INTO quarantines VALUES ('acme', 'a', 1, 1, 'why');`);
  const stored = before.prepare('SELECT * FROM stored_use').all();
  const versions = before.prepare('SELECT * FROM versions').all();
  before.close();
  const after = openDatabase({ path, synchronous: 'FULL', migrations: REGISTRY_MIGRATIONS });
  t.teardown(() => after.close());
  t.deepEqual(after.prepare('SELECT * FROM versions').all(), versions);
  t.deepEqual(after.prepare('SELECT * FROM stored_use').all(), stored);
  t.is(after.prepare('SELECT count(*) AS count FROM quarantines').get()?.['count'], 1);
  t.deepEqual(after.prepare('PRAGMA foreign_key_check').all(), []);
  t.throws(() => after.exec('UPDATE functions SET live_version = 3'), { message: /FOREIGN KEY/ });
  t.notThrows(() => after.exec(`UPDATE versions SET artifact_key = 'two'`));
  after.exec('DELETE FROM functions');
  t.is(after.prepare('SELECT count(*) AS count FROM versions').get()?.['count'], 0);
  t.like(after.prepare('SELECT * FROM stored_use').get(), { versions: 0, bytes: 0 });
});
