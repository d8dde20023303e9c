/** Artifacts made in the test's own process, for tests that run guests without a host around them. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoadedArtifact } from '../../host/instance/artifact.ts';
import { ARTIFACT_FILES } from '../../host/model/artifact.ts';
import { asDigest } from '../../host/model/ids.ts';
import { runPipeline } from '../../host/publish/pipeline.ts';

/** What publishing makes of an upload, as a serving thread holds it. */
export async function artifactOf(upload: Uint8Array): Promise<LoadedArtifact> {
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
    const glue = await readFile(join(folder, ARTIFACT_FILES.glue), 'utf8');
    return new LoadedArtifact({ key, manifest, modules, glue });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
