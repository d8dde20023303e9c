/** What was published before a check that there is now: it runs if it passes. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import type { ArtifactManifest } from '../../host/model/artifact.ts';
import { ArtifactCheck } from '../../host/publish/artifact-check.ts';
import { artifactKey } from '../../host/publish/artifact-key.ts';
import { compileArtifact } from '../../host/worker/compile-artifact.ts';
import { runComponent } from '../compiler/guests.ts';
import { offeredComponent, offeredModule } from '../harness/offered-component.ts';
import { digestOf, UploadFixture } from './upload-fixture.ts';

/** Where no pipeline of today puts anything. */
const OLDER = '0'.repeat(64);

const otherTypes = (wit: string): string => wit.replace('field-value = list<u8>', 'field-value = list<u16>');

test('an artifact of an older pipeline runs if its upload passes what publishing asks for today', async (t) => {
  const fixture = await UploadFixture.create(t);
  const { artifacts, publisher } = fixture;
  const { artifactKey: key } = await publisher.publish(await fixture.job(await runComponent()));
  const folder = artifacts.folder(OLDER);
  await cp(artifacts.folder(key), folder, { recursive: true });
  const { modules } = await compileArtifact(artifacts, new ArtifactCheck(artifacts), OLDER);
  t.true(modules.length > 0);

  await writeFile(join(folder, 'upload.wasm'), await offeredComponent(otherTypes));
  const check = new ArtifactCheck(artifacts);
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
    await new ArtifactCheck(artifacts).assertPasses(OLDER, manifest as ArtifactManifest);
  };
  await t.notThrowsAsync(look(await offeredModule()));
  const error = await t.throwsAsync(look(await offeredModule(otherTypes)), { instanceOf: MayflyError });
  t.is(error?.code, 'artifact_refused');
});

test('what this pipeline made is not looked at, a look that fails lets nothing run and is made again', async (t) => {
  const { artifacts } = await UploadFixture.create(t);
  const check = new ArtifactCheck(artifacts);
  const digest = digestOf(new Uint8Array());
  const manifest = { digest, upload: 'component', handler: 'wasi:cli/run@0.2' } as ArtifactManifest;
  for (const handler of [undefined, manifest.handler])
    await t.notThrowsAsync(check.assertPasses(artifactKey(digest, handler), manifest));
  // It comes from another thread, as no Error of this one.
  t.is(await check.assertPasses(OLDER, manifest).catch(({ code }) => code), 'ENOENT');
  await mkdir(artifacts.folder(OLDER), { recursive: true });
  await writeFile(join(artifacts.folder(OLDER), 'upload.wasm'), await runComponent());
  await t.notThrowsAsync(check.assertPasses(OLDER, manifest));
});
