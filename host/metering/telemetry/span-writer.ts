/**
 * Writes spans of invocations as OTLP where they end, in the serving thread: one copy of what is the same in each, and some 150 bytes of
 * ids, times and amounts. Made as objects, cloned to the main thread and written there by the SDK's serializer, a span took 58 µs of processor
 * time in a host under load; written here it takes 2 (decision 35).
 *
 * 1. What is written is byte for byte what the SDK's serializer makes of the same invocation (span-tree.ts), which a test holds.
 * 2. What has more to say than an invocation's own span and its phases (requests and spans of the guest, links, a tracestate) is not
 *    written here: `takes` says so, and it is told whole.
 * 3. A span whose kind, path and lengths are those of the one before it of its kind is a copy of that, and what is its own is written over: two
 *    thirds of what it takes to write it anew.
 * 4. There is always room for the spans of one more invocation: whoever writes takes what is written when `isFull`.
 */
import { type EndedInvocation, withoutQuery } from '../../model/ended-invocation.ts';
import type { ExemplarSource, WrittenSpans } from '../../model/written-spans.ts';
import { durationBucket } from './duration-buckets.ts';
import {
  ATTR_ATTEMPT,
  ATTR_BATCH_SIZE,
  ATTR_FUEL,
  ATTR_PEAK_MEMORY,
  QUEUE_SPAN_US,
  type SpanNames,
} from './invocation-attributes.ts';
import { OtlpBytes } from './otlp-bytes.ts';
import { childParts, type SpanParts, type SpanShape, SpanShapes } from './span-shapes.ts';

/** Some 600 spans. */
const CAPACITY_BYTES = 256 * 1024;
/** Of an invocation's span with the longest path and its three phases. */
const ROOM_BYTES = 20 * 1024;
/** In characters, each of up to three bytes: with it a span stays below 16 KiB, and its length is a number of two bytes. */
const MAX_PATH = 4_096;

const UUID_LENGTH = 36;

/** Tag and length of a span of at least LONG_SPAN bytes, and its two times with their tags. */
const HEAD_BYTES = 3;
const LONG_SPAN = 128 + HEAD_BYTES;
const TIMES_BYTES = 18;

/** Flags of a span: W3C's "sampled", and that it is known whether the parent is remote. */
const SAMPLED = 0x101;
const REMOTE_PARENT = 0x200;

const QUEUE = childParts('queue');
const INIT = childParts('init');
const EXEC = childParts('exec');

export class SpanWriter {
  readonly #shapes: SpanShapes;
  readonly #newSpanId: () => string;
  readonly #bytes = new OtlpBytes(CAPACITY_BYTES);
  readonly #path: string;
  readonly #fuel = OtlpBytes.intAttribute(ATTR_FUEL);
  readonly #peakMemory = OtlpBytes.intAttribute(ATTR_PEAK_MEMORY);
  readonly #attempt = OtlpBytes.intAttribute(ATTR_ATTEMPT);
  readonly #batchSize = OtlpBytes.intAttribute(ATTR_BATCH_SIZE);
  #ends: number[] = [];
  /** Counts what was taken: a span of an earlier one is gone. */
  #batch = 0;
  /** Shapes that have exemplars. */
  #noted: SpanShape[] = [];

  constructor(names: SpanNames, newSpanId: () => string) {
    this.#shapes = new SpanShapes(names, OtlpBytes.uuidAttribute(names.invocationId));
    this.#newSpanId = newSpanId;
    this.#path = names.path;
  }

  get isFull(): boolean {
    return this.#bytes.length > CAPACITY_BYTES - ROOM_BYTES;
  }

  get isEmpty(): boolean {
    return this.#ends.length === 0;
  }

  /** Whether it is to be written here: what has more to say is not. */
  takes(invocation: EndedInvocation): boolean {
    return isPlain(invocation);
  }

