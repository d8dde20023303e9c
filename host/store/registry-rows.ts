/** Rows of the registry's file, and what the rest of the host calls them. */
import type { ArtifactManifest, HandlerKind, PublishStep } from '../model/artifact.ts';
import type { FunctionConfigurationPatch } from '../model/function-configuration.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { Digest, FunctionName, TenantName } from '../model/ids.ts';

type Row = Readonly<Record<string, unknown>>;

/** A function's row; its configuration is only what was set. */
export interface FunctionRow {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly liveVersion: number;
  readonly overrides: FunctionConfigurationPatch;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

// Names and digests were parsed before they were written, so reading them back is a cast.

export function toFunctionRow(row: Row): FunctionRow {
  return {
    tenant: row['tenant'] as TenantName,
    name: row['name'] as FunctionName,
    liveVersion: row['live_version'] as number,
    overrides: JSON.parse(row['configuration'] as string) as FunctionConfigurationPatch,
    createdAtMs: row['created_at_ms'] as number,
    updatedAtMs: row['updated_at_ms'] as number,
  };
}

export function toFunctionVersion(row: Row): FunctionVersion {
  return {
    tenant: row['tenant'] as TenantName,
    name: row['name'] as FunctionName,
    version: row['version'] as number,
    digest: row['digest'] as Digest,
    artifactKey: row['artifact_key'] as string,
    handler: row['handler'] as HandlerKind,
    world: row['world'] as string,
    sizes: JSON.parse(row['sizes'] as string) as ArtifactManifest['sizes'],
    steps: JSON.parse(row['steps'] as string) as PublishStep[],
    createdAtMs: row['created_at_ms'] as number,
  };
}
