/** A trace context as the header fields of a request have it. */
import type { IncomingMessage } from 'node:http';
import { parseTraceContext, type TraceContext, traceparentOf } from '../model/trace-context.ts';

/** Several fields of one name are no context that anybody could continue. */
export function traceContextOf({ headers }: IncomingMessage): TraceContext | undefined {
  return parseTraceContext(asText(headers['traceparent']), asText(headers['tracestate']));
}

export function traceFields(trace: TraceContext | undefined): [string, string][] {
  if (trace === undefined) return [];
  const { tracestate } = trace;
  const fields: [string, string][] = [['traceparent', traceparentOf(trace)]];
  return tracestate === undefined ? fields : [...fields, ['tracestate', tracestate]];
}

function asText(field: string | string[] | undefined): string | undefined {
  return typeof field === 'string' ? field : undefined;
}
