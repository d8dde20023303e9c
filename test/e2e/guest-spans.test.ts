/** Spans that guests add to their traces, as the receiver of OTLP sees them: those of a well-behaved guest, and of one that lies. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { GUEST_SPANS } from '../../host/limits/limits.ts';
import { handlerFrom } from '../harness/handler-from.ts';
import { type Answer, fuelOf, startTestHost, type TestHost } from '../harness/host.ts';
import { OtlpReceiver, type ReceivedSpan } from '../harness/otlp-receiver.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const SAMPLED = { traceparent: `00-${TRACE}-${CALLER}-01` };
const UNSAMPLED = { traceparent: `00-${TRACE}-${CALLER}-00` };

const WELL_BEHAVED = `
export default {
  async fetch(request, env, context) {
    const to = new URL(request.url).searchParams.get('to');
    context.setAttribute('cart.items', 3);
    const read = await context.span('read order', { 'order.id': 'o-1', 'order.tags': ['a', 'b'], urgent: true }, async (span) => {
      span.addEvent('found', { rows: 2 });
      if (to) await (await fetch(to)).text();
      const inner = span.span('parse', (inner) => inner.traceparent);
      if (to) await (await fetch(to, { headers: { traceparent: span.traceparent } })).text();
      return inner;
    });
    try {
      context.span('price', { 'order.id': 'o-1' }, () => { throw new RangeError('no price'); });
    } catch {}
    return Response.json({ read, own: context.traceparent });
  },
};`;

/** Each way of lying by name; called with the interfaces themselves. */
const LIES = `
import { currentSpanContext, onEnd, onStart } from 'wasi:otel/tracing@0.2.0-rc.2';
import { setAttributes } from 'mayfly:telemetry/invocation@0.1.0';
const time = { seconds: 0, nanoseconds: 0 };
const scope = { name: 'mayfly', version: null, schemaUrl: null, attributes: [] };
const end = (spanContext, more = {}) => onEnd({
  spanContext, parentSpanId: '', spanKind: 'server', name: 'lie', startTime: time, endTime: time, attributes: [], events: [],
  links: [], status: { tag: 'unset' }, instrumentationScope: scope, droppedAttributes: 0, droppedEvents: 0, droppedLinks: 0, ...more,
});
const pair = (key, value) => ({ key, value: JSON.stringify(value) });
const id = (n) => n.toString(16).padStart(16, '0');
const lies = {
  forged(own, parent) {
    const mine = { ...own, spanId: id(1) };
    onStart(mine);
    end(mine, {
      name: 'other/tenant', parentSpanId: parent,
      attributes: ['mayfly.tenant', 'MAYFLY.fuel', 'faas.name', 'service.name'].map((key) => pair(key, 'forged')).concat([pair('__proto__', 'kept'), pair('plain', 1)]),
      events: [{ name: 'long ago', time, attributes: [] }],
    });
    setAttributes([pair('mayfly.outcome', 'forged'), pair('error.type', 'forged'), pair('http.response.status_code', 500), pair('mine', 'kept')]);
  },
  taken(own, parent) {
    for (const spanId of [own.spanId, parent]) { onStart({ ...own, spanId }); end({ ...own, spanId }, { name: 'taken ' + spanId }); }
  },
  strange(own) {
    for (const [traceId, spanId] of [['f'.repeat(32), id(1)], ['', id(2)], [own.traceId, 'x'], [own.traceId, id(0)], [own.traceId, '../../../etc']])
      { onStart({ ...own, traceId, spanId }); end({ ...own, traceId, spanId }); }
    end({ ...own, spanId: id(3) });
    const open = { ...own, spanId: id(4) };
    onStart(open); onStart(open);
  },
  many(own) {
    for (let n = 1; n <= 2_000; n++) { const mine = { ...own, spanId: id(n) }; onStart(mine); end(mine); }
  },
  large(own) {
    const attributes = Array.from({ length: 100 }, (_, n) => pair('k' + n, 'v'.repeat(100_000)));
    for (let n = 1; n <= 4; n++) {
      const mine = { ...own, spanId: id(n) };
      onStart(mine);
      end(mine, { name: 'n'.repeat(10_000), attributes, status: { tag: 'error', val: 'm'.repeat(10_000) }, links: Array.from({ length: 1_000 }, () => ({ spanContext: own, attributes: [] })) });
    }
    setAttributes(attributes);
  },
  endless(own) {
    for (let n = 1; ; n++) { const mine = { ...own, spanId: id(n) }; onStart(mine); end(mine); }
  },
};
export default {
  fetch(request) {
    const { searchParams } = new URL(request.url);
    lies[searchParams.get('lie')](currentSpanContext(), searchParams.get('parent') ?? '');
    return new Response('told');
  },
};`;

