import test from 'ava';
import type { TraceContext } from '../../host/model/trace-context.ts';
import { Tracing } from '../../host/worker/tracing.ts';

const parent = (isSampled: boolean): TraceContext => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  isSampled,
});

test('where nobody traces, a context is passed on, and none is made', (t) => {
  const tracing = new Tracing({ isOn: false, isParentBased: true, ratio: 1 });
  t.is(tracing.begin(undefined), undefined);
  const trace = tracing.begin(parent(true))!;
  t.false(trace.isRecorded);
  t.false(trace.isNew);
  t.deepEqual(trace.child().context, parent(true));
});

test("a caller's decision holds with a sampler that is parent-based, and with no other", (t) => {
  const recorded = (isParentBased: boolean, ratio: number, cause: TraceContext | undefined): boolean =>
    new Tracing({ isOn: true, isParentBased, ratio }).begin(cause)!.isRecorded;
  t.true(recorded(true, 0, parent(true)));
  t.false(recorded(true, 1, parent(false)));
  t.false(recorded(false, 0, parent(true)));
  t.true(recorded(false, 1, parent(false)));
  t.true(recorded(true, 1, undefined));
  t.false(recorded(true, 0, undefined));
});

test('a ratio samples about that many traces, and each trace the same everywhere', (t) => {
  const one = new Tracing({ isOn: true, isParentBased: false, ratio: 0.25 });
  const other = new Tracing({ isOn: true, isParentBased: false, ratio: 0.25 });
  const traces = Array.from({ length: 4_000 }, () => one.begin(undefined)!);
  const sampled = traces.filter(({ isRecorded }) => isRecorded);
  // 0.25 of 4,000 is 1,000; ten standard deviations of it are 274.
  t.true(Math.abs(sampled.length - 1_000) < 274, `${sampled.length}`);
  for (const { context, isRecorded } of traces) t.is(other.begin(context)!.isRecorded, isRecorded);
});

test('a recorded invocation is a span of its own below its cause, and each of its requests one below it', (t) => {
  const tracing = new Tracing({ isOn: true, isParentBased: true, ratio: 1 });
  const cause = { ...parent(true), tracestate: 'a=b' };
  const trace = tracing.begin(cause)!;
  t.like(trace.context, { traceId: cause.traceId, isSampled: true, tracestate: 'a=b' });
  t.is(trace.parent, cause);
  const [one, two] = [trace.child(), trace.child()];
  const ids = new Set([cause, trace.context, one.context, two.context].map(({ spanId }) => spanId));
  t.is(one.parentSpanId, trace.context.spanId);
  t.is(ids.size, 4);
  for (const id of ids) t.regex(id, /^[0-9a-f]{16}$/);
});

test('no id comes twice, over many times the bytes that are fetched at once', (t) => {
  const tracing = new Tracing({ isOn: true, isParentBased: true, ratio: 1 });
  const ids = Array.from({ length: 5_000 }, () => tracing.begin(undefined)!.context).flatMap(
    ({ traceId, spanId }) => [traceId, spanId],
  );
  t.is(new Set(ids).size, ids.length);
});

test('a guest that sends without end has a bounded number of spans, and what is left out is counted', (t) => {
  const trace = new Tracing({ isOn: true, isParentBased: true, ratio: 1 }).begin(undefined)!;
  const target = { method: 'GET', scheme: 'http', authority: 'a', path: '/' } as const;
  for (let n = 0; n < 100; n++)
    trace.addOutbound({ ...target, spanId: `${n}`, parentSpanId: '', startMs: n, endMs: n, status: 200 });
  t.is(trace.outbound.length, 64);
  t.is(trace.outboundLeftOut, 36);
});
