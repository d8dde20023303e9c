import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import test from 'ava';
import { spansOf } from '../../../host/metering/telemetry/span-tree.ts';
import type { FunctionName, InvocationId, TenantName } from '../../../host/model/ids.ts';
import type { InvocationSpan } from '../../../host/model/invocation-span.ts';

const ID = 'aaaaaaaaaaaaaaaa';

function invocation(change: Partial<InvocationSpan> = {}): InvocationSpan {
  return {
    tenant: 'acme' as TenantName,
    name: 'hello' as FunctionName,
    version: 3,
    invocationId: '019ac2f0-7d1e-7c33-b0a5-4a2c6d1f0e11' as InvocationId,
    trigger: 'http',
    outcome: 'returned',
    attempt: 1,
    batchSize: 1,
    fuel: 100,
    peakMemoryBytes: 65_536,
    queueUs: 10,
    initUs: 20,
    execUs: 300,
    start: 'warm',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: ID,
    endMs: 1_000_000,
    outbound: [],
    outboundLeftOut: 0,
    guestSpans: [],
    guestSpansLeftOut: 0,
    attributes: [],
    attributesLeftOut: 0,
    links: [],
    ...change,
  };
}

function spans(change: Partial<InvocationSpan> = {}) {
  let ids = 0;
  return spansOf(invocation(change), {
    resource: resourceFromAttributes({}),
    scope: { name: 'test' },
    newSpanId: () => String(++ids).padStart(16, '0'),
  });
}

test('a warm call that did not wait is one span, as long as all of it took', (t) => {
  const [span, ...others] = spans();
  t.deepEqual(others, []);
  t.like(span, { name: 'acme/hello', kind: SpanKind.SERVER, status: { code: SpanStatusCode.UNSET } });
  t.is(span?.parentSpanContext, undefined);
  t.deepEqual(span?.endTime, [1_000, 0]);
  t.true(Math.abs(span!.duration[1] - 330_000) < 100, `${span?.duration[1]} ns`);
});

test('a wait and a cold start have children that touch one another', (t) => {
  const [queue, init, exec, whole] = spans({ queueUs: 5_000, initUs: 2_000, execUs: 1_000, start: 'cold' });
  t.deepEqual([queue?.name, init?.name, exec?.name, whole?.name], ['queue', 'init', 'exec', 'acme/hello']);
  t.deepEqual(queue?.startTime, whole?.startTime);
  t.deepEqual(queue?.endTime, init?.startTime);
  t.deepEqual(init?.endTime, exec?.startTime);
  t.deepEqual(exec?.endTime, whole?.endTime);
  for (const child of [queue, init, exec]) t.is(child?.parentSpanContext?.spanId, ID);
  t.true(whole?.attributes['faas.coldstart']);
});

test('what never began has no start and no run', (t) => {
  const names = spans({ start: 'none', outcome: 'caller_gone', queueUs: 9_000, initUs: 0, execUs: 0 });
  t.deepEqual(
    names.map(({ name }) => name),
    ['queue', 'acme/hello'],
  );
});

test("only what is not the caller's fault is an error", (t) => {
  const code = (change: Partial<InvocationSpan>) => spans(change).at(-1)?.status.code;
  t.is(code({ outcome: 'function_trapped' }), SpanStatusCode.ERROR);
  t.is(code({ outcome: 'internal_error' }), SpanStatusCode.ERROR);
  t.is(code({ outcome: 'request_too_large' }), SpanStatusCode.UNSET);
  t.is(code({ http: { method: 'GET', path: '/', status: 503 } }), SpanStatusCode.ERROR);
  t.is(code({ http: { method: 'GET', path: '/', status: 404 } }), SpanStatusCode.UNSET);
});

test('a batch of a queue is consumed, says how many and how often, and links to whoever sent the others', (t) => {
  const link = '00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const [span] = spans({
    trigger: 'queue',
    attempt: 2,
    batchSize: 7,
    parentSpanId: 'bbbbbbbbbbbbbbbb',
    links: [link, '-'],
  });
  t.is(span?.kind, SpanKind.CONSUMER);
  t.like(span?.attributes, { 'faas.trigger': 'pubsub', 'mayfly.attempt': 2, 'mayfly.batch.size': 7 });
  t.like(span?.parentSpanContext, { spanId: 'bbbbbbbbbbbbbbbb', isRemote: true });
  t.deepEqual(
    span?.links.map(({ context }) => context.traceId),
    ['1af7651916cd43dd8448eb211c80319c'],
  );
});

test('a request that failed without an answer says what with', (t) => {
  const target = { method: 'POST', scheme: 'https', authority: '[::1]:8443', path: '/x' } as const;
  const ids = { spanId: 'cccccccccccccccc', parentSpanId: ID };
  const outbound = [{ ...target, ...ids, startMs: 1, endMs: 2, error: 'DNS-error' }];
  const [client] = spans({ outbound, outboundLeftOut: 2 });
  t.like(client, { kind: SpanKind.CLIENT, name: 'POST', status: { code: SpanStatusCode.ERROR } });
  t.like(client?.attributes, {
    'error.type': 'DNS-error',
    'server.address': '[::1]',
    'server.port': 8_443,
    'url.full': 'https://[::1]:8443/x',
  });
});
