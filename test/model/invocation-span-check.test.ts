/** What the process of an isolated tenant says of its spans: a guest that has taken it over can speak, too. */
import test from 'ava';
import { GUEST_SPANS } from '../../host/limits.ts';
import type { GuestSpan } from '../../host/model/guest-span.ts';
import type { TenantName } from '../../host/model/ids.ts';
import type { InvocationSpan, OutboundSpan } from '../../host/model/invocation-span.ts';
import { spanOfTenant } from '../../host/model/invocation-span-check.ts';
import { OUTBOUND_SPANS } from '../../host/model/invocation-trace.ts';

const ID = 'aaaaaaaaaaaaaaaa';
const OUTBOUND = { spanId: ID, parentSpanId: ID, startMs: 1, endMs: 2 } as OutboundSpan;
const GUEST = {
  spanId: ID,
  parentSpanId: undefined,
  startMs: 1,
  endMs: 2,
  bytes: 3,
  events: [{ name: 'found', atMs: 1, attributes: [] }],
  attributes: [],
} as unknown as GuestSpan;

const SPAN = {
  tenant: 'other' as TenantName,
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: ID,
  outcome: 'returned',
  trigger: 'http',
  endMs: 3,
  queueUs: 0,
  initUs: 0,
  execUs: 1,
  fuel: 1,
  peakMemoryBytes: 1,
  outbound: [OUTBOUND],
  guestSpans: [GUEST],
  attributes: [],
  links: [],
} as unknown as InvocationSpan;

test('a span is of the tenant whose process tells of it, whatever it says', (t) => {
  t.deepEqual(spanOfTenant(SPAN, 'apart' as TenantName), { ...SPAN, tenant: 'apart' as TenantName });
  t.notThrows(() => spanOfTenant({ ...SPAN, outcome: 'fuel_exhausted' }, 'apart' as TenantName));
});

const many = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const pair = ['key', 'value'] as const;

const SENSELESS: Readonly<Record<string, object>> = {
  'a trace id that is none': { traceId: '<script>' },
  'a span id that is none': { spanId: ID.toUpperCase() },
  'an outcome that there is not': { outcome: 'toString' },
  'a trigger that there is not': { trigger: 'magic' },
  'fuel that is no number': { fuel: Number.NaN },
  'a time before all times': { queueUs: -1 },
  'an end that never comes': { endMs: Number.POSITIVE_INFINITY },
  'more requests than are kept': { outbound: many(OUTBOUND_SPANS + 1, OUTBOUND) },
  'a request below nothing': { outbound: [{ ...OUTBOUND, parentSpanId: '' }] },
  'a request without an end': { outbound: [{ ...OUTBOUND, endMs: undefined }] },
  "more of a guest's spans than are kept": { guestSpans: many(GUEST_SPANS.perInvocation + 1, GUEST) },
  "a guest's span below nothing": { guestSpans: [{ ...GUEST, parentSpanId: 'x' }] },
  'an event at no time': { guestSpans: [{ ...GUEST, events: [{ ...GUEST.events[0], atMs: '1' }] }] },
  'more attributes of a span than are kept': {
    guestSpans: [{ ...GUEST, attributes: many(GUEST_SPANS.attributes + 1, pair) }],
  },
  'more attributes than are kept': { attributes: many(GUEST_SPANS.attributes + 1, pair) },
  'more links than a batch has messages': { links: many(101, '') },
  'no list of requests': { outbound: undefined },
};

for (const [name, change] of Object.entries(SENSELESS)) {
  test(`${name} is refused`, (t) => {
    t.throws(() => spanOfTenant({ ...SPAN, ...change } as InvocationSpan, 'apart' as TenantName), {
      instanceOf: TypeError,
    });
  });
}