  /** @param invocation one that it takes */
  write(invocation: EndedInvocation): void {
    const { trace, use } = invocation;
    const { traceId, spanId } = trace.context;
    const { queueUs, start } = use;
    // The same sums as in span-tree.ts, so that nothing is rounded otherwise.
    const { endMs } = trace;
    const execStartMs = endMs - use.execUs / 1_000;
    const initStartMs = execStartMs - use.initUs / 1_000;
    const startMs = initStartMs - queueUs / 1_000;
    const hasWaited = queueUs >= QUEUE_SPAN_US;
    const hasStarted = start === 'cold';
    if (hasWaited) this.#child(QUEUE, traceId, spanId, startMs, initStartMs);
    if (hasStarted) this.#child(INIT, traceId, spanId, initStartMs, execStartMs);
    if ((hasWaited || hasStarted) && start !== 'none') this.#child(EXEC, traceId, spanId, execStartMs, endMs);
    const shape = this.#shapes.of(invocation);
    if (!this.#writeAgain(shape, invocation, startMs)) this.#writeAnew(shape, invocation, startMs);
    this.#note(invocation, shape);
  }

  #writeAnew(shape: SpanShape, { trace, use, http }: EndedInvocation, startMs: number): void {
    const { traceId, spanId } = trace.context;
    const parentSpanId = trace.parent?.spanId;
    const bytes = this.#bytes;
    const start = bytes.length;
    const at = this.#begin(shape, traceId, spanId, parentSpanId, startMs, trace.endMs);
    const idAt = bytes.length - start;
    bytes.ascii(use.invocationId);
    bytes.int(this.#fuel, use.fuel);
    const fuelEnd = bytes.length - start;
    bytes.int(this.#peakMemory, use.peakMemoryBytes);
    const memoryEnd = bytes.length - start;
    if (use.attempt > 1) bytes.int(this.#attempt, use.attempt);
    if (use.batchSize > 1) bytes.int(this.#batchSize, use.batchSize);
    if (http !== undefined) bytes.stringAttribute(this.#path, withoutQuery(http.path));
    this.#end(at, shape, parentSpanId === undefined ? SAMPLED : SAMPLED | REMOTE_PARENT);
    const fuelLength = OtlpBytes.varintLength(use.fuel);
    const memoryLength = OtlpBytes.varintLength(use.peakMemoryBytes);
    if (use.attempt > 1 || use.batchSize > 1 || bytes.length - start < LONG_SPAN) return;
    shape.last = {
      batch: this.#batch,
      start,
      end: bytes.length,
      hasParent: parentSpanId !== undefined,
      path: http?.path,
      timesAt: idAt - shape.attributes.length - TIMES_BYTES,
      idAt,
      fuelAt: fuelEnd - fuelLength,
      memoryAt: memoryEnd - memoryLength,
      fuelLength,
      memoryLength,
    };
  }

  /** Where it is as long as the one before it and says as much: a copy of that, with its own ids, times and amounts. */
  #writeAgain(shape: SpanShape, { trace, use, http }: EndedInvocation, startMs: number): boolean {
    const { last } = shape;
    const parentSpanId = trace.parent?.spanId;
    if (
      last === undefined ||
      last.batch !== this.#batch ||
      last.hasParent !== (parentSpanId !== undefined) ||
      last.path !== http?.path ||
      last.fuelLength !== OtlpBytes.varintLength(use.fuel) ||
      last.memoryLength !== OtlpBytes.varintLength(use.peakMemoryBytes) ||
      use.attempt > 1 ||
      use.batchSize > 1
    )
      return false;
    const { traceId, spanId } = trace.context;
    const bytes = this.#bytes;
    const start = bytes.repeat(last.start, last.end);
    const end = bytes.length;
    bytes.moveTo(start + HEAD_BYTES);
    bytes.id(1, traceId);
    bytes.id(2, spanId);
    if (parentSpanId !== undefined) bytes.id(4, parentSpanId);
    bytes.moveTo(start + last.timesAt);
    bytes.time(7, startMs);
    bytes.time(8, trace.endMs);
    bytes.moveTo(start + last.idAt);
    bytes.ascii(use.invocationId);
    bytes.moveTo(start + last.fuelAt);
    bytes.varint(use.fuel);
    bytes.moveTo(start + last.memoryAt);
    bytes.varint(use.peakMemoryBytes);
    bytes.moveTo(end);
    this.#ends.push(end);
    return true;
  }

  /** What has been written since; undefined for nothing. */
  take(): WrittenSpans | undefined {
    if (this.isEmpty) return undefined;
    const exemplars = this.#noted.flatMap(({ noted }) => [...noted.values()].map(exemplarOf));
    const written = {
      bytes: this.#bytes.take(),
      ends: Uint32Array.from(this.#ends),
      exemplars: exemplars.sort((one, other) => one.endMs - other.endMs),
    };
    this.#ends = [];
    this.#batch++;
    for (const { noted } of this.#noted) noted.clear();
    this.#noted = [];
    return written;
  }

  #child(parts: SpanParts, traceId: string, parentSpanId: string, startMs: number, endMs: number): void {
    const at = this.#begin(parts, traceId, this.#newSpanId(), parentSpanId, startMs, endMs);
    this.#end(at, parts, SAMPLED);
  }

  #begin(
    parts: SpanParts,
    traceId: string,
    spanId: string,
    parentSpanId: string | undefined,
    startMs: number,
    endMs: number,
  ): number {
    const bytes = this.#bytes;
    // Of opentelemetry.proto.trace.v1: ScopeSpans.spans, then Span's fields by their numbers.
    const at = bytes.beginMessage(2);
    bytes.id(1, traceId);
    bytes.id(2, spanId);
    if (parentSpanId !== undefined) bytes.id(4, parentSpanId);
    bytes.copyShort(parts.nameAndKind);
    bytes.time(7, startMs);
    bytes.time(8, endMs);
    bytes.copy(parts.attributes);
    return at;
  }

  #end(at: number, parts: SpanParts, flags: number): void {
    const bytes = this.#bytes;
    bytes.copyShort(parts.end);
    bytes.fixed32(16, flags);
    bytes.endMessage(at);
    this.#ends.push(bytes.length);
  }

  #note(invocation: EndedInvocation, shape: SpanShape): void {
    const { queueUs, initUs, execUs, start } = invocation.use;
    const init = start === 'cold' ? durationBucket(initUs) : 0;
    if (shape.noted.size === 0) this.#noted.push(shape);
    shape.noted.set((init * 16 + durationBucket(queueUs)) * 16 + durationBucket(execUs), invocation);
  }
}

function isPlain({ trace, use, links, http }: EndedInvocation): boolean {
  return (
    trace.outbound.length === 0 &&
    trace.guestSpans === undefined &&
    trace.attributes.length === 0 &&
    trace.attributesLeftOut === 0 &&
    trace.context.tracestate === undefined &&
    (links === undefined || links.length === 0) &&
    (http === undefined || http.path.length <= MAX_PATH) &&
    use.invocationId.length === UUID_LENGTH
  );
}

function exemplarOf({ live, trace, use }: EndedInvocation): ExemplarSource {
  const { tenant, name } = live;
  const { trigger, start, queueUs, initUs, execUs } = use;
  const { traceId, spanId } = trace.context;
  return { tenant, name, trigger, start, queueUs, initUs, execUs, traceId, spanId, endMs: trace.endMs };
}
