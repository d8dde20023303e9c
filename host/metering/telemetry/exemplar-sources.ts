/** Of the recorded invocations of a batch, those that stand for a bucket of durations. */
import type { InvocationSpan } from '../../model/invocation-span.ts';
import {
  PARENT_ID_AT,
  SPAN_ID_AT,
  type SpanBatch,
  type SpanRecord,
  type SpanSubject,
} from '../../model/span-batch.ts';
import { durationBucket } from './duration-buckets.ts';

/** What an invocation says of the buckets of durations that it fell into, and of its trace. */
export type ExemplarSource = Pick<
  InvocationSpan,
  'tenant' | 'name' | 'trigger' | 'start' | 'queueUs' | 'initUs' | 'execUs' | 'traceId' | 'spanId' | 'endMs'
>;

/** By subject and buckets the last one, in the order in which they ended: some of hundreds, so that few ids are written out. */
export function exemplarsOf(
  { ids }: Pick<SpanBatch, 'ids'>,
  records: Iterable<SpanRecord>,
): ExemplarSource[] {
  const lasts = new Map<SpanSubject, Map<number, SpanRecord>>();
  for (const record of records) {
    const { subject, queueUs, initUs, execUs } = record;
    const init = subject.start === 'cold' ? durationBucket(initUs) : 0;
    const buckets = (init * 16 + durationBucket(queueUs)) * 16 + durationBucket(execUs);
    const ofSubject = lasts.get(subject);
    if (ofSubject === undefined) lasts.set(subject, new Map([[buckets, record]]));
    else ofSubject.set(buckets, record);
  }
  const sources = [...lasts.values()].flatMap((ofSubject) =>
    [...ofSubject.values()].map((record) => sourceOf(ids, record)),
  );
  return sources.sort((one, other) => one.endMs - other.endMs);
}

function sourceOf(
  ids: Uint8Array,
  { subject, queueUs, initUs, execUs, endMs, idsAt }: SpanRecord,
): ExemplarSource {
  const { tenant, name, trigger, start } = subject;
  const hex = (from: number, to: number): string =>
    Buffer.from(ids.subarray(idsAt + from, idsAt + to)).toString('hex');
  const traceId = hex(0, SPAN_ID_AT);
  const spanId = hex(SPAN_ID_AT, PARENT_ID_AT);
  return { tenant, name, trigger, start, queueUs, initUs, execUs, traceId, spanId, endMs };
}
