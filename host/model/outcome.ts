import type { ErrorCode } from '../errors.ts';
import type { FunctionName, InvocationId, TenantName } from './ids.ts';

/** What came of an invocation. An error's code is one of errors.ts. */
export type Outcome =
  | { readonly kind: 'returned' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string };

/** What one invocation consumed. The bill of a tenant is the sum of these, to the unit. */
export interface UsageRecord {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly version: number;
  readonly invocationId: InvocationId;
  readonly outcome: 'returned' | ErrorCode;
  readonly fuel: number;
  readonly peakMemoryBytes: number;
  readonly queueMs: number;
  readonly initMs: number;
  readonly execMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly logBytes: number;
}
