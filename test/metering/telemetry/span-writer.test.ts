/** Spans as a serving thread writes them, beside what the SDK's serializer makes of the same invocations: byte for byte. */

import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import test, { type ExecutionContext } from 'ava';
import { exemplarsOf } from '../../../host/metering/telemetry/exemplar-sources.ts';
import { spansOf } from '../../../host/metering/telemetry/span-tree.ts';
import { SpanWriter } from '../../../host/metering/telemetry/span-writer.ts';
import { TraceSerializer } from '../../../host/metering/telemetry/trace-serializer.ts';
import { WrittenSpan } from '../../../host/metering/telemetry/written-span.ts';
import { type EndedInvocation, spanOf } from '../../../host/model/ended-invocation.ts';
import { isPlain, type SpanBatch, SpanBatchWriter, spansIn } from '../../../host/model/span-batch.ts';
import type { UsageRecord } from '../../../host/model/usage-record.ts';
import { Random, seedOf } from '../../instrument/random.ts';
import { randomRecord } from '../random-usage.ts';
import { counting, invocationOf, traceOf } from './random-invocations.ts';

const RESOURCE = {
  'deployment.environment.name': 'Prüfung',
  'service.name': 'mayfly',
  'service.version': '1.2.3',
};
const SCOPE = { name: 'mayfly', version: '1.2.3' };

function batchOf(invocations: readonly EndedInvocation[]): SpanBatch {
  const batch = new SpanBatchWriter(invocations.length);
  for (const invocation of invocations) batch.append(invocation);
  return batch.take();
}

function written(writer: SpanWriter, batch: SpanBatch): (WrittenSpan & ReadableSpan)[] {
  return [...writer.write(batch, spansIn(batch))].flatMap((spans) => [...WrittenSpan.of(spans)]);
}

/** Writes some thousands both ways, in batches of up to some hundreds. */
function compareAll(t: ExecutionContext, next: (random: Random) => EndedInvocation): void {
  const seed = seedOf('SEED');
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const writer = new SpanWriter(counting());
  const origin = { resource: resourceFromAttributes(RESOURCE), scope: SCOPE, newSpanId: counting() };
  const serializer = new TraceSerializer(RESOURCE, SCOPE);
  const batch = new SpanBatchWriter(500);
  let batches = 0;
  let expected: ReadableSpan[] = [];
  const compare = (): void => {
    const spans = written(writer, batch.take());
    t.is(spans.length, expected.length, `seed ${seed}`);
    const bytes = Buffer.from(serializer.serializeRequest(spans));
    const reference = Buffer.from(ProtobufTraceSerializer.serializeRequest(expected)!);
    const differs = bytes.findIndex((byte, i) => byte !== reference[i]);
    t.true(bytes.equals(reference), `seed ${seed}, batch ${batches}, byte ${differs} of ${reference.length}`);
    expected = [];
    batches++;
  };
  for (let i = 0; i < 2_000; i++) {
    const invocation = next(random);
    t.true(isPlain(invocation));
    batch.append(invocation);
    expected.push(...spansOf(spanOf(invocation), origin));
    if (batch.isFull || random.below(500) === 0) compare();
  }
  if (!batch.isEmpty) compare();
  t.true(batches > 1);
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

function bytesOf({ bytes, start, end }: WrittenSpan): Uint8Array {
  return bytes.subarray(start, end);
}

test('an invocation whose like was taken is written anew: others lie where that was', (t) => {
  const random = new Random(4);
  const writer = new SpanWriter(counting());
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
  const [expected] = written(writer, batchOf([one]));
  const spans = written(writer, batchOf([other, other, one]));
  t.deepEqual(bytesOf(spans[2]!), bytesOf(expected!));
});

test('spans that were written and spans that were not leave in one export', (t) => {
  const random = new Random(2);
  const writer = new SpanWriter(counting());
  const invocations = [1, 2, 3].map(() =>
    invocationOf(random, randomRecord(random, { start: 'warm', queueUs: 0 })),
  );
  const spans = written(writer, batchOf(invocations));
  const resource = resourceFromAttributes(RESOURCE);
  const other = spansOf(spanOf(invocations[1]!), { resource, scope: SCOPE, newSpanId: counting() });
  const serializer = new TraceSerializer(RESOURCE, SCOPE);
  // The middle one of those that lie beside one another is left out, as a full queue would.
  const bytes = serializer.serializeRequest([spans[0]!, ...other, spans[2]!]);
  const expected = [[spans[0]!, spans[2]!], other].map((each) =>
    Buffer.from(serializer.serializeRequest(each)),
  );
  t.deepEqual(Buffer.from(bytes), Buffer.concat(expected));
  t.deepEqual(
    Buffer.from(serializer.serializeRequest(other)),
    Buffer.from(ProtobufTraceSerializer.serializeRequest(other)!),
  );
});

test('a batch of long paths and phases is written in pieces', (t) => {
  const random = new Random(5);
  const writer = new SpanWriter(counting());
  const record = randomRecord(random, { trigger: 'http', start: 'cold', queueUs: 2_000 });
  const path = `/${'ü'.repeat(4_000)}`;
  const invocations = Array.from({ length: 100 }, () => ({
    ...invocationOf(random, record),
    http: { method: 'GET', path, status: 200 },
  }));
  const batch = batchOf(invocations);
  const pieces = [...writer.write(batch, spansIn(batch))];
  t.true(pieces.length > 1);
  t.is(
    pieces.reduce((sum, { ends }) => sum + ends.length, 0),
    4 * invocations.length,
  );
});

test('of each bucket the last invocation is an exemplar', (t) => {
  const random = new Random(3);
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
  const batch = batchOf(invocations);
  t.deepEqual(
    exemplarsOf(batch, spansIn(batch)).map(({ tenant, execUs, traceId, spanId }) => [
      tenant,
      execUs,
      traceId,
      spanId,
    ]),
    [70, 250_000].map((us) => {
      const { traceId, spanId } = invocations.find(({ use }) => use.execUs === us)!.trace.context;
      return ['acme', us, traceId, spanId];
    }),
  );
});
