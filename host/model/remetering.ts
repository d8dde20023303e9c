/** How far a host has come with metering again what older pipelines metered. */
import type { ErrorCode } from '../errors/errors.ts';
import type { FunctionName, TenantName } from './ids.ts';

/** A version that runs on an artifact. */
export interface RunningVersion {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly version: number;
  readonly isLive: boolean;
}

/** An artifact that could not be made again of its upload: what runs on it goes on as an older pipeline made it. */
export interface RemeteringFailure {
  readonly artifactKey: string;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly atMs: number;
  /** At least one. */
  readonly versions: readonly RunningVersion[];
}

/** Counts are of artifacts, and begin with the host. */
export interface RemeteringStatus {
  /** False where the operator does not want it: nothing is done about what waits. */
  readonly isWanted: boolean;
  /** The one that is being made among them. */
  readonly waiting: number;
  readonly done: number;
  readonly failed: readonly RemeteringFailure[];
}
