import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AdminKeyError, loadOrCreateAdminKey } from '../../host/control-plane/admin-key.ts';

async function newDataDir(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-key-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return join(folder, 'data');
}

test('a key is made once, kept for its owner alone, and found again', async (t) => {
  const dataDir = await newDataDir(t);
  const made = await loadOrCreateAdminKey(dataDir);
  t.is(made.origin, 'created');
  t.regex(made.key, /^mayfly_[A-Za-z0-9_-]{43}$/);
  t.is(made.path, join(dataDir, 'admin.key'));
  t.is((await stat(made.path!)).mode & 0o777, 0o600);
  t.deepEqual(await loadOrCreateAdminKey(dataDir), { key: made.key, origin: 'file', path: made.path! });
  t.deepEqual(await readdir(dataDir), ['admin.key']);
});

test('two data folders have two keys', async (t) => {
  const keys = [
    await loadOrCreateAdminKey(await newDataDir(t)),
    await loadOrCreateAdminKey(await newDataDir(t)),
  ];
  t.not(keys[0]?.key, keys[1]?.key);
});

test('hosts that start at once agree on one key', async (t) => {
  const dataDir = await newDataDir(t);
  const keys = await Promise.all(Array.from({ length: 10 }, () => loadOrCreateAdminKey(dataDir)));
  t.is(new Set(keys.map(({ key }) => key)).size, 1);
  t.is(keys.filter(({ origin }) => origin === 'created').length, 1);
  t.deepEqual(await readdir(dataDir), ['admin.key']);
});

test('a key from the environment is used and not stored', async (t) => {
  const dataDir = await newDataDir(t);
  const given = await loadOrCreateAdminKey(dataDir, 'from-the-environment');
  t.deepEqual(given, { key: 'from-the-environment', origin: 'environment' });
  await t.throwsAsync(readdir(dataDir));
});

test('a file that others could read is closed to them, with a warning', async (t) => {
  const dataDir = await newDataDir(t);
  const { key, path } = await loadOrCreateAdminKey(dataDir);
  await chmod(path!, 0o644);
  const found = await loadOrCreateAdminKey(dataDir);
  t.is(found.key, key);
  t.regex(found.warning ?? '', /mode 0644/);
  t.is((await stat(path!)).mode & 0o777, 0o600);
  t.is((await loadOrCreateAdminKey(dataDir)).warning, undefined);
});

test('a file that holds no key is refused and left as it is', async (t) => {
  const dataDir = await newDataDir(t);
  const { path } = await loadOrCreateAdminKey(dataDir);
  for (const content of ['', '\n', 'short', 'two words that are long enough', 'x'.repeat(600)]) {
    await writeFile(path!, content);
    await t.throwsAsync(loadOrCreateAdminKey(dataDir), { instanceOf: AdminKeyError });
    t.is(await readFile(path!, 'utf8'), content);
  }
});
