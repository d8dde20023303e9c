/**
 * Writes spans of invocations as OTLP from what serving threads say of them: one copy of what is the same in each, and some 150 bytes of
 * ids, times and amounts. Made as objects and written by the SDK's serializer, a span took 58 µs of processor time in a host under load (decision 35).
 *
 * 1. What is written is byte for byte what the SDK's serializer makes of the same invocation (span-tree.ts), which a test holds.
 * 2. A span whose kind, path and lengths are those of the one before it of its kind is a copy of that, and what is its own is written over: two
 *    thirds of what it takes to write it anew.
 * 3. There is always room for the spans of one more invocation.
 */
import {
  INVOCATION_ID_AT,
  PARENT_ID_AT,
  SPAN_ID_AT,
  type SpanBatch,
  type SpanRecord,
} from '../../model/span-batch.ts';
import {
  ATTR_ATTEMPT,
  ATTR_BATCH_SIZE,
  ATTR_FUEL,
  ATTR_PEAK_MEMORY,
  QUEUE_SPAN_US,
} from './invocation-attributes.ts';
import { OtlpBytes } from './otlp-bytes.ts';
import { SPAN_NAMES } from './span-names.ts';
import { childParts, type SpanParts, type SpanShape, SpanShapes } from './span-shapes.ts';

/** Some 600 spans. */
const CAPACITY_BYTES = 256 * 1024;
/** Of an invocation's span with the longest path and its three phases. */
const ROOM_BYTES = 20 * 1024;

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
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

/** Elements of `ScopeSpans.spans` (opentelemetry.proto.trace.v1), one after the other, each with its tag, and where each of them ends. */
export interface WrittenSpans {
  readonly bytes: Uint8Array;
  readonly ends: readonly number[];
}

export class SpanWriter {
  readonly #shapes = new SpanShapes(OtlpBytes.uuidAttribute(SPAN_NAMES.invocationId));
  readonly #newSpanId: () => string;
  readonly #bytes = new OtlpBytes(CAPACITY_BYTES);
  readonly #fuel = OtlpBytes.intAttribute(ATTR_FUEL);
  readonly #peakMemory = OtlpBytes.intAttribute(ATTR_PEAK_MEMORY);
  readonly #attempt = OtlpBytes.intAttribute(ATTR_ATTEMPT);
  readonly #batchSize = OtlpBytes.intAttribute(ATTR_BATCH_SIZE);
  #ends: number[] = [];
  /** Counts what was taken: a span of an earlier one is gone. */
  #taken = 0;

  /** @param newSpanId of a phase: 16 hexadecimal digits */
  constructor(newSpanId: () => string) {
    this.#newSpanId = newSpanId;
  }

