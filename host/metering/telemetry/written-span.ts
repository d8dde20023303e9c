/**
 * A span that is written already (span-writer.ts), as the SDK's batch processor takes it: it counts spans, bounds them, and asks of each
 * whether it is sampled and whose it is. What it says otherwise is in its bytes, which only the serializer reads (trace-serializer.ts).
 */
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { WrittenSpans } from './span-writer.ts';

const CONTEXT = { traceId: '', spanId: '', traceFlags: TraceFlags.SAMPLED };

/** Shared by all of them: an object of 18 properties for each would be most of what they cost the main thread. */
const SAMPLED: ReadableSpan = {
  name: '',
  kind: SpanKind.INTERNAL,
  spanContext: () => CONTEXT,
  startTime: [0, 0],
  endTime: [0, 0],
  duration: [0, 0],
  status: { code: SpanStatusCode.UNSET },
  attributes: {},
  links: [],
  events: [],
  ended: true,
  resource: emptyResource(),
  instrumentationScope: { name: '' },
  droppedAttributesCount: 0,
  droppedEventsCount: 0,
  droppedLinksCount: 0,
};

export class WrittenSpan {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;

  private constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  static *of({ bytes, ends }: WrittenSpans): Generator<WrittenSpan & ReadableSpan> {
    let start = 0;
    for (const end of ends) {
      yield new WrittenSpan(bytes, start, end) as WrittenSpan & ReadableSpan;
      start = end;
    }
  }
}
Object.setPrototypeOf(WrittenSpan.prototype, SAMPLED);
