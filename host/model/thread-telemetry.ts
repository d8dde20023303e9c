/** What a serving thread tells of itself beside usage records and logs: plain data. */
import type { ErrorCode } from '../errors/errors.ts';
import type { FunctionName, TenantName } from './ids.ts';
import type { InvocationSpan } from './invocation-span.ts';
import type { SpanBatch } from './span-batch.ts';

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

/** Recorded invocations. */
export interface RecordedSpans {
  /** Those that are told whole. */
  readonly spans: readonly InvocationSpan[];
  /** All others. */
  readonly batch: SpanBatch | undefined;
}

export interface ThreadTelemetry extends RecordedSpans {
  readonly refusals: readonly RefusalCount[];
  readonly slots: SlotUse;
}
