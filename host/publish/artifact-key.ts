import { createHash } from 'node:crypto';
import { FUEL_MODEL } from '../instrument/cost-model.ts';
import type { ArtifactManifest, HandlerKind } from '../model/artifact.ts';
import type { Digest } from '../model/ids.ts';

/**
 * Raised with any change that makes another artifact of the same upload (a new jco, new glue, new checks, a new cost model). What was made
 * by a lower one is made again (remetering.ts).
 */
export const PIPELINE_VERSION = 7;

/**
 * Where the artifact of an upload lies: hex SHA-256 over everything that determines its content. The upload's own
 * digest is in it, so no other upload can take its place. Without a wish for a handler the pipeline's
 * preference decides, which is constant for a pipeline version.
 */
export function artifactKey(digest: Digest, handler: HandlerKind | undefined): string {
  const identity = ['mayfly-artifact', PIPELINE_VERSION, FUEL_MODEL, digest, handler ?? 'preferred'];
  return createHash('sha256').update(identity.join('\n')).digest('hex');
}

/** Whether an artifact lies where this pipeline would put it, whether or not its handler was wished for. */
export function isOfThisPipeline(
  key: string,
  { digest, handler }: Pick<ArtifactManifest, 'digest' | 'handler'>,
): boolean {
  return key === artifactKey(digest, undefined) || key === artifactKey(digest, handler);
}

/** Whether an older pipeline made it. A newer one is none: the operator has gone back to this release. */
export function isOfOlderPipeline(key: string, manifest: ArtifactManifest): boolean {
  return manifest.pipelineVersion < PIPELINE_VERSION && !isOfThisPipeline(key, manifest);
}
