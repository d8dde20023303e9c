/** An invocation whose trace is recorded, as it is known where it ended, and what of it is told whole. */
import type { LiveFunction } from './function-version.ts';
import type { InvocationSpan } from './invocation-span.ts';
import type { InvocationTrace } from './invocation-trace.ts';
import type { InvocationUse } from './usage-record.ts';

export interface EndedInvocation {
  readonly live: LiveFunction;
  readonly trace: InvocationTrace;
  readonly use: InvocationUse;
  /** Trace contexts of a batch's messages, as `traceparent`. */
  readonly links: readonly string[] | undefined;
  /** Of a request through the front door; the path with its query. */
  readonly http: HttpExchange | undefined;
}

export interface HttpExchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** Of a path with a query, which may hold secrets: no span has it. */
export function withoutQuery(path: string): string {
  const at = path.indexOf('?');
  return at < 0 ? path : path.slice(0, at);
}

const NO_LINKS: readonly string[] = [];
const NO_GUEST_SPANS: Pick<InvocationSpan, 'guestSpans' | 'guestSpansLeftOut'> = {
  guestSpans: [],
  guestSpansLeftOut: 0,
};

/** What the trace of an invocation says of it, once it is over. */
export function spanOf({ live, trace, use, links, http }: EndedInvocation): InvocationSpan {
  const { tenant, name, version } = live;
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
    ...(http === undefined ? {} : { http: { ...http, path: withoutQuery(http.path) } }),
    ...childrenOf(trace),
    outboundLeftOut: trace.outboundLeftOut,
    attributes: trace.attributes,
    attributesLeftOut: trace.attributesLeftOut,
    links: links ?? NO_LINKS,
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
