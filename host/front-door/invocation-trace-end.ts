import type { LiveFunction } from '../model/function-version.ts';
import type { InvocationSpan } from '../model/invocation-span.ts';
import type { InvocationTrace } from '../model/invocation-trace.ts';
import type { InvocationUse } from '../model/usage-record.ts';
import type { InvocationCause, InvocationEnd } from './invocation-use.ts';

const NO_LINKS: readonly string[] = [];
const NO_GUEST_SPANS: Pick<InvocationSpan, 'guestSpans' | 'guestSpansLeftOut'> = {
  guestSpans: [],
  guestSpansLeftOut: 0,
};

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
    endMs: trace.endMs,
    ...(http === undefined ? {} : { http: { ...http, path: http.path.split('?', 1)[0]! } }),
    ...childrenOf(trace),
    outboundLeftOut: trace.outboundLeftOut,
    attributes: trace.attributes,
    attributesLeftOut: trace.attributesLeftOut,
    links: cause.links ?? NO_LINKS,
  };
}

/** A request in a span that never ended hangs below the invocation. */
function childrenOf({
  context,
  outbound,
  guestSpans,
}: InvocationTrace): Pick<InvocationSpan, 'outbound' | 'guestSpans' | 'guestSpansLeftOut'> {
  if (guestSpans === undefined) return { outbound, ...NO_GUEST_SPANS };
  const { spans, ids } = guestSpans.finished();
  const placed = outbound.map((request) =>
    ids.has(request.parentSpanId) ? request : { ...request, parentSpanId: context.spanId },
  );
  return { outbound: placed, guestSpans: spans, guestSpansLeftOut: guestSpans.leftOut };
}
