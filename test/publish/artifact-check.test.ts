/** What was published before a check that there is now: it runs if it passes. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import type { ArtifactManifest } from '../../host/model/artifact.ts';
import { asTenantName } from '../../host/model/ids.ts';
import { ArtifactCheck } from '../../host/publish/artifact-check.ts';
import { artifactKey } from '../../host/publish/artifact-key.ts';
import { compileArtifact } from '../../host/worker/compile-artifact.ts';
import { runComponent } from '../compiler/guests.ts';
import { offeredComponent, offeredModule } from '../harness/offered-component.ts';
import { digestOf, UploadFixture } from './upload-fixture.ts';

/** Where no pipeline of today puts anything. */
const OLDER = '0'.repeat(64);

const OWNER = asTenantName('acme')!;
const OWNED = { tenantsOf: () => [OWNER] };

const otherTypes = (wit: string): string => wit.replace('field-value = list<u8>', 'field-value = list<u16>');

test('an artifact of an older pipeline runs if its upload passes what publishing asks for today', async (t) => {
  const fixture = await UploadFixture.create(t);
  const { artifacts, publisher } = fixture;
  const { artifactKey: key } = await publisher.publish(await fixture.job(await runComponent()));
  const folder = artifacts.folder(OLDER);
  await cp(artifacts.folder(key), folder, { recursive: true });
  const { modules } = await compileArtifact(artifacts, new ArtifactCheck(artifacts, OWNED), OLDER);
  t.true(modules.length > 0);

  await writeFile(join(folder, 'upload.wasm'), await offeredComponent(otherTypes));
  const check = new ArtifactCheck(artifacts, OWNED);
  const refused = async (): Promise<MayflyError> =>
    (await t.throwsAsync(compileArtifact(artifacts, check, OLDER), { instanceOf: MayflyError }))!;
  const { code, message } = await refused();
  t.is(code, 'artifact_refused');
  t.regex(message, /imports \[static\]fields\.from-list of wasi:http\/types@\S+ with other types/);
  // Whoever calls it all the time does not keep a thread busy.
  await writeFile(join(folder, 'upload.wasm'), await runComponent());
  t.is((await refused()).message, message);
});

test('what a toolchain for wasip1 embeds is looked at as well', async (t) => {
  const { artifacts } = await UploadFixture.create(t);
  const folder = artifacts.folder(OLDER);
  await mkdir(folder, { recursive: true });
  const look = async (upload: Uint8Array): Promise<void> => {
    await writeFile(join(folder, 'upload.wasm'), upload);
    const manifest = { digest: digestOf(upload), upload: 'wasip1-reactor', handler: 'wasi:cli/run@0.2' };
    await new ArtifactCheck(artifacts, OWNED).assertPasses(OLDER, manifest as ArtifactManifest);
  };
  await t.notThrowsAsync(look(await offeredModule()));
  const error = await t.throwsAsync(look(await offeredModule(otherTypes)), { instanceOf: MayflyError });
  t.is(error?.code, 'artifact_refused');
});

test('what this pipeline made is not looked at, a look that fails lets nothing run and is made again', async (t) => {
  const { artifacts } = await UploadFixture.create(t);
  const check = new ArtifactCheck(artifacts, OWNED);
  const digest = digestOf(new Uint8Array());
  const manifest = { digest, upload: 'component', handler: 'wasi:cli/run@0.2' } as ArtifactManifest;
  for (const handler of [undefined, manifest.handler])
    await t.notThrowsAsync(check.assertPasses(artifactKey(digest, handler), manifest));
  t.is(await check.assertPasses(OLDER, manifest).catch(({ code }) => code), 'artifact_unavailable');
  await mkdir(artifacts.folder(OLDER), { recursive: true });
  await writeFile(join(artifacts.folder(OLDER), 'upload.wasm'), await runComponent());
  await t.notThrowsAsync(check.assertPasses(OLDER, manifest));
});

test('a look that takes more memory than a publish may is ended, and lets nothing run', async (t) => {
  const { artifacts } = await UploadFixture.create(t);
  const upload = await offeredModule();
  await mkdir(artifacts.folder(OLDER), { recursive: true });
  await writeFile(join(artifacts.folder(OLDER), 'upload.wasm'), upload);
  const manifest = { digest: digestOf(upload), upload: 'wasip1-reactor', handler: 'wasi:cli/run@0.2' };
  const check = new ArtifactCheck(artifacts, { ...OWNED, memoryBytes: 48 * 2 ** 20 });
  const look = (): Promise<void> => check.assertPasses(OLDER, manifest as ArtifactManifest);
  const error = await t.throwsAsync(look(), { instanceOf: MayflyError, code: 'artifact_unavailable' });
  t.like(error?.cause, { code: 'publish_out_of_memory' });
});

test('tenants take turns, however many artifacts one of them has', async (t) => {
  const { artifacts } = await UploadFixture.create(t);
  const upload = await runComponent();
  const manifest = { digest: digestOf(upload), upload: 'component', handler: 'wasi:cli/run@0.2' };
  const looked: string[] = [];
  const check = new ArtifactCheck(artifacts, {
    tenantsOf: (key) => [key.startsWith('a') ? asTenantName('many')! : asTenantName('one')!],
  });
  const look = async (first: string): Promise<void> => {
    const key = first.padEnd(64, '0');
    await check.assertPasses(key, manifest as ArtifactManifest);
    looked.push(first);
  };
  const names = ['a1', 'a2', 'a3', 'a4', 'b1'];
  for (const name of names) {
    const folder = artifacts.folder(name.padEnd(64, '0'));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'upload.wasm'), upload);
  }
  await Promise.all(names.map(look));
  t.deepEqual(looked, ['a1', 'a2', 'b1', 'a3', 'a4']);
});
