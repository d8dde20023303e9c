/** Artifacts made in the test's own process, for tests that run guests without a host around them. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArtifactMessage, LoadedArtifact } from '../../host/instance/artifact.ts';
import { ARTIFACT_FILES, type ArtifactManifest } from '../../host/model/artifact.ts';
import { asDigest } from '../../host/model/ids.ts';
import type { LinkPlan } from '../../host/model/link-plan.ts';
import { runPipeline } from '../../host/publish/pipeline.ts';

/**
 * What publishing makes of an upload, as a serving thread holds it.
 * @param road another one than publishing chose
 */
export async function artifactOf(
  upload: Uint8Array,
  road?: ArtifactManifest['road'],
): Promise<LoadedArtifact> {
  return new LoadedArtifact(await artifactMessageOf(upload, road));
}

/** The same, as the main thread sends it to serving threads. */
export async function artifactMessageOf(
  upload: Uint8Array,
  road?: ArtifactManifest['road'],
): Promise<ArtifactMessage> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-artifact-'));
  try {
    const key = createHash('sha256').update(upload).digest('hex');
    const uploadPath = join(folder, 'upload');
    await writeFile(uploadPath, upload);
    const { manifest } = await runPipeline({
      uploadPath,
      digest: asDigest(`sha256:${key}`)!,
      handler: null,
      memoryBytes: 128 * 2 ** 20,
      stagingFolder: folder,
    });
    const modules = await Promise.all(
      manifest.modules.map(
        async ({ name }) => [name, await WebAssembly.compile(await readFile(join(folder, name)))] as const,
      ),
    );
    const isLinked = (road ?? manifest.road) === 'linked';
    const text = await readFile(join(folder, isLinked ? ARTIFACT_FILES.plan : ARTIFACT_FILES.glue), 'utf8');
    const plan = isLinked ? (JSON.parse(text) as LinkPlan) : null;
    return { key, manifest, modules, plan, glue: isLinked ? null : text };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
