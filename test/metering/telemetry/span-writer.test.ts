/** Spans as a serving thread writes them, beside what the SDK's serializer makes of the same invocations: byte for byte. */

import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import test, { type ExecutionContext } from 'ava';
import { SPAN_NAMES } from '../../../host/metering/telemetry/span-names.ts';
import { spansOf } from '../../../host/metering/telemetry/span-tree.ts';
import { SpanWriter } from '../../../host/metering/telemetry/span-writer.ts';
import { TraceSerializer } from '../../../host/metering/telemetry/trace-serializer.ts';
import { WrittenSpan } from '../../../host/metering/telemetry/written-span.ts';
import { type EndedInvocation, spanOf } from '../../../host/model/ended-invocation.ts';
import type { UsageRecord } from '../../../host/model/usage-record.ts';
import { Random, seedOf } from '../../instrument/random.ts';
import { randomRecord } from '../random-usage.ts';
import { counting, hex, invocationOf, traceOf } from './random-invocations.ts';

const RESOURCE = {
  'deployment.environment.name': 'Prüfung',
  'service.name': 'mayfly',
  'service.version': '1.2.3',
};
const SCOPE = { name: 'mayfly', version: '1.2.3' };

/** Writes some thousands both ways. */
function compareAll(t: ExecutionContext, next: (random: Random) => EndedInvocation): void {
  const seed = seedOf('SEED');
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const writer = new SpanWriter(SPAN_NAMES, counting());
  const origin = { resource: resourceFromAttributes(RESOURCE), scope: SCOPE, newSpanId: counting() };
  const serializer = new TraceSerializer(RESOURCE, SCOPE);
  let batches = 0;
  let expected: ReadableSpan[] = [];
  const compare = (): void => {
    const written = [...WrittenSpan.of(writer.take()!)];
    t.is(written.length, expected.length, `seed ${seed}`);
    const bytes = Buffer.from(serializer.serializeRequest(written));
    const reference = Buffer.from(ProtobufTraceSerializer.serializeRequest(expected)!);
    const differs = bytes.findIndex((byte, i) => byte !== reference[i]);
    t.true(bytes.equals(reference), `seed ${seed}, batch ${batches}, byte ${differs} of ${reference.length}`);
    expected = [];
    batches++;
  };
  for (let i = 0; i < 2_000; i++) {
    const invocation = next(random);
    t.true(writer.takes(invocation));
    writer.write(invocation);
    expected.push(...spansOf(spanOf(invocation), origin));
    if (writer.isFull || random.below(500) === 0) compare();
  }
  if (!writer.isEmpty) compare();
  t.true(batches > 1);
  t.is(writer.take(), undefined);
}

test('what is written is what the SDK would write, whatever came of an invocation', (t) => {
  compareAll(t, (random) => invocationOf(random, randomRecord(random)));
});

test('it is so, too, of an invocation that is much like the one before it', (t) => {
  compareAll(t, (random) => {
    const usual = { tenant: 'acme', name: 'hello', version: 1, trigger: 'http', outcome: 'returned' };
    const record = randomRecord(random, {
      ...(usual as Partial<UsageRecord>),
      start: random.below(10) === 0 ? 'cold' : 'warm',
      attempt: random.below(10) === 0 ? 2 : 1,
      batchSize: random.below(10) === 0 ? 3 : 1,
      queueUs: random.below(1_100),
      // Of one byte to three, and to four.
      fuel: 100 + random.below(2 ** random.below(15)),
      peakMemoryBytes: 65_536 * (1 + random.below(40)),
    });
    const path = random.below(10) === 0 ? random.pick(['/', '/there', '/here?secret=1']) : '/here';
    return { ...invocationOf(random, record), http: { method: 'GET', path, status: 200 } };
  });
});

test('an invocation whose like was taken is written anew: others lie where that was', (t) => {
  const random = new Random(4);
  const writer = new SpanWriter(SPAN_NAMES, counting());
  const record = randomRecord(random, {
    trigger: 'http',
    start: 'warm',
    queueUs: 0,
    attempt: 1,
    batchSize: 1,
  });
  const [one, other] = ['/one', '/quite/another'].map((path) => ({
    ...invocationOf(random, record),
    http: { method: path, path, status: 200 },
  })) as [EndedInvocation, EndedInvocation];
  writer.write(one);
  const expected = writer.take()!;
  writer.write(other);
  writer.write(other);
  writer.write(one);
  const { bytes, ends } = writer.take()!;
  t.deepEqual(bytes.subarray(ends[1]), expected.bytes);
});

test('an invocation that has more to say is none for the writer', (t) => {
  const random = new Random(1);
  const writer = new SpanWriter(SPAN_NAMES, counting());
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
  for (const invocation of whole) t.false(writer.takes(invocation));
  t.true(writer.takes(plain));
});

test('spans that were written and spans that were not leave in one export', (t) => {
  const random = new Random(2);
  const writer = new SpanWriter(SPAN_NAMES, counting());
  const invocations = [1, 2, 3].map(() =>
    invocationOf(random, randomRecord(random, { start: 'warm', queueUs: 0 })),
  );
  for (const invocation of invocations) writer.write(invocation);
  const written = [...WrittenSpan.of(writer.take()!)];
  const resource = resourceFromAttributes(RESOURCE);
  const other = spansOf(spanOf(invocations[1]!), { resource, scope: SCOPE, newSpanId: counting() });
  const serializer = new TraceSerializer(RESOURCE, SCOPE);
  // The middle one of those that lie beside one another is left out, as a full queue would.
  const bytes = serializer.serializeRequest([written[0]!, ...other, written[2]!]);
  const expected = [[written[0]!, written[2]!], other].map((spans) =>
    Buffer.from(serializer.serializeRequest(spans)),
  );
  t.deepEqual(Buffer.from(bytes), Buffer.concat(expected));
  t.deepEqual(
    Buffer.from(serializer.serializeRequest(other)),
    Buffer.from(ProtobufTraceSerializer.serializeRequest(other)!),
  );
});

test('of each bucket the last invocation is an exemplar, and no two batches have the same', (t) => {
  const random = new Random(3);
  const writer = new SpanWriter(SPAN_NAMES, counting());
  const fields = {
    tenant: 'acme',
    name: 'hello',
    version: 1,
    trigger: 'schedule',
    outcome: 'returned',
    start: 'warm',
  } as Partial<UsageRecord>;
  let now = 1e12;
  const ended = (execUs: number): EndedInvocation => {
    const endMs = now++;
    const record = randomRecord(random, { ...fields, execUs, queueUs: 10, initUs: 0 });
    return invocationOf(random, record, traceOf(random, { nowMs: () => endMs }));
  };
  const invocations = [50, 60, 200_000, 70, 250_000].map(ended);
  for (const invocation of invocations) writer.write(invocation);
  t.deepEqual(
    writer.take()!.exemplars.map(({ execUs, traceId }) => [execUs, traceId]),
    [70, 250_000].map((us) => {
      const found = invocations.find(({ use }) => use.execUs === us)!;
      return [us, found.trace.context.traceId];
    }),
  );
  writer.write(ended(80));
  t.deepEqual(
    writer.take()!.exemplars.map(({ execUs }) => execUs),
    [80],
  );
});
