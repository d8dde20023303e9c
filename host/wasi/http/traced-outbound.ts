/** Outbound HTTP that carries its invocation's trace on: `traceparent` in each request, unless the guest has set its own. */
import type { InvocationTrace } from '../../model/invocation-trace.ts';
import { parseTraceContext, type TraceContext, traceparentOf } from '../../model/trace-context.ts';
import type { HeaderList, OutboundHttp, OutboundRequest } from '../context.ts';
import { OutboundError } from './error-code.ts';

export function tracedOutbound(outbound: OutboundHttp, trace: InvocationTrace): OutboundHttp {
  return {
    async send(request, signal) {
      const { context, parentSpanId } = trace.child();
      const startMs = trace.nowMs();
      const end = (came: { status: number } | { error: string }): void => {
        const { method, scheme, authority, pathWithQuery } = request;
        const [path = '/'] = pathWithQuery.split('?', 1);
        const target = { method, scheme, authority, path };
        const endMs = trace.nowMs();
        trace.addOutbound({ spanId: context.spanId, parentSpanId, ...target, startMs, endMs, ...came });
      };
      try {
        const response = await outbound.send(withTrace(request, context, trace), signal);
        end({ status: response.status });
        return response;
      } catch (error) {
        end({ error: error instanceof OutboundError ? error.payload.tag : 'internal-error' });
        throw error;
      }
    },
  };
}

/** A guest that continues the trace itself knows better where its spans hang. */
function withTrace(request: OutboundRequest, context: TraceContext, trace: InvocationTrace): OutboundRequest {
  const has = (field: string): boolean => request.headers.some(([name]) => name.toLowerCase() === field);
  if (has('traceparent')) return trace.guestSpans === undefined ? request : withOutwardIds(request, trace);
  const added: [string, Uint8Array][] = [['traceparent', Buffer.from(traceparentOf(context))]];
  if (context.tracestate !== undefined && !has('tracestate'))
    added.push(['tracestate', Buffer.from(context.tracestate)]);
  const headers: HeaderList = [...request.headers, ...added];
  return { ...request, headers };
}

/** The span that it names may be one of its own, which has another id outside. */
function withOutwardIds(request: OutboundRequest, trace: InvocationTrace): OutboundRequest {
  const headers = request.headers.map((field): HeaderList[number] => {
    const [name, value] = field;
    if (name.toLowerCase() !== 'traceparent') return field;
    const named = parseTraceContext(Buffer.from(value).toString('latin1'));
    const outward = named && trace.outward(named);
    return outward === named ? field : [name, Buffer.from(traceparentOf(outward!))];
  });
  return { ...request, headers };
}
