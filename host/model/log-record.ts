import type { LogLevel } from './function-configuration.ts';
import type { FunctionName, InvocationId, TenantName } from './ids.ts';

/** One line of a function's log. */
export interface LogRecord {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly version: number;
  readonly invocationId: InvocationId;
  readonly timestampMs: number;
  readonly level: Exclude<LogLevel, 'off'>;
  /** Where it came from: the guest's two streams, or the host (traps, limits). */
  readonly source: 'stdout' | 'stderr' | 'host';
  /** Where the invocation belongs to a trace. */
  readonly traceId?: string;
  /** Of the invocation, or of its caller where the trace is not recorded here. */
  readonly spanId?: string;
  /** Without its line end. */
  readonly message: string;
}
