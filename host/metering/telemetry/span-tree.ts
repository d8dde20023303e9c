/**
 * What a recorded invocation becomes: a span for the whole, and children for what is worth one. A child that would say nothing
 * (a wait of no time, a warm start, a run that is the whole) is left out: an invocation of 100 µs is one span, not four.
 */
import {
  type Attributes,
  type Link,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api';
import { type InstrumentationScope, millisToHrTime, TraceState } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace';
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
  ATTR_URL_PATH,
} from '@opentelemetry/semantic-conventions';
import {
  ATTR_FAAS_INVOCATION_ID,
  ATTR_FAAS_NAME,
  ATTR_FAAS_VERSION,
} from '@opentelemetry/semantic-conventions/incubating';
import type { GuestAttributes, GuestSpan } from '../../model/guest-span.ts';
import type { InvocationSpan, OutboundSpan } from '../../model/invocation-span.ts';
import { parseTraceContext } from '../../model/trace-context.ts';
import {
  ATTR_ATTEMPT,
  ATTR_BATCH_SIZE,
  ATTR_FUEL,
  ATTR_PEAK_MEMORY,
  ATTR_TENANT,
  commonAttributes,
  failureOf,
  QUEUE_SPAN_US,
  spanNameOf,
} from './invocation-attributes.ts';

export interface SpanOrigin {
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
  readonly newSpanId: () => string;
}

const OK: SpanStatus = { code: SpanStatusCode.UNSET };

interface SpanParts {
  readonly name: string;
  readonly kind: SpanKind;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly isParentRemote?: boolean;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly status: SpanStatus;
  readonly links?: Link[];
  readonly events?: TimedEvent[];
  readonly scope?: InstrumentationScope;
  readonly leftOut?: Pick<GuestSpan, 'attributesLeftOut' | 'eventsLeftOut' | 'linksLeftOut'>;
}

/** Spans of guests have a scope of their own, whatever the library in them is called: none can be taken for the host's. */
const GUEST_SCOPE: InstrumentationScope = { name: 'mayfly.guest' };

/** The spans of an invocation, the one of the whole last. */
export function spansOf(invocation: InvocationSpan, origin: SpanOrigin): ReadableSpan[] {
  const { traceId, tracestate, spanId, parentSpanId, endMs, queueUs, initUs, execUs } = invocation;
  const traceState = tracestate === undefined ? undefined : new TraceState(tracestate);
  const execStartMs = endMs - execUs / 1_000;
  const initStartMs = execStartMs - initUs / 1_000;
  const startMs = initStartMs - queueUs / 1_000;
  const spans: ReadableSpan[] = [];
  const add = (parts: SpanParts): void => {
    const { parentSpanId: parent, isParentRemote = false } = parts;
    const context = {
      traceId,
      traceFlags: TraceFlags.SAMPLED,
      ...(traceState === undefined ? {} : { traceState }),
    };
    const spanContext = { ...context, spanId: parts.spanId };
    spans.push({
      name: parts.name,
      kind: parts.kind,
      spanContext: () => spanContext,
      ...(parent === undefined
        ? {}
        : { parentSpanContext: { ...context, spanId: parent, isRemote: isParentRemote } }),
      startTime: millisToHrTime(parts.startMs),
      endTime: millisToHrTime(parts.endMs),
      duration: millisToHrTime(Math.max(parts.endMs - parts.startMs, 0)),
      status: parts.status,
      attributes: parts.attributes,
      links: parts.links ?? [],
      events: parts.events ?? [],
      ended: true,
      resource: origin.resource,
      instrumentationScope: parts.scope ?? origin.scope,
      droppedAttributesCount: parts.leftOut?.attributesLeftOut ?? 0,
      droppedEventsCount: parts.leftOut?.eventsLeftOut ?? 0,
      droppedLinksCount: parts.leftOut?.linksLeftOut ?? 0,
    });
  };
  const child = (name: string, fromMs: number, toMs: number): void =>
    add({
      name,
      kind: SpanKind.INTERNAL,
      spanId: origin.newSpanId(),
      parentSpanId: spanId,
      startMs: fromMs,
      endMs: toMs,
      attributes: {},
      status: OK,
    });
  const hasWaited = queueUs >= QUEUE_SPAN_US;
  const hasStarted = invocation.start === 'cold';
  if (hasWaited) child('queue', startMs, initStartMs);
  if (hasStarted) child('init', initStartMs, execStartMs);
  if ((hasWaited || hasStarted) && invocation.start !== 'none') child('exec', execStartMs, endMs);
  for (const request of invocation.outbound) add(outboundParts(request));
  for (const span of invocation.guestSpans) add(guestParts(span, invocation));
  add({
    name: spanNameOf(invocation),
    kind: invocation.trigger === 'queue' ? SpanKind.CONSUMER : SpanKind.SERVER,
    spanId,
    parentSpanId,
    isParentRemote: true,
    startMs,
    endMs,
    attributes: attributesOf(invocation),
    status: statusOf(invocation),
    links: invocation.links.flatMap(linkTo),
  });
  return spans;
}

