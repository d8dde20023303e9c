import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { FunctionName, TenantName } from '../../host/model/ids.ts';
import { type FunctionId, MAX_RECENT, RecentFunctions } from '../../host/store/recent-functions.ts';

async function path(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-recent-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return join(folder, 'recent.json');
}

const id = (name: string): FunctionId => ({ tenant: 'default' as TenantName, name: name as FunctionName });
const names = (recent: RecentFunctions): string[] => recent.list().map(({ name }) => name);

test('the function that was called last comes first, also after a restart', async (t) => {
  const file = await path(t);
  const recent = await RecentFunctions.open(file);
  recent.note([id('a'), id('b')]);
  recent.note([id('c'), id('a')]);
  t.deepEqual(names(recent), ['a', 'c', 'b']);
  await recent.save();
  t.deepEqual(names(await RecentFunctions.open(file)), ['a', 'c', 'b']);
});

test('only so many are kept', async (t) => {
  const recent = await RecentFunctions.open(await path(t));
  for (let i = 0; i < MAX_RECENT + 10; i++) recent.note([id(`f${i}`)]);
  t.is(names(recent).length, MAX_RECENT);
  t.is(names(recent)[0], `f${MAX_RECENT + 9}`);
});

test('a file that is damaged, or names what is no name, is as good as none', async (t) => {
  const file = await path(t);
  await writeFile(file, '{"oops');
  t.deepEqual(names(await RecentFunctions.open(file)), []);
  await writeFile(
    file,
    JSON.stringify([
      { tenant: '../x', name: 'a' },
      { tenant: 'default', name: 'b' },
    ]),
  );
  t.deepEqual(names(await RecentFunctions.open(file)), ['b']);
});