  /** The spans of a batch, in as many pieces as they need. */
  *write(
    { subjects, ids }: Pick<SpanBatch, 'subjects' | 'ids'>,
    records: Iterable<SpanRecord>,
  ): Generator<WrittenSpans> {
    const shapes = new Map(subjects.map((subject) => [subject, this.#shapes.of(subject)]));
    for (const record of records) {
      this.#write(shapes.get(record.subject)!, ids, record);
      if (this.#bytes.length > CAPACITY_BYTES - ROOM_BYTES) yield this.#take();
    }
    if (this.#ends.length > 0) yield this.#take();
  }

  #take(): WrittenSpans {
    const written = { bytes: this.#bytes.take(), ends: this.#ends };
    this.#ends = [];
    this.#taken++;
    return written;
  }

  #write(shape: SpanShape, ids: Uint8Array, record: SpanRecord): void {
    const { endMs, queueUs, initUs, execUs, idsAt } = record;
    const { start } = shape.subject;
    // The same sums as in span-tree.ts, so that nothing is rounded otherwise.
    const execStartMs = endMs - execUs / 1_000;
    const initStartMs = execStartMs - initUs / 1_000;
    const startMs = initStartMs - queueUs / 1_000;
    const hasWaited = queueUs >= QUEUE_SPAN_US;
    const hasStarted = start === 'cold';
    if (hasWaited) this.#child(QUEUE, ids, idsAt, startMs, initStartMs);
    if (hasStarted) this.#child(INIT, ids, idsAt, initStartMs, execStartMs);
    if ((hasWaited || hasStarted) && start !== 'none') this.#child(EXEC, ids, idsAt, execStartMs, endMs);
    if (!this.#writeAgain(shape, ids, record, startMs)) this.#writeAnew(shape, ids, record, startMs);
  }

  #writeAnew(shape: SpanShape, ids: Uint8Array, record: SpanRecord, startMs: number): void {
    const { path, hasParent, fuel, peakMemoryBytes, attempt, batchSize, idsAt } = record;
    const bytes = this.#bytes;
    const start = bytes.length;
    // Of opentelemetry.proto.trace.v1: ScopeSpans.spans, then Span's fields by their numbers.
    const at = bytes.beginMessage(2);
    bytes.id(1, ids, idsAt, TRACE_ID_BYTES);
    bytes.id(2, ids, idsAt + SPAN_ID_AT, SPAN_ID_BYTES);
    if (hasParent) bytes.id(4, ids, idsAt + PARENT_ID_AT, SPAN_ID_BYTES);
    bytes.copyShort(shape.nameAndKind);
    bytes.time(7, startMs);
    bytes.time(8, record.endMs);
    bytes.copy(shape.attributes);
    const idAt = bytes.length - start;
    bytes.copyPart(ids, idsAt + INVOCATION_ID_AT, UUID_LENGTH);
    bytes.int(this.#fuel, fuel);
    const fuelEnd = bytes.length - start;
    bytes.int(this.#peakMemory, peakMemoryBytes);
    const memoryEnd = bytes.length - start;
    if (attempt > 1) bytes.int(this.#attempt, attempt);
    if (batchSize > 1) bytes.int(this.#batchSize, batchSize);
    if (path !== undefined) bytes.stringAttribute(SPAN_NAMES.path, path);
    this.#end(at, shape, hasParent ? SAMPLED | REMOTE_PARENT : SAMPLED);
    const fuelLength = OtlpBytes.varintLength(fuel);
    const memoryLength = OtlpBytes.varintLength(peakMemoryBytes);
    if (attempt > 1 || batchSize > 1 || bytes.length - start < LONG_SPAN) return;
    shape.last = {
      taken: this.#taken,
      start,
      end: bytes.length,
      hasParent,
      path,
      timesAt: idAt - shape.attributes.length - TIMES_BYTES,
      idAt,
      fuelAt: fuelEnd - fuelLength,
      memoryAt: memoryEnd - memoryLength,
      fuelLength,
      memoryLength,
    };
  }

  /** Where it is as long as the one before it and says as much: a copy of that, with its own ids, times and amounts. */
  #writeAgain(shape: SpanShape, ids: Uint8Array, record: SpanRecord, startMs: number): boolean {
    const { last } = shape;
    const { path, hasParent, fuel, peakMemoryBytes, attempt, batchSize, idsAt } = record;
    if (
      last === undefined ||
      last.taken !== this.#taken ||
      last.hasParent !== hasParent ||
      last.path !== path ||
      last.fuelLength !== OtlpBytes.varintLength(fuel) ||
      last.memoryLength !== OtlpBytes.varintLength(peakMemoryBytes) ||
      attempt > 1 ||
      batchSize > 1
    )
      return false;
    const bytes = this.#bytes;
    const start = bytes.repeat(last.start, last.end);
    const end = bytes.length;
    bytes.moveTo(start + HEAD_BYTES);
    bytes.id(1, ids, idsAt, TRACE_ID_BYTES);
    bytes.id(2, ids, idsAt + SPAN_ID_AT, SPAN_ID_BYTES);
    if (hasParent) bytes.id(4, ids, idsAt + PARENT_ID_AT, SPAN_ID_BYTES);
    bytes.moveTo(start + last.timesAt);
    bytes.time(7, startMs);
    bytes.time(8, record.endMs);
    bytes.moveTo(start + last.idAt);
    bytes.copyPart(ids, idsAt + INVOCATION_ID_AT, UUID_LENGTH);
    bytes.moveTo(start + last.fuelAt);
    bytes.varint(fuel);
    bytes.moveTo(start + last.memoryAt);
    bytes.varint(peakMemoryBytes);
    bytes.moveTo(end);
    this.#ends.push(end);
    return true;
  }

  /** A phase: below the invocation's span, and of its trace. */
  #child(parts: SpanParts, ids: Uint8Array, idsAt: number, startMs: number, endMs: number): void {
    const bytes = this.#bytes;
    const at = bytes.beginMessage(2);
    bytes.id(1, ids, idsAt, TRACE_ID_BYTES);
    bytes.id(2, Buffer.from(this.#newSpanId(), 'hex'), 0, SPAN_ID_BYTES);
    bytes.id(4, ids, idsAt + SPAN_ID_AT, SPAN_ID_BYTES);
    bytes.copyShort(parts.nameAndKind);
    bytes.time(7, startMs);
    bytes.time(8, endMs);
    bytes.copy(parts.attributes);
    this.#end(at, parts, SAMPLED);
  }

  #end(at: number, parts: SpanParts, flags: number): void {
    const bytes = this.#bytes;
    bytes.copyShort(parts.end);
    bytes.fixed32(16, flags);
    bytes.endMessage(at);
    this.#ends.push(bytes.length);
  }
}
