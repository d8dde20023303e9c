/** Backups of a data folder whose parts are real, and what becomes of one that cannot be made. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { MayflyError } from '../../../host/errors.ts';
import { THE_HOST } from '../../../host/model/actor.ts';
import { type BackupProgress, backupIdOf } from '../../../host/model/backup.ts';
import { ArtifactCollection } from '../../../host/store/artifact-collection.ts';
import { Backups, type BackupsPorts } from '../../../host/store/backup/backups.ts';
import { LogStore } from '../../../host/store/log-store.ts';
import { RecentFunctions } from '../../../host/store/recent-functions.ts';
import { Registry } from '../../../host/store/registry.ts';
import { functionNamed, publicationOf, tenantNamed } from '../publications.ts';

const TENANT = tenantNamed('default');
const NOW_MS = Date.UTC(2026, 10, 27, 21, 32, 45, 123);
const ID = '20261127T213245.123Z';

interface Folder {
  readonly dataDir: string;
  readonly registry: Registry;
  readonly reports: string[];
  /** Of `backups/`. */
  entries(): string[];
  open(ports?: Partial<BackupsPorts>): Promise<Backups>;
  publish(name: string): string;
}

async function newFolder(t: ExecutionContext): Promise<Folder> {
  const dataDir = mkdtempSync(join(tmpdir(), 'mayfly-backups-'));
  t.teardown(() => rmSync(dataDir, { recursive: true }));
  const registry = new Registry({ path: join(dataDir, 'registry.db') });
  t.teardown(() => registry.close());
  registry.tenants.ensure(TENANT, {}, NOW_MS);
  const logs = new LogStore({ path: join(dataDir, 'logs.db') });
  t.teardown(() => logs[Symbol.dispose]());
  const recent = await RecentFunctions.open(join(dataDir, 'recent.json'));
  const artifacts = join(dataDir, 'artifacts');
  mkdirSync(artifacts);
  const reports: string[] = [];
  const collection = new ArtifactCollection({
    keys: async () => readdirSync(artifacts),
    inUse: () => registry.functions.artifactKeysInUse(),
    remove: async (key) => rmSync(join(artifacts, key), { recursive: true }),
    report: (message) => reports.push(message),
  });
  return {
    dataDir,
    registry,
    reports,
    entries: () => readdirSync(join(dataDir, 'backups')),
    open: (ports = {}) =>
      Backups.open({
        dataDir,
        registry,
        logs,
        collection,
        recent,
        queues: undefined,
        copyUsage: async ({ path }) => writeFileSync(path, 'usage'),
        usageWindowMs: 0,
        release: '0.1.0',
        now: () => NOW_MS,
        report: (message) => reports.push(message),
        ...ports,
      }),
    publish(name) {
      const publication = publicationOf(TENANT, functionNamed(name), name);
      registry.functions.publish(publication, { functionsPerTenant: 10 });
      mkdirSync(join(artifacts, publication.artifactKey));
      writeFileSync(join(artifacts, publication.artifactKey, 'upload.wasm'), name);
      return publication.artifactKey;
    },
  };
}

const codeOf = (error: unknown): string => (error instanceof MayflyError ? error.code : String(error));

test('a backup has the registry as it is, links to its artifacts, and an entry in the audit log', async (t) => {
  const folder = await newFolder(t);
  const key = folder.publish('hello');
  await using backups = await folder.open();
  const progress: BackupProgress[] = [];
  const backup = await backups.create(THE_HOST, (each) => progress.push(each));
  t.is(backup.id, ID);
  t.is(backup.linkedBytes, 'hello'.length);
  t.is(backup.queues, 'redis');
  const copy = join(folder.dataDir, 'backups', ID);
  const inode = (root: string): number => statSync(join(root, 'artifacts', key, 'upload.wasm')).ino;
  t.is(inode(copy), inode(folder.dataDir));
  const registry = new Registry({ path: join(copy, 'registry.db') });
  t.teardown(() => registry.close());
  t.truthy(registry.functions.live(TENANT, functionNamed('hello')));
  t.like(folder.registry.audit.list({ limit: 1 })[0], { action: 'backup.create', target: ID, tenant: null });
  t.deepEqual(
    progress.filter(({ ms }) => ms !== undefined).map(({ step }) => step),
    ['registry', 'artifacts', 'logs', 'usage'],
  );
  t.deepEqual(await backups.list(), [backup]);
  const later = await backups.create(THE_HOST);
  t.is(later.id, backupIdOf(NOW_MS + 1), 'the clock may stand still');
  t.deepEqual(await backups.list(), [later, backup]);
  await backups.remove(backup.id, THE_HOST);
  t.deepEqual(folder.entries(), [later.id]);
  t.is(inode(folder.dataDir), statSync(join(folder.dataDir, 'artifacts', key, 'upload.wasm')).ino);
  t.is(codeOf(await t.throwsAsync(backups.remove(backup.id, THE_HOST))), 'backup_not_found');
  t.is(codeOf(await t.throwsAsync(backups.remove('../registry.db', THE_HOST))), 'backup_not_found');
});

