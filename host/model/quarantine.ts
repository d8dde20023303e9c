import type { FunctionName, TenantName } from './ids.ts';

/** A version that is not run any more because serving threads died while it ran. */
export interface Quarantine {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly version: number;
  readonly sinceMs: number;
  /** For its author: what happened, how often. */
  readonly reason: string;
}
