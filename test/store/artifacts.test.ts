import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import type { ArtifactManifest } from '../../host/model/artifact.ts';
import { asDigest } from '../../host/model/ids.ts';
import { ArtifactStore } from '../../host/store/artifacts.ts';

const KEY = 'a'.repeat(64);

const MANIFEST: ArtifactManifest = {
  formatVersion: 1,
  pipelineVersion: 1,
  digest: asDigest(`sha256:${'0'.repeat(64)}`)!,
  upload: 'component',
  handler: 'wasi:cli/run@0.2',
  world: 'wasi:cli/run@0.2.3',
  exportKey: 'wasi:cli/run@0.2.3',
  eventHandlers: {},
  road: 'glue',
  roadReason: 'a test',
  planBytes: 0,
  imports: [],
  fuelModel: 'model',
  modules: [
    {
      name: 'component.core.wasm',
      bytes: 8,
      initialMemoryBytes: 0,
      initialTableEntries: 0,
      functions: 0,
      state: {
        memories: ['memory'],
        tables: [],
        globals: ['mayfly:global/0'],
        headrooms: [{ memory: 0, from: null }],
        obstacles: [],
      },
    },
  ],
  sizes: { uploadBytes: 1, codeBytes: 8, glueBytes: 1 },
};

interface Fixture {
  readonly store: ArtifactStore;
  readonly dataDir: string;
  staged(manifest?: unknown): Promise<string>;
}

async function fixture(t: { teardown(clean: () => Promise<void>): void }): Promise<Fixture> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-artifacts-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const store = new ArtifactStore(dataDir);
  await store.sweep();
  const staged = async (manifest: unknown = MANIFEST): Promise<string> => {
    const folder = await store.newStagingFolder();
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
    return folder;
  };
  return { store, dataDir, staged };
}

test('a committed artifact is there under its key, and staging is empty', async (t) => {
  const { store, dataDir, staged } = await fixture(t);
  t.false(await store.has(KEY));
  t.is(await store.commit(await staged(), KEY), 'created');
  t.true(await store.has(KEY));
  t.deepEqual(await store.readManifest(KEY), MANIFEST);
  t.deepEqual(await store.keys(), [KEY]);
  t.deepEqual(await readdir(join(dataDir, 'staging')), []);
});

test('the first commit of a key wins', async (t) => {
  const { store, dataDir, staged } = await fixture(t);
  await store.commit(await staged(), KEY);
  t.is(await store.commit(await staged({ ...MANIFEST, fuelModel: 'other' }), KEY), 'existed');
  t.is((await store.readManifest(KEY)).fuelModel, 'model');
  t.deepEqual(await readdir(join(dataDir, 'staging')), []);
});

test('of many commits of a key at once, one creates it', async (t) => {
  const { store, staged } = await fixture(t);
  const folders = await Promise.all(Array.from({ length: 8 }, () => staged()));
  const outcomes = await Promise.all(folders.map((folder) => store.commit(folder, KEY)));
  t.is(outcomes.filter((outcome) => outcome === 'created').length, 1);
});

test('a folder in the place of an artifact that is none makes way', async (t) => {
  const { store, dataDir, staged } = await fixture(t);
  await mkdir(join(dataDir, 'artifacts', KEY));
  await writeFile(join(dataDir, 'artifacts', KEY, 'junk'), 'x');
  t.is(await store.commit(await staged(), KEY), 'created');
  t.deepEqual(await readdir(store.folder(KEY)), ['manifest.json']);
});

test('a key that is no SHA-256 never becomes a path', async (t) => {
  const { store } = await fixture(t);
  for (const key of ['../../etc', '', 'A'.repeat(64), `${KEY}/..`, KEY.slice(1)]) {
    t.throws(() => store.folder(key), { instanceOf: RangeError });
  }
});

test('a manifest that is missing, broken or names a file elsewhere is unavailable', async (t) => {
  const { store, staged } = await fixture(t);
  const unavailable = async (key: string): Promise<void> => {
    const error = await t.throwsAsync(store.readManifest(key), { instanceOf: MayflyError });
    t.is(error.code, 'artifact_unavailable');
  };
  await unavailable(KEY);
  await store.commit(await staged({ ...MANIFEST, formatVersion: 2 }), KEY);
  await unavailable(KEY);
  const climbing = { ...MANIFEST, modules: [{ ...MANIFEST.modules[0], name: '../../x.wasm' }] };
  await store.commit(await staged(climbing), 'b'.repeat(64));
  await unavailable('b'.repeat(64));
});

test('an artifact from before there were event handlers has none', async (t) => {
  const { store, staged } = await fixture(t);
  const { eventHandlers: _, ...older } = MANIFEST;
  await store.commit(await staged(older), KEY);
  t.deepEqual((await store.readManifest(KEY)).eventHandlers, {});
});

test('a removed artifact is gone at once, and removing it again is nothing', async (t) => {
  const { store, dataDir, staged } = await fixture(t);
  await store.commit(await staged(), KEY);
  await store.remove(KEY);
  await store.remove(KEY);
  t.false(await store.has(KEY));
  t.deepEqual(await readdir(join(dataDir, 'staging')), []);
});

test('a sweep empties staging and leaves artifacts alone', async (t) => {
  const { store, dataDir, staged } = await fixture(t);
  await store.commit(await staged(), KEY);
  await staged();
  await writeFile(join(dataDir, 'staging', 'stray'), 'x');
  await store.sweep();
  t.deepEqual(await readdir(join(dataDir, 'staging')), []);
  t.true(await store.has(KEY));
});

test('a process killed amid commits leaves only whole artifacts', async (t) => {
  const { store, dataDir } = await fixture(t);
  const script = `
    import { writeFile } from 'node:fs/promises';
    import { createHash } from 'node:crypto';
    import { ArtifactStore } from ${JSON.stringify(new URL('../../host/store/artifacts.ts', import.meta.url).href)};
    const store = new ArtifactStore(${JSON.stringify(dataDir)});
    for (let i = 0; ; i++) {
      const folder = await store.newStagingFolder();
      await writeFile(folder + '/manifest.json', ${JSON.stringify(JSON.stringify(MANIFEST))});
      await writeFile(folder + '/component.core.wasm', new Uint8Array(100_000));
      await store.commit(folder, createHash('sha256').update(String(i)).digest('hex'));
      process.stdout.write('x');
    }`;
  for (const commits of [1, 4, 9]) {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let seen = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.length;
      if (seen >= commits) child.kill('SIGKILL');
    });
    await once(child, 'close');
    t.true(seen >= commits);
    await store.sweep();
    t.deepEqual(await readdir(join(dataDir, 'staging')), []);
    const keys = await store.keys();
    t.true(keys.length >= commits);
    for (const key of keys) {
      await store.readManifest(key);
      t.is((await readFile(join(store.folder(key), 'component.core.wasm'))).length, 100_000);
    }
  }
});
