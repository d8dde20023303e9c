/** Artifacts as an older pipeline left them: made by the one of today, under another key and without a word of its version. */
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ArtifactStore } from '../../host/store/artifacts.ts';

/** Where an older pipeline would have put what lies there. */
export function olderKey(key: string): string {
  return createHash('sha256').update(`older ${key}`).digest('hex');
}

/** @returns its key then */
export async function makeOlder(artifacts: ArtifactStore, key: string): Promise<string> {
  const older = olderKey(key);
  await rename(artifacts.folder(key), artifacts.folder(older));
  await changeManifest(artifacts, older, ({ pipelineVersion: _, ...manifest }) => manifest);
  return older;
}

type Manifest = Record<string, unknown>;

export async function changeManifest(
  artifacts: ArtifactStore,
  key: string,
  change: (manifest: Manifest) => Manifest,
): Promise<void> {
  const path = join(artifacts.folder(key), 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  await writeFile(path, JSON.stringify(change(manifest)));
}

/**
 * Does so with all artifacts of a data folder whose host is down.
 * @returns their keys then, by the function that they are of
 */
export async function makeAllOlder(dataDir: string): Promise<Readonly<Record<string, string>>> {
  const artifacts = new ArtifactStore(dataDir);
  const registry = new DatabaseSync(join(dataDir, 'registry.db'));
  try {
    const replace = registry.prepare('UPDATE versions SET artifact_key = ? WHERE artifact_key = ?');
    for (const key of await artifacts.keys()) replace.run(await makeOlder(artifacts, key), key);
    const rows = registry.prepare('SELECT name, artifact_key FROM versions').all();
    return Object.fromEntries(rows.map(({ name, artifact_key }) => [name, artifact_key] as [string, string]));
  } finally {
    registry.close();
  }
}
