import type { FunctionId } from './recent-functions.ts';
import type { Registry } from './registry.ts';
import type { ArtifactInUse } from './version-artifacts.ts';

/** Artifacts that versions run on: those of functions that were called last first, and then as {@link Registry.versionArtifacts} lists them. Some come twice. */
export function* artifactsByUse(
  { functions, versionArtifacts }: Pick<Registry, 'functions' | 'versionArtifacts'>,
  recent: readonly FunctionId[],
): Iterable<ArtifactInUse> {
  for (const { tenant, name } of recent) {
    const found = functions.find(tenant, name);
    const live = found && functions.version(tenant, name, found.liveVersion);
    if (live !== undefined) yield live;
  }
  yield* versionArtifacts.list();
}
