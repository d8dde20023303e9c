import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MayflyError } from '../errors/errors.ts';
import type { ArtifactMessage } from '../instance/artifact.ts';
import { ARTIFACT_FILES, type ArtifactManifest } from '../model/artifact.ts';
import type { LinkPlan } from '../model/link-plan.ts';
import type { ArtifactCheck } from '../publish/artifact-check.ts';
import type { ArtifactStore } from '../store/artifacts.ts';

/**
 * Reads an artifact and compiles its modules, for all threads of this process; one of an older pipeline is looked at again first.
 * @throws MayflyError artifact_unavailable, artifact_refused
 */
export async function compileArtifact(
  artifacts: ArtifactStore,
  check: ArtifactCheck,
  key: string,
): Promise<ArtifactMessage> {
  try {
    const folder = artifacts.folder(key);
    const manifest: ArtifactManifest = await artifacts.readManifest(key);
    await check.assertPasses(key, manifest);
    const isLinked = manifest.road === 'linked';
    const road = await readFile(join(folder, isLinked ? ARTIFACT_FILES.plan : ARTIFACT_FILES.glue), 'utf8');
    const modules = await Promise.all(
      manifest.modules.map(async ({ name }) => {
        const bytes = await readFile(join(folder, name));
        return [name, await WebAssembly.compile(bytes)] as const;
      }),
    );
    return {
      key,
      manifest,
      modules,
      plan: isLinked ? (JSON.parse(road) as LinkPlan) : null,
      glue: isLinked ? null : road,
    };
  } catch (error) {
    if (error instanceof MayflyError) throw error;
    throw new MayflyError('artifact_unavailable', `Artifact ${key.slice(0, 12)} could not be loaded.`, {
      cause: error,
    });
  }
}
