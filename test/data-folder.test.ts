import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DataFolderError, refuseLostRegistry } from '../host/data-folder.ts';

async function folderWith(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-data-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

const BESIDE = ['events.db', 'usage.db'];

for (const [what, registry] of [
  ['missing', {}],
  ['empty', { 'registry.db': '' }],
] as const)
  test(`a folder whose registry is ${what} beside artifacts is refused: a new registry would remove them`, async (t) => {
    const folder = await folderWith(t, { ...registry, 'artifacts/one/manifest.json': '{}' });
    const refused = await t.throwsAsync(
      refuseLostRegistry(folder, BESIDE, () => {}),
      { instanceOf: DataFolderError },
    );
    t.regex(refused!.message, /registry\.db is missing or empty, but there are 1 artifacts/);
  });

test('a folder without artifacts is begun, and nothing is said', async (t) => {
  const said: string[] = [];
  await refuseLostRegistry(await folderWith(t, {}), BESIDE, (line) => said.push(line));
  t.deepEqual(said, []);
});

test('a file that is gone from beside a registry is named', async (t) => {
  const folder = await folderWith(t, { 'registry.db': 'x', 'usage.db': 'x', 'events.db': '' });
  const said: string[] = [];
  await refuseLostRegistry(folder, BESIDE, (line) => said.push(line));
  t.is(said.length, 1);
  t.regex(said[0]!, /events\.db is missing or empty/);
});
