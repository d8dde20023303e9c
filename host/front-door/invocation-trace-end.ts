import type { LiveFunction } from '../model/function-version.ts';
import type { InvocationSpan } from '../model/invocation-span.ts';
import type { InvocationTrace } from '../model/invocation-trace.ts';
import type { InvocationUse } from '../model/usage-record.ts';
import type { InvocationCause, InvocationEnd } from './invocation-use.ts';

const NO_LINKS: readonly string[] = [];

/** What the trace of an invocation says of it, once it is over. */
export function spanOf(
  { tenant, name, version }: LiveFunction,
  trace: InvocationTrace,
  cause: InvocationCause,
  use: InvocationUse,
  http: InvocationEnd['http'],
): InvocationSpan {
  const { invocationId, trigger, outcome, attempt, batchSize, start } = use;
  const { fuel, peakMemoryBytes, queueUs, initUs, execUs } = use;
  const { traceId, spanId, tracestate } = trace.context;
  return {
    tenant,
    name,
    version,
    invocationId,
    trigger,
    outcome,
    attempt,
    batchSize,
    fuel,
    peakMemoryBytes,
    queueUs,
    initUs,
    execUs,
    start,
    traceId,
    spanId,
    ...(trace.parent === undefined ? {} : { parentSpanId: trace.parent.spanId }),
    ...(tracestate === undefined ? {} : { tracestate }),
    endMs: trace.nowMs(),
    ...(http === undefined ? {} : { http: { ...http, path: http.path.split('?', 1)[0]! } }),
    outbound: trace.outbound,
    outboundLeftOut: trace.outboundLeftOut,
    links: cause.links ?? NO_LINKS,
  };
}
