/** Spans that a serving thread has written (metering/telemetry/span-writer.ts), on their way to the main thread: plain data. */
import type { InvocationSpan } from './invocation-span.ts';

/** What an invocation says of the buckets of durations that it fell into, and of its trace. */
export type ExemplarSource = Pick<
  InvocationSpan,
  'tenant' | 'name' | 'trigger' | 'start' | 'queueUs' | 'initUs' | 'execUs' | 'traceId' | 'spanId' | 'endMs'
>;

export interface WrittenSpans {
  /** Elements of `ScopeSpans.spans` (opentelemetry.proto.trace.v1), one after the other, each with its tag. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each of them ends. */
  readonly ends: Uint32Array<ArrayBuffer>;
  /** Of those that they tell of, the last of each bucket, in the order in which they ended. */
  readonly exemplars: readonly ExemplarSource[];
}