function attributesOf(invocation: InvocationSpan): Attributes {
  const { http, outboundLeftOut, guestSpansLeftOut, attributesLeftOut } = invocation;
  const subject = { ...invocation, method: http?.method, status: http?.status };
  return {
    // First: what the host says holds.
    ...ofGuest(invocation.attributes.filter(([key]) => !HOSTS_KEYS.has(key))),
    ...Object.fromEntries(commonAttributes(subject)),
    [ATTR_FAAS_INVOCATION_ID]: invocation.invocationId,
    [ATTR_FUEL]: invocation.fuel,
    [ATTR_PEAK_MEMORY]: invocation.peakMemoryBytes,
    ...(invocation.attempt > 1 ? { [ATTR_ATTEMPT]: invocation.attempt } : {}),
    ...(invocation.batchSize > 1 ? { [ATTR_BATCH_SIZE]: invocation.batchSize } : {}),
    ...(http === undefined ? {} : { [ATTR_URL_PATH]: http.path }),
    ...(outboundLeftOut > 0 ? { 'mayfly.outbound.left_out': outboundLeftOut } : {}),
    ...(guestSpansLeftOut > 0 ? { 'mayfly.guest.spans.left_out': guestSpansLeftOut } : {}),
    ...(attributesLeftOut > 0 ? { 'mayfly.guest.attributes.left_out': attributesLeftOut } : {}),
  };
}

/** Which invocation a span is of. */
function subjectOf({ tenant, name, version, invocationId }: InvocationSpan): Attributes {
  return {
    [ATTR_TENANT]: tenant,
    [ATTR_FAAS_NAME]: name,
    [ATTR_FAAS_VERSION]: String(version),
    [ATTR_FAAS_INVOCATION_ID]: invocationId,
  };
}

/** What the span of an invocation has of the host or not at all: a guest cannot say that it has failed, or was asked otherwise. */
const HOSTS_KEYS: ReadonlySet<string> = new Set([
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_URL_PATH,
]);

/** Own properties, whatever the keys are called. */
function ofGuest(attributes: GuestAttributes): Attributes {
  return Object.fromEntries(attributes) as Attributes;
}

const GUEST_STATUS: Readonly<Record<GuestSpan['status'], SpanStatusCode>> = {
  unset: SpanStatusCode.UNSET,
  ok: SpanStatusCode.OK,
  error: SpanStatusCode.ERROR,
};

const GUEST_KINDS: Readonly<Record<GuestSpan['kind'], SpanKind>> = {
  client: SpanKind.CLIENT,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};

function guestParts(span: GuestSpan, invocation: InvocationSpan): SpanParts {
  const { name, kind, spanId, parentSpanId = invocation.spanId, startMs, endMs, scope, statusMessage } = span;
  return {
    name,
    kind: GUEST_KINDS[kind],
    spanId,
    parentSpanId,
    startMs,
    endMs,
    attributes: {
      ...ofGuest(span.attributes),
      ...subjectOf(invocation),
      ...(scope === '' ? {} : { 'mayfly.guest.scope': scope }),
    },
    status: {
      code: GUEST_STATUS[span.status],
      ...(statusMessage === '' ? {} : { message: statusMessage }),
    },
    links: span.links.flatMap(linkTo),
    events: span.events.map((event) => ({
      name: event.name,
      time: millisToHrTime(event.atMs),
      attributes: ofGuest(event.attributes),
    })),
    scope: GUEST_SCOPE,
    leftOut: span,
  };
}

function statusOf({ outcome, http }: InvocationSpan): SpanStatus {
  const failure = failureOf(outcome, http?.status);
  return failure === undefined ? OK : { code: SpanStatusCode.ERROR, ...failure };
}

function outboundParts(request: OutboundSpan): SpanParts {
  const { spanId, parentSpanId, method, scheme, authority, path, startMs, endMs, status, error } = request;
  const [, host = authority, port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  const hasFailed = error !== undefined || (status !== undefined && status >= 400);
  const errorType = error ?? String(status);
  return {
    name: method,
    kind: SpanKind.CLIENT,
    spanId,
    parentSpanId,
    startMs,
    endMs,
    attributes: {
      [ATTR_HTTP_REQUEST_METHOD]: method,
      [ATTR_SERVER_ADDRESS]: host,
      [ATTR_SERVER_PORT]: port === undefined ? (scheme === 'https' ? 443 : 80) : Number(port),
      [ATTR_URL_FULL]: `${scheme}://${authority}${path}`,
      ...(status === undefined ? {} : { [ATTR_HTTP_RESPONSE_STATUS_CODE]: status }),
      ...(hasFailed ? { [ATTR_ERROR_TYPE]: errorType } : {}),
    },
    status: hasFailed ? { code: SpanStatusCode.ERROR } : OK,
  };
}

function linkTo(traceparent: string): Link[] {
  const found = parseTraceContext(traceparent);
  if (found === undefined) return [];
  const { traceId, spanId, isSampled } = found;
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return [{ context: { traceId, spanId, traceFlags, isRemote: true } }];
}
