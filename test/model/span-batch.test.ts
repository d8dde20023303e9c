/** Recorded invocations between two threads. That their spans are those of the invocations is shown where they are written (span-writer.test.ts). */
import test from 'ava';
import type { EndedInvocation } from '../../host/model/ended-invocation.ts';
import { isPlain, SpanBatchWriter, spansIn } from '../../host/model/span-batch.ts';
import { Random } from '../instrument/random.ts';
import { randomRecord } from '../metering/random-usage.ts';
import { hex, invocationOf, traceOf } from '../metering/telemetry/random-invocations.ts';

test('an invocation that has more to say is none for a batch', (t) => {
  const random = new Random(1);
  const record = randomRecord(random, { trigger: 'http' });
  const request = { method: 'GET', scheme: 'http', authority: 'a', path: '/', startMs: 1, endMs: 2 } as const;
  const asked = traceOf(random);
  asked.addOutbound({ ...request, spanId: hex(random, 16), parentSpanId: hex(random, 16) });
  const marked = traceOf(random);
  marked.attributes = [['a', 1]];
  const bounded = traceOf(random);
  bounded.attributesLeftOut = 1;
  const opened = traceOf(random);
  opened.openGuestSpans();
  const { context } = traceOf(random);
  const stated = traceOf(random, { context: { ...context, tracestate: 'vendor=1' } });
  const plain = invocationOf(random, record);
  const whole: EndedInvocation[] = [asked, marked, bounded, opened, stated].map((trace) => ({
    ...plain,
    trace,
  }));
  whole.push({ ...plain, links: ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'] });
  whole.push({ ...plain, http: { method: 'GET', path: `/${'a'.repeat(5_000)}`, status: 200 } });
  for (const invocation of whole) t.false(isPlain(invocation));
  t.true(isPlain(plain));
});

test('invocations of one kind share what they have in common, and neighbours their path', (t) => {
  const random = new Random(2);
  const usual = { tenant: 'acme', name: 'hello', version: 1, trigger: 'http', start: 'warm' } as never;
  const record = randomRecord(random, usual);
  const asked = (path: string, status = 200): EndedInvocation => ({
    ...invocationOf(random, record),
    http: { method: 'GET', path, status },
  });
  const writer = new SpanBatchWriter(5);
  const paths = ['/a?secret', '/a?secret', '/b', '/b', '/a'];
  for (const [i, path] of paths.entries()) {
    t.false(writer.isFull);
    writer.append(asked(path, i === 3 ? 404 : 200));
  }
  t.true(writer.isFull);
  const batch = writer.take();
  t.deepEqual(
    batch.subjects.map(({ status }) => status),
    [200, 404],
  );
  t.deepEqual(
    [...spansIn(batch)].map(({ path, subject }) => [path, subject.status]),
    [
      ['/a', 200],
      ['/a', 200],
      ['/b', 200],
      ['/b', 404],
      ['/a', 200],
    ],
  );
  t.deepEqual(batch.paths, ['/a', '/b', '/a']);
  t.true(writer.isEmpty);
  writer.append(asked('/a'));
  const next = writer.take();
  t.is(next.subjects.length, 1);
  t.deepEqual(
    [...spansIn(next)].map(({ path }) => path),
    ['/a'],
  );
});

test('long paths fill a batch sooner', (t) => {
  const random = new Random(3);
  const writer = new SpanBatchWriter(500);
  const invocation = invocationOf(random, randomRecord(random, { trigger: 'http' }));
  let count = 0;
  while (!writer.isFull) {
    const path = `/${count++}/${'a'.repeat(3_000)}`;
    writer.append({ ...invocation, http: { method: 'GET', path, status: 200 } });
  }
  t.true(count < 30);
});
