/** `wasi:otel/tracing`: spans of the guest's own, below its invocation's (model/guest-spans.ts says what holds of them). */
import { GUEST_SPANS } from '../../limits/limits.ts';
import { cutText } from '../../model/cut-text.ts';
import { GUEST_SPAN_KINDS, type GuestSpanContent, type GuestSpanEvent } from '../../model/guest-span.ts';
import type { InvocationTrace } from '../../model/invocation-trace.ts';
import { parseTraceContext, traceparentOf } from '../../model/trace-context.ts';
import type { WasiContext } from '../context.ts';
import { takeAttributes, type WitKeyValue } from './guest-attributes.ts';

export interface WitSpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: { readonly sampled?: boolean };
  readonly isRemote: boolean;
  readonly traceState: readonly (readonly [string, string])[];
}

interface WitDatetime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

export interface WitSpanData {
  readonly spanContext: WitSpanContext;
  readonly parentSpanId: string;
  readonly spanKind: (typeof GUEST_SPAN_KINDS)[number];
  readonly name: string;
  readonly attributes: readonly WitKeyValue[];
  readonly events: readonly {
    readonly name: string;
    readonly time: WitDatetime;
    readonly attributes: readonly WitKeyValue[];
  }[];
  readonly links: readonly { readonly spanContext: WitSpanContext }[];
  readonly status:
    | { readonly tag: 'unset' | 'ok'; readonly val?: undefined }
    | { readonly tag: 'error'; readonly val: string };
  readonly instrumentationScope: { readonly name: string };
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
}

interface Tracing extends Record<string, unknown> {
  currentSpanContext(): WitSpanContext;
  onStart(context: WitSpanContext): void;
  onEnd(span: WitSpanData): void;
}

/**
 * What a span costs the host beside the calls that tell of it: its way to the main thread and into a request of OTLP takes 18 µs of a processor
 * (two attributes; a busy machine), as a call takes 3 to 5 for 10,000 (host-call-cost.ts). Charged whether the invocation is recorded or
 * not: what a guest does costs the same for every caller.
 */
export const SPAN_COST = 50_000;

/** Of a span, its array of pairs and its strings' headers. */
const SPAN_BYTES = 256;
const EVENT_BYTES = 128;
const LINK_BYTES = 64;

/** OpenTelemetry's own for "none". */
const NO_SPAN: WitSpanContext = {
  traceId: '0'.repeat(32),
  spanId: '0'.repeat(16),
  traceFlags: { sampled: false },
  isRemote: false,
  traceState: [],
};

export function createTracing(context: WasiContext): Tracing {
  const { trace } = context;
  return {
    currentSpanContext: () => (trace === undefined ? NO_SPAN : currentOf(trace)),
    onStart({ traceId, spanId }) {
      context.chargeFuel?.(SPAN_COST);
      if (!trace?.isRecorded) return;
      const { context: own } = trace;
      const isOwn = traceId === own.traceId && spanId !== own.spanId && isSpanId(spanId);
      trace.openGuestSpans().start(spanId, isOwn);
    },
    onEnd(span) {
      if (!trace?.isRecorded) return;
      const { spanContext, parentSpanId } = span;
      trace.openGuestSpans().end(spanContext.spanId, parentSpanId, () => contentOf(span, trace));
    },
  };
}

function currentOf({ context, guestSpans }: InvocationTrace): WitSpanContext {
  const { traceId, spanId, isSampled, tracestate } = context;
  return {
    traceId,
    spanId: guestSpans?.current ?? spanId,
    traceFlags: { sampled: isSampled },
    isRemote: false,
    traceState: tracestate === undefined ? [] : tracestate.split(',').flatMap(stateOf),
  };
}

/** A member of `tracestate`; what is none is left out. */
function stateOf(member: string): [string, string][] {
  const at = member.indexOf('=');
  return at < 0 ? [] : [[member.slice(0, at).trim(), member.slice(at + 1).trim()]];
}

function isSpanId(id: string): boolean {
  return /^[0-9a-f]{16}$/.test(id) && !/^0+$/.test(id);
}

function contentOf(span: WitSpanData, trace: InvocationTrace): GuestSpanContent {
  const { attributes, leftOut, bytes } = takeAttributes(span.attributes);
  const events = span.events.slice(0, GUEST_SPANS.events).map(eventOf);
  const links = span.links.slice(0, GUEST_SPANS.links).flatMap((link) => linkOf(link.spanContext, trace));
  const name = nameOf(span.name);
  const scope = nameOf(span.instrumentationScope.name);
  const statusMessage = span.status.tag === 'error' ? cutText(span.status.val, GUEST_SPANS.valueLength) : '';
  const texts = name.length + scope.length + statusMessage.length;
  return {
    name,
    kind: GUEST_SPAN_KINDS.includes(span.spanKind) ? span.spanKind : 'internal',
    scope,
    attributes,
    attributesLeftOut: leftOut + span.droppedAttributes,
    events: events.map(({ event }) => event),
    eventsLeftOut: span.events.length - events.length + span.droppedEvents,
    links,
    linksLeftOut: span.links.length - links.length + span.droppedLinks,
    status: span.status.tag,
    statusMessage,
    bytes:
      SPAN_BYTES +
      texts +
      bytes +
      events.reduce((sum, event) => sum + event.bytes, 0) +
      links.length * LINK_BYTES,
  };
}

function eventOf({ name, time, attributes: pairs }: WitSpanData['events'][number]): {
  readonly event: GuestSpanEvent;
  readonly bytes: number;
} {
  const { attributes, bytes } = takeAttributes(pairs);
  const atMs = Number(time.seconds) * 1_000 + time.nanoseconds / 1e6;
  return { event: { name: nameOf(name), atMs, attributes }, bytes: EVENT_BYTES + name.length + bytes };
}

/** Nothing, where it is no context. One to a span of this invocation leads to where that is known outside. */
function linkOf({ traceId, spanId, traceFlags }: WitSpanContext, trace: InvocationTrace): string[] {
  const isSampled = traceFlags.sampled === true;
  const link = parseTraceContext(traceparentOf({ traceId, spanId, isSampled }));
  return link === undefined ? [] : [traceparentOf(trace.outward(link))];
}

function nameOf(text: string): string {
  return cutText(text, GUEST_SPANS.nameLength);
}
