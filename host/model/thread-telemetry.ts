/** What a serving thread tells of itself beside usage records and logs: plain data. */
import type { ErrorCode } from '../errors/errors.ts';
import type { FunctionName, TenantName } from './ids.ts';
import type { InvocationSpan } from './invocation-span.ts';

/** Calls of a function that got no place, since the last time. */
export interface RefusalCount {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly code: ErrorCode;
  readonly count: number;
}

/** Reusable instances of the thread, as they are now. */
export interface SlotUse {
  readonly idle: number;
  readonly busy: number;
  readonly idleBytes: number;
}

export interface ThreadTelemetry {
  readonly spans: readonly InvocationSpan[];
  readonly refusals: readonly RefusalCount[];
  readonly slots: SlotUse;
}
