/** A span from somebody who is not trusted. */
import { ERROR_TABLE } from '../errors/errors.ts';
import { GUEST_SPANS } from '../limits/limits.ts';
import type { GuestSpan } from './guest-span.ts';
import type { TenantName } from './ids.ts';
import type { InvocationSpan } from './invocation-span.ts';
import { OUTBOUND_SPANS } from './invocation-trace.ts';
import { USAGE_TRIGGERS } from './usage-record.ts';

const TRACE_ID = /^[0-9a-f]{32}$/;
const SPAN_ID = /^[0-9a-f]{16}$/;

/**
 * As one of this tenant, whatever it says of itself.
 * @throws TypeError if it is not what an invocation leaves
 */
export function spanOfTenant(span: InvocationSpan, tenant: TenantName): InvocationSpan {
  const { traceId, spanId, outcome, trigger, outbound, guestSpans, attributes, links } = span;
  assert(TRACE_ID.test(traceId) && SPAN_ID.test(spanId), 'an id');
  assert(outcome === 'returned' || Object.hasOwn(ERROR_TABLE, outcome), 'an outcome');
  assert(USAGE_TRIGGERS.includes(trigger), 'a trigger');
  assertNumbers(span.endMs, span.queueUs, span.initUs, span.execUs, span.fuel, span.peakMemoryBytes);
  assert(outbound.length <= OUTBOUND_SPANS, 'as many requests as an invocation has');
  for (const request of outbound) {
    assert(SPAN_ID.test(request.spanId) && SPAN_ID.test(request.parentSpanId), 'an id');
    assertNumbers(request.startMs, request.endMs);
  }
  assert(guestSpans.length <= GUEST_SPANS.perInvocation, 'as many spans as a guest has');
  for (const each of guestSpans) assertGuestSpan(each);
  assert(attributes.length <= GUEST_SPANS.attributes && links.length <= LINKS, 'as much as is kept');
  return { ...span, tenant };
}

/** Of a batch (front-door/event-deliveries.ts). */
const LINKS = 100;

function assertGuestSpan(span: GuestSpan): void {
  assert(SPAN_ID.test(span.spanId), 'an id');
  assert(span.parentSpanId === undefined || SPAN_ID.test(span.parentSpanId), 'an id');
  assertNumbers(span.startMs, span.endMs, span.bytes, ...span.events.map(({ atMs }) => atMs));
  assert(span.attributes.length <= GUEST_SPANS.attributes, 'as many attributes as are kept');
}

function assertNumbers(...numbers: readonly number[]): void {
  for (const number of numbers) assert(Number.isFinite(number) && number >= 0, 'a number');
}

function assert(holds: boolean, what: string): void {
  if (!holds) throw new TypeError(`not ${what}`);
}
