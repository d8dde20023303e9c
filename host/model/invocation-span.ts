/** What a sampled invocation leaves beside its usage record: plain data, from which the main thread makes spans. */
import type { GuestAttributes, GuestSpan } from './guest-span.ts';
import type { InvocationUse, UsageSubject } from './usage-record.ts';

/** A request that the guest sent. */
export interface OutboundSpan {
  readonly spanId: string;
  /** The guest's own span that it was sent in, or the invocation's. */
  readonly parentSpanId: string;
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Host and port as the guest named them. */
  readonly authority: string;
  /** Without its query, which may hold secrets. */
  readonly path: string;
  readonly startMs: number;
  /** When the response's head was there, or the failure. */
  readonly endMs: number;
  readonly status?: number;
  /** The case of a wasi:http error-code. */
  readonly error?: string;
}

export interface InvocationSpan
  extends Pick<UsageSubject, 'tenant' | 'name' | 'version'>,
    Pick<
      InvocationUse,
      | 'invocationId'
      | 'trigger'
      | 'outcome'
      | 'attempt'
      | 'batchSize'
      | 'fuel'
      | 'peakMemoryBytes'
      | 'queueUs'
      | 'initUs'
      | 'execUs'
      | 'start'
    > {
  readonly traceId: string;
  readonly spanId: string;
  /** Whoever caused it; undefined where the trace begins here. */
  readonly parentSpanId?: string;
  readonly tracestate?: string;
  /** Since the epoch, with fractions. */
  readonly endMs: number;
  readonly http?: { readonly method: string; readonly path: string; readonly status: number };
  readonly outbound: readonly OutboundSpan[];
  /** Requests beyond the bound, which have no span. */
  readonly outboundLeftOut: number;
  /** What the guest adds: spans below the invocation's, and attributes of that. */
  readonly guestSpans: readonly GuestSpan[];
  readonly guestSpansLeftOut: number;
  readonly attributes: GuestAttributes;
  readonly attributesLeftOut: number;
  /** Trace contexts of the messages of a batch, as `traceparent`: each was caused by somebody else. */
  readonly links: readonly string[];
}
