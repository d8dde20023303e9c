import type { ArtifactManifest, HandlerKind, PublishStep } from './artifact.ts';
import type { FunctionConfiguration } from './function-configuration.ts';
import type { Digest, FunctionName, TenantName } from './ids.ts';

/** An immutable upload of a function. Versions count from 1 and are never reused. */
export interface FunctionVersion {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly version: number;
  readonly digest: Digest;
  /** Folder of the artifact in the store. */
  readonly artifactKey: string;
  readonly handler: HandlerKind;
  readonly world: string;
  readonly sizes: ArtifactManifest['sizes'];
  readonly steps: readonly PublishStep[];
  readonly createdAtMs: number;
}

/** A function: a name with settings, and the version that answers. */
export interface FunctionRecord {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly liveVersion: number;
  readonly configuration: FunctionConfiguration;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What a serving thread needs to answer for a function: resolved once, kept until the registry changes. */
export interface LiveFunction {
  readonly tenant: TenantName;
  /** Tells the tenant from earlier ones of its name, whose versions counted from 1, too: part of every key. */
  readonly generation: number;
  readonly name: FunctionName;
  readonly version: number;
  readonly artifactKey: string;
  readonly handler: HandlerKind;
  readonly configuration: FunctionConfiguration;
}
