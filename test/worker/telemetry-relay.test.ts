import test from 'ava';
import { GUEST_SPANS } from '../../host/limits/limits.ts';
import type { GuestSpan } from '../../host/model/guest-span.ts';
import type { FunctionName, InvocationId, TenantName } from '../../host/model/ids.ts';
import type { InvocationSpan } from '../../host/model/invocation-span.ts';
import { spansIn } from '../../host/model/span-batch.ts';
import type { ThreadTelemetry } from '../../host/model/thread-telemetry.ts';
import { TelemetryRelay } from '../../host/worker/telemetry-relay.ts';
import { Random } from '../instrument/random.ts';
import { randomRecord } from '../metering/random-usage.ts';
import { invocationOf, traceOf } from '../metering/telemetry/random-invocations.ts';

const GUEST: GuestSpan = {
  spanId: 'cccccccccccccccc',
  parentSpanId: undefined,
  name: 'work',
  kind: 'internal',
  scope: '',
  startMs: 1,
  endMs: 2,
  attributes: [],
  attributesLeftOut: 0,
  events: [],
  eventsLeftOut: 0,
  links: [],
  linksLeftOut: 0,
  status: 'unset',
  statusMessage: '',
  bytes: 256,
};

function invocation(tenant: string, guestSpans: number, bytes = GUEST.bytes): InvocationSpan {
  const request = { method: 'GET', scheme: 'http', authority: 'a', path: '/' } as const;
  return {
    tenant: tenant as TenantName,
    name: 'hello' as FunctionName,
    version: 1,
    invocationId: '019ac2f0-7d1e-7c33-b0a5-4a2c6d1f0e11' as InvocationId,
    trigger: 'http',
    outcome: 'returned',
    attempt: 1,
    batchSize: 1,
    fuel: 1,
    peakMemoryBytes: 1,
    queueUs: 0,
    initUs: 0,
    execUs: 1,
    start: 'warm',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'aaaaaaaaaaaaaaaa',
    endMs: 3,
    outbound: [{ ...request, spanId: 'dddddddddddddddd', parentSpanId: GUEST.spanId, startMs: 1, endMs: 2 }],
    outboundLeftOut: 0,
    guestSpans: Array.from({ length: guestSpans }, () => ({ ...GUEST, bytes })),
    guestSpansLeftOut: 1,
    attributes: [],
    attributesLeftOut: 0,
    links: [],
  };
}

function told(spans: readonly InvocationSpan[]): InvocationSpan[] {
  const heard: InvocationSpan[] = [];
  const relay = new TelemetryRelay({
    send: (news) => heard.push(...news.spans),
    slots: () => ({ idle: 0, busy: 0, idleBytes: 0 }),
  });
  for (const span of spans) relay.addSpan(span);
  relay.flush();
  return heard;
}

test("what a tenant's guests add beyond their share is left out whole and counted; others' is not", (t) => {
  const whole = GUEST_SPANS.perInvocation;
  const heard = told([invocation('one', whole), invocation('one', 2), invocation('two', 2)]);
  t.deepEqual(
    heard.map(({ guestSpans, guestSpansLeftOut }) => [guestSpans.length, guestSpansLeftOut]),
    [
      [whole, 1],
      [0, 3],
      [2, 1],
    ],
  );
  t.is(heard[0]!.outbound[0]!.parentSpanId, GUEST.spanId);
  t.is(heard[1]!.outbound[0]!.parentSpanId, 'aaaaaaaaaaaaaaaa', 'its request hangs below what is there');
});

test('a share is bounded in bytes, too', (t) => {
  const half = GUEST_SPANS.bytes / 2;
  const heard = told([invocation('one', 2, half), invocation('one', 1), invocation('one', 0)]);
  t.deepEqual(
    heard.map(({ guestSpans }) => guestSpans.length),
    [2, 0, 0],
  );
});

test('a batch is sent as it fills up, and what has more to say beside it', (t) => {
  const heard: ThreadTelemetry[] = [];
  const relay = new TelemetryRelay({
    send: (news) => heard.push(news),
    slots: () => ({ idle: 0, busy: 0, idleBytes: 0 }),
  });
  const random = new Random(1);
  const warm = { start: 'warm', queueUs: 0 } as const;
  const marked = traceOf(random);
  marked.attributes = [['a', 1]];
  relay.add(invocationOf(random, randomRecord(random, warm), marked));
  for (let i = 0; i < 2_000; i++) relay.add(invocationOf(random, randomRecord(random, warm)));
  t.true(heard.length > 0, 'before its time is up');
  relay.flush();
  t.is(
    heard.reduce((sum, { batch }) => sum + (batch === undefined ? 0 : [...spansIn(batch)].length), 0),
    2_000,
  );
  t.deepEqual(
    heard.map(({ spans }) => spans.length),
    heard.map((_, i) => (i === 0 ? 1 : 0)),
  );
});