test('a function that is deleted while its registry is being copied leaves its artifact to the backup', async (t) => {
  const folder = await newFolder(t);
  const key = folder.publish('hello');
  const { registry } = folder;
  const deleting = {
    note: registry.note.bind(registry),
    async copyTo(options: Parameters<Registry['copyTo']>[0]) {
      await registry.copyTo(options);
      registry.functions.remove(TENANT, functionNamed('hello'), NOW_MS);
      collection.collectSoon();
    },
  } as unknown as Registry;
  const artifacts = join(folder.dataDir, 'artifacts');
  const collection = new ArtifactCollection({
    keys: async () => readdirSync(artifacts),
    inUse: () => registry.functions.artifactKeysInUse(),
    remove: async (gone) => rmSync(join(artifacts, gone), { recursive: true }),
    report: (message) => folder.reports.push(message),
  });
  await using backups = await folder.open({ registry: deleting, collection });
  await backups.create(THE_HOST);
  await collection.idle();
  t.deepEqual(readdirSync(artifacts), [], 'it goes once the backup has it');
  t.deepEqual(readdirSync(join(folder.dataDir, 'backups', ID, 'artifacts')), [key]);
});

test('an artifact that the store has lost is told of, and keeps nothing else from being copied', async (t) => {
  const folder = await newFolder(t);
  rmSync(join(folder.dataDir, 'artifacts', folder.publish('hello')), { recursive: true });
  await using backups = await folder.open();
  t.is((await backups.create(THE_HOST)).linkedBytes, 0);
  t.regex(folder.reports.join(), /^the artifact artifact-\w+ is not in the store/);
});

test('one backup is made at a time; it is broken off when the host ends, and nothing is left of it', async (t) => {
  const folder = await newFolder(t);
  const begun = Promise.withResolvers<void>();
  const backups = await folder.open({
    copyUsage: ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        begun.resolve();
      }),
  });
  const first = backups.create(THE_HOST);
  await begun.promise;
  t.deepEqual(folder.entries(), [`${ID}.partial`]);
  t.deepEqual(await backups.list(), []);
  t.is(codeOf(await t.throwsAsync(backups.create(THE_HOST))), 'backup_running');
  await Promise.all([
    backups[Symbol.asyncDispose](),
    t.throwsAsync(first).then((e) => t.is(codeOf(e), 'draining')),
  ]);
  t.deepEqual(folder.entries(), []);
  t.is(codeOf(await t.throwsAsync(backups.create(THE_HOST))), 'draining');
  t.deepEqual(folder.reports, []);
});

test('a backup that a disk has no room for is refused, and one that fails leaves nothing', async (t) => {
  const folder = await newFolder(t);
  await using refused = await folder.open({ freeBytes: async () => 64 * 2 ** 20 });
  t.is(codeOf(await t.throwsAsync(refused.create(THE_HOST))), 'disk_full');
  const full = Object.assign(new Error('database or disk is full'), { errcode: 13 });
  for (const [error, code] of [
    [full, 'disk_full'],
    [Object.assign(new Error('no space left'), { code: 'ENOSPC' }), 'disk_full'],
    [Object.assign(new Error('i/o error'), { code: 'EIO' }), 'backup_failed'],
  ] as const) {
    await using backups = await folder.open({ copyUsage: () => Promise.reject(error) });
    t.is(codeOf(await t.throwsAsync(backups.create(THE_HOST))), code);
    t.deepEqual(folder.entries(), []);
  }
  t.deepEqual(folder.reports, ['a backup failed']);
  await using backups = await folder.open();
  t.is((await backups.create(THE_HOST)).id, ID, 'the next one is not kept from being made');
});

test('what a killed host left half-made is gone when it starts, and what is no backup is not listed', async (t) => {
  const folder = await newFolder(t);
  const root = join(folder.dataDir, 'backups');
  mkdirSync(join(root, `${ID}.partial`), { recursive: true });
  mkdirSync(join(root, ID));
  new DatabaseSync(join(root, ID, 'registry.db')).close();
  mkdirSync(join(root, 'notes'));
  await using backups = await folder.open();
  t.deepEqual(folder.entries().sort(), [ID, 'notes']);
  t.deepEqual(await backups.list(), [], 'a folder without a manifest was not made by a host');
});