let receiver: OtlpReceiver;
let host: TestHost;
let upstream: Server;
let upstreamOrigin = '';
let asked: IncomingHttpHeaders[] = [];

test.before(async () => {
  receiver = await OtlpReceiver.start();
  host = await startTestHost({ env: { MAYFLY_THREADS: '1', ...receiver.spansAlone } });
  upstream = createServer((incoming, outgoing) => {
    asked.push(incoming.headers);
    outgoing.end('answer');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const authority = `127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  upstreamOrigin = `http://${authority}`;
  await host.deploy('works', await handlerFrom(WELL_BEHAVED), { allowedHosts: [authority] });
  await host.deploy('lies', await handlerFrom(LIES));
});
test.after.always(async () => {
  await host?.dispose();
  await receiver?.[Symbol.asyncDispose]();
  upstream?.closeAllConnections();
  upstream?.close();
});

/** The invocation's own span, once it has come, and those of its guest. */
async function spansOf(answer: Answer): Promise<{ whole: ReceivedSpan; guest: ReceivedSpan[] }> {
  const id = answer.headers['mayfly-invocation-id'];
  const of = (scope: string): ReceivedSpan[] =>
    receiver.spans.filter((span) => span.scope === scope && span.attributes['faas.invocation.id'] === id);
  // The whole comes last of an invocation's.
  const whole = await receiver.until(() => of('mayfly')[0]);
  return { whole, guest: of('mayfly.guest') };
}

async function lie(name: string, parent = ''): Promise<{ whole: ReceivedSpan; guest: ReceivedSpan[] }> {
  const answer = await host.call('lies', `/?lie=${name}&parent=${parent}`, { headers: SAMPLED });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return spansOf(answer);
}

test.serial('a guest adds spans below its invocation, with attributes, events and failures', async (t) => {
  t.timeout(60_000);
  asked = [];
  const answer = await host.call('works', `/?to=${encodeURIComponent(upstreamOrigin)}`, { headers: SAMPLED });
  t.is(answer.status, 200, answer.text);
  const { whole, guest } = await spansOf(answer);
  t.is(whole.attributes['cart.items'], 3);
  const [parse, read, price] = guest as [ReceivedSpan, ReceivedSpan, ReceivedSpan];
  t.deepEqual(
    guest.map(({ name }) => name),
    ['parse', 'read order', 'price'],
  );
  for (const span of guest) {
    t.like(span, { traceId: TRACE, kind: 1 });
    t.like(span.attributes, { 'mayfly.tenant': 'default', 'faas.name': 'works', 'faas.version': '1' });
    t.true(whole.startNs <= span.startNs && span.startNs <= span.endNs && span.endNs <= whole.endNs);
  }
  t.is(read.parentSpanId, whole.spanId);
  t.is(parse.parentSpanId, read.spanId);
  t.is(price.parentSpanId, whole.spanId);
  t.like(read.attributes, { 'order.id': 'o-1', urgent: true });
  t.is(read.status, 0);
  t.like(read.events, [{ name: 'found', attributes: { rows: 2 } }]);
  t.true(read.startNs <= read.events[0]!.atNs && read.events[0]!.atNs <= read.endNs);
  t.like(price, { status: 2, statusMessage: 'no price' });
  t.is(price.attributes['error.type'], 'RangeError');
  t.like(price.events, [{ name: 'exception', attributes: { 'exception.message': 'no price' } }]);

  const clients = receiver.spans.filter(
    ({ kind, parentSpanId }) => kind === 3 && parentSpanId === read.spanId,
  );
  t.is(clients.length, 2, 'requests that were sent in a span hang below it');
  t.is(asked[0]!['traceparent'], `00-${TRACE}-${clients[0]!.spanId}-01`);
  t.is(
    asked[1]!['traceparent'],
    `00-${TRACE}-${read.spanId}-01`,
    "a span's id is the one that it has outside",
  );
  t.is(JSON.parse(answer.text).own, `00-${TRACE}-${whole.spanId}-01`);
});

test.serial('each invocation has spans of its own, and one that nobody records pays for none', async (t) => {
  t.timeout(60_000);
  const first = await host.call('works', '/', { headers: SAMPLED });
  const second = await host.call('works', '/', { headers: SAMPLED });
  const [one, two] = [await spansOf(first), await spansOf(second)];
  t.is(one.guest.length, 3);
  t.is(two.guest.length, 3);
  t.is(new Set([...one.guest, ...two.guest].map(({ spanId }) => spanId)).size, 6);
  for (const span of two.guest.filter(({ name }) => name !== 'parse'))
    t.is(span.parentSpanId, two.whole.spanId);
  const unsampled = await host.call('works', '/', { headers: UNSAMPLED });
  t.is(JSON.parse(unsampled.text).read, UNSAMPLED.traceparent);
  const [recorded, plain] = [Number(fuelOf(second)), Number(fuelOf(unsampled))];
  t.true(recorded - plain > 3 * 40_000, `${recorded} ${plain}`);
  const sum = one.guest.reduce((bits, { attributesLeftOut }) => bits + attributesLeftOut, 0);
  t.is(sum, 0);
});

test.serial("a guest speaks under no name and no number that is the host's or anybody else's", async (t) => {
  t.timeout(60_000);
  const { whole, guest } = await lie('forged', CALLER);
  t.is(guest.length, 1);
  t.like(guest[0], {
    traceId: TRACE,
    parentSpanId: whole.spanId,
    name: 'other/tenant',
    attributesLeftOut: 4,
  });
  t.not(guest[0]!.spanId, '0000000000000001');
  t.like(guest[0]!.attributes, { 'mayfly.tenant': 'default', 'faas.name': 'lies', plain: 1 });
  t.is(guest[0]!.attributes['mayfly.guest.scope'], 'mayfly');
  for (const key of ['MAYFLY.fuel', 'service.name']) t.false(Object.hasOwn(guest[0]!.attributes, key));
  t.true(guest[0]!.events[0]!.atNs >= whole.startNs);
  t.like(whole.attributes, { 'mayfly.outcome': 'returned', mine: 'kept', 'http.response.status_code': 200 });
  t.is(whole.attributes['error.type'], undefined);
  t.is(whole.attributes['mayfly.guest.attributes.left_out'], 1);

  const taken = await lie('taken', CALLER);
  const ids = receiver.spans.map(({ spanId }) => spanId);
  t.false(ids.includes(CALLER), "the caller's span is the caller's");
  t.is(ids.filter((id) => id === taken.whole.spanId).length, 1);
  t.is(taken.whole.attributes['mayfly.guest.spans.left_out'], 1);
});

test.serial('what is no span of this invocation is left out and counted', async (t) => {
  const { whole, guest } = await lie('strange');
  t.deepEqual(guest, []);
  // Five of which nothing is right, one that begins twice and never ends; and one that ends without having begun, for one of those.
  t.is(whole.attributes['mayfly.guest.spans.left_out'], 5 + 2);
});

test.serial('thousands of spans and huge ones are cut down to the bounds', async (t) => {
  t.timeout(60_000);
  const many = await lie('many');
  t.is(many.guest.length, GUEST_SPANS.perInvocation);
  t.is(many.whole.attributes['mayfly.guest.spans.left_out'], 2_000 - GUEST_SPANS.perInvocation);

  // Behind the share of the window before, if need be.
  for (;;) {
    const large = await lie('large');
    if (large.guest.length === 0) continue;
    t.is(large.guest.length, 1);
    t.is(large.guest[0]!.name.length, GUEST_SPANS.nameLength);
    t.is(large.guest[0]!.statusMessage.length, GUEST_SPANS.valueLength);
    t.is(large.guest[0]!.links.length, GUEST_SPANS.links);
    t.is(large.guest[0]!.attributesLeftOut, 100 - GUEST_SPANS.attributes);
    t.is(String(large.guest[0]!.attributes['k0']).length, GUEST_SPANS.valueLength);
    t.is(large.whole.attributes['mayfly.guest.spans.left_out'], 3);
    break;
  }
});

test.serial('a guest that opens spans without end uses up its fuel, and others are served', async (t) => {
  t.timeout(60_000);
  await host.configure('lies', { fuel: 1_000_000_000 });
  const endless = host.call('lies', '/?lie=endless', { headers: SAMPLED });
  const served = await host.call('works', '/', { headers: SAMPLED });
  t.is(served.status, 200);
  const answer = await endless;
  t.is(JSON.parse(answer.text).code, 'fuel_exhausted');
  const { whole } = await spansOf(answer);
  t.true(Number(whole.attributes['mayfly.guest.spans.left_out']) > 1_000);
});
