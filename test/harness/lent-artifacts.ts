/**
 * Artifacts that a host of this run has published, lent to the next host that gets the same upload: it finds them in its store, as
 * any host does that is given an upload for the second time. Each upload goes through publishing in one host of a run; for
 * the others that would be 1.3 s of processor time, a QuickJS guest 2.9 s, most of it to start the publishing process.
 *
 *  1. An artifact is in the suite's folder whole or not at all: it comes by one rename, with a digest for each of its files.
 *  2. A host is lent an artifact before its first upload of it, or never: one that appeared while it makes its own would be taken for
 *     damaged and removed, under a function that has it already.
 *  3. What is lent is a copy, and each file of it has its digest: a host that damages its own harms no other.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asDigest } from '../../host/model/ids.ts';
import { artifactKey } from '../../host/publish/artifact-key.ts';
import { suiteFolder } from './suite-folder.ts';

const DIGESTS = 'digests.json';

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function digestsOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  const digests = names.map(async (name) => [name, sha256(await readFile(join(folder, name)))] as const);
  return Object.fromEntries(await Promise.all(digests));
}

/** Whether this rename was the first one. */
async function renamed(from: string, to: string): Promise<boolean> {
  const isFirst = await rename(from, to).then(
    () => true,
    () => false,
  );
  if (!isFirst) await rm(from, { recursive: true, force: true });
  return isFirst;
}

/** By place in a host's store: when the first upload was offered what was kept (invariant 2). */
const offered = new Map<string, Promise<void>>();

/** To a host with this data folder, before it gets the upload. */
export function lendArtifact(dataDir: string, upload: Uint8Array): Promise<void> {
  const suite = suiteFolder();
  if (suite === undefined) return Promise.resolve();
  const key = keyOf(upload);
  const target = join(dataDir, 'artifacts', key);
  let offer = offered.get(target);
  if (offer === undefined) {
    offer = lend(join(suite, key), target);
    offered.set(target, offer);
  }
  return offer;
}

async function lend(kept: string, target: string): Promise<void> {
  if (!existsSync(kept) || existsSync(target)) return;
  const copy = join(dirname(target), `lent-${randomUUID()}`);
  await cp(join(kept, 'artifact'), copy, { recursive: true });
  const digests = JSON.stringify(await digestsOf(copy));
  if (digests !== (await readFile(join(kept, DIGESTS), 'utf8')))
    throw new Error(`the artifact ${basename(target)} has changed since it was kept`);
  await renamed(copy, target);
}

/** Of a host that has published the upload. */
export async function keepArtifact(dataDir: string, upload: Uint8Array): Promise<void> {
  const suite = suiteFolder();
  if (suite === undefined) return;
  const key = keyOf(upload);
  const artifact = join(dataDir, 'artifacts', key);
  if (existsSync(join(suite, key)) || !existsSync(artifact)) return;
  const copy = join(suite, randomUUID());
  await mkdir(copy);
  await cp(artifact, join(copy, 'artifact'), { recursive: true });
  await writeFile(join(copy, DIGESTS), JSON.stringify(await digestsOf(artifact)));
  await renamed(copy, join(suite, key));
}

function keyOf(upload: Uint8Array): string {
  return artifactKey(asDigest(`sha256:${sha256(upload)}`)!, undefined);
}
