/** What guests say of spans, as the host's functions take it; test/e2e/guest-spans.test.ts has what comes out at the other end. */
import test from 'ava';
import { GUEST_SPANS } from '../../../host/limits.ts';
import { InvocationTrace } from '../../../host/model/invocation-trace.ts';
import type { WasiContext } from '../../../host/wasi/context.ts';
import { createInvocationAttributes } from '../../../host/wasi/otel/invocation-attributes.ts';
import { createTracing, SPAN_COST, type WitSpanData } from '../../../host/wasi/otel/tracing.ts';

const OWN = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const MINE = '00000000000000aa';

function guest(isRecorded = true) {
  const state = { nowMs: 1_000, fuel: 0 };
  let spans = 0;
  const trace = new InvocationTrace({
    context: { ...OWN, isSampled: isRecorded },
    parent: undefined,
    isRecorded,
    newSpanId: () => `f${String(++spans).padStart(15, '0')}`,
    nowMs: () => state.nowMs,
  });
  const chargeFuel = (fuel: number): void => {
    state.fuel += fuel;
  };
  const context = { trace, chargeFuel } as unknown as WasiContext;
  const tracing = createTracing(context);
  const contextOf = (spanId: string, traceId = OWN.traceId) => ({
    ...{ traceId, spanId, isRemote: false, traceState: [] },
    traceFlags: { sampled: true },
  });
  const end = (more: Partial<WitSpanData>): void =>
    tracing.onEnd({
      ...{ spanContext: contextOf(MINE), parentSpanId: '', spanKind: 'client', name: 'work' },
      ...{ attributes: [], events: [], links: [], status: { tag: 'ok' } },
      ...{ instrumentationScope: { name: '' }, droppedAttributes: 0, droppedEvents: 0, droppedLinks: 0 },
      ...more,
    });
  const { setAttributes } = createInvocationAttributes(context) as {
    setAttributes(pairs: { key: string; value: string }[]): void;
  };
  return { state, trace, tracing, contextOf, end, setAttributes };
}

test('a span that begins costs fuel, whether somebody records it or not', (t) => {
  for (const isRecorded of [true, false]) {
    const { state, tracing, contextOf } = guest(isRecorded);
    tracing.onStart(contextOf(MINE));
    tracing.onStart(contextOf('no id'));
    t.is(state.fuel, 2 * SPAN_COST, `recorded: ${isRecorded}`);
  }
});

test('a link to a span of its own leads to where that is known outside; others are left as they are', (t) => {
  const { trace, tracing, contextOf, end } = guest();
  tracing.onStart(contextOf('00000000000000bb'));
  tracing.onStart(contextOf(MINE));
  const elsewhere = '1'.repeat(32);
  end({
    links: [
      { spanContext: contextOf('00000000000000bb') },
      { spanContext: contextOf('00000000000000bb', elsewhere) },
      { spanContext: contextOf('no id') },
    ],
  });
  t.deepEqual(trace.guestSpans?.ended[0]?.links, [
    `00-${OWN.traceId}-f000000000000001-01`,
    `00-${elsewhere}-00000000000000bb-01`,
  ]);
});

test('events lie within their span, whatever the guest says', (t) => {
  const { state, trace, tracing, contextOf, end } = guest();
  tracing.onStart(contextOf(MINE));
  state.nowMs = 3_000;
  const at = (seconds: number, nanoseconds = 0) => ({
    name: 'event',
    time: { seconds: BigInt(seconds), nanoseconds },
    attributes: [],
  });
  end({ events: [at(0), at(2, 500_000_000), at(9_999_999)] });
  t.deepEqual(
    trace.guestSpans?.ended[0]?.events.map(({ atMs }) => atMs),
    [1_000, 2_500, 3_000],
  );
});

test('attributes of the invocation are bounded in number and in bytes, over all calls', (t) => {
  const many = guest();
  for (let n = 0; n < GUEST_SPANS.attributes + 5; n++)
    many.setAttributes([{ key: `key${n}`, value: String(n) }]);
  many.setAttributes([{ key: 'key0', value: '"again"' }]);
  t.is(many.trace.attributes.length, GUEST_SPANS.attributes);
  t.is(many.trace.attributesLeftOut, 5);
  t.deepEqual(many.trace.attributes[0], ['key0', 'again']);

  const large = guest();
  const value = JSON.stringify('x'.repeat(GUEST_SPANS.valueLength));
  // The same key again and again: what was kept of it is thrown away, but was paid for.
  for (let n = 0; n < 2 * (GUEST_SPANS.bytes / GUEST_SPANS.valueLength); n++)
    large.setAttributes([{ key: `key${n % 2}`, value }]);
  t.true(large.trace.attributesLeftOut > 0);
  large.setAttributes([{ key: 'last', value: '1' }]);
  t.deepEqual(
    large.trace.attributes.map(([key]) => key),
    ['key0', 'key1'],
  );
});
