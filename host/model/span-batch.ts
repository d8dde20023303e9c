/**
 * Recorded invocations on their way from a serving thread to the main thread, which writes their spans: 156 bytes each, where a span has 700. Numbers are in one
 * array, ids in another, both of which change threads without being copied; what many have in common is said once per batch.
 *
 * 1. It holds what has nothing to say beyond its own span and its phases; {@link isPlain} tells. All else is told whole (`spanOf`).
 */
import { type EndedInvocation, withoutQuery } from './ended-invocation.ts';
import type { LiveFunction } from './function-version.ts';
import type { UsageRecord } from './usage-record.ts';

/** What the invocations of one kind of one function have in common. */
export interface SpanSubject
  extends Pick<UsageRecord, 'tenant' | 'name' | 'version' | 'trigger' | 'outcome' | 'start'> {
  /** Of a request through the front door. */
  readonly method: string | undefined;
  readonly status: number | undefined;
}

export interface SpanBatch {
  readonly subjects: readonly SpanSubject[];
  /** Of requests, without their queries. */
  readonly paths: readonly string[];
  /** {@link ID_BYTES} for each record. */
  readonly ids: Uint8Array<ArrayBuffer>;
  /** {@link COLUMNS} for each record. */
  readonly numbers: Float64Array<ArrayBuffer>;
}

/** One of a batch. */
export interface SpanRecord
  extends Pick<
    UsageRecord,
    'attempt' | 'batchSize' | 'fuel' | 'peakMemoryBytes' | 'queueUs' | 'initUs' | 'execUs'
  > {
  readonly subject: SpanSubject;
  /** Undefined where it is no request's. */
  readonly path: string | undefined;
  readonly hasParent: boolean;
  /** Since the epoch, with fractions. */
  readonly endMs: number;
  /** Of the batch: where its ids begin. */
  readonly idsAt: number;
}

/** Where each id lies, from the first of a record on: trace, span and parent as bytes, the invocation's as text. */
export const SPAN_ID_AT = 16;
export const PARENT_ID_AT = 24;
export const INVOCATION_ID_AT = 32;
const UUID_LENGTH = 36;
export const ID_BYTES = INVOCATION_ID_AT + UUID_LENGTH;

/** The subject's index, that of the path (-1: none), whether there is a parent, the end, three times and four amounts. */
export const COLUMNS = 11;
const NONE = -1;

/** In characters, each of up to three bytes: with it a span stays below 16 KiB, and its length is a number of two bytes. */
export const MAX_PATH = 4_096;
/** A window's paths are bounded in sum, too: 500 long ones would be 2 MiB. */
const MAX_PATHS = 64 * 1_024;

/** Value of each hexadecimal digit by its character code. */
const NIBBLES = new Uint8Array(128);
for (let value = 0; value < 16; value++) NIBBLES[value.toString(16).charCodeAt(0)] = value;

/** Whether it has nothing to say but what a batch holds. */
export function isPlain({ trace, use, links, http }: EndedInvocation): boolean {
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

/** Gathers records into batches of at most `capacity`. It is on the way of answers: nothing is made for a record that is like the one before it. */
export class SpanBatchWriter {
  readonly #capacity: number;
  readonly #ids: Uint8Array;
  readonly #numbers: Float64Array;
  #subjects: SpanSubject[] = [];
  #subjectsOf = new Map<LiveFunction, number[]>();
  /** The subject of the last record, and whose it is. */
  #recent = NONE;
  #recentLive: LiveFunction | undefined;
  #paths: string[] = [];
  /** Of the last path, with its query. */
  #recentPath: string | undefined;
  #pathLength = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#ids = new Uint8Array(capacity * ID_BYTES);
    this.#numbers = new Float64Array(capacity * COLUMNS);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get isFull(): boolean {
    return this.#length === this.#capacity || this.#pathLength > MAX_PATHS;
  }

  /** @param invocation a plain one; its `live` is the same object for as long as the same version is called */
  append(invocation: EndedInvocation): void {
    const { trace, use, http } = invocation;
    const { context, parent } = trace;
    const numbers = this.#numbers;
    let at = this.#length * COLUMNS;
    numbers[at++] = this.#subjectOf(invocation);
    numbers[at++] = http === undefined ? NONE : this.#pathOf(http.path);
    numbers[at++] = parent === undefined ? 0 : 1;
    numbers[at++] = trace.endMs;
    numbers[at++] = use.queueUs;
    numbers[at++] = use.initUs;
    numbers[at++] = use.execUs;
    numbers[at++] = use.fuel;
    numbers[at++] = use.peakMemoryBytes;
    numbers[at++] = use.attempt;
    numbers[at++] = use.batchSize;
    const idsAt = this.#length * ID_BYTES;
    this.#writeHex(idsAt, context.traceId);
    this.#writeHex(idsAt + SPAN_ID_AT, context.spanId);
    if (parent !== undefined) this.#writeHex(idsAt + PARENT_ID_AT, parent.spanId);
    const { invocationId } = use;
    const ids = this.#ids;
    for (let i = 0; i < UUID_LENGTH; i++) ids[idsAt + INVOCATION_ID_AT + i] = invocationId.charCodeAt(i);
    this.#length++;
  }

  /** What has been gathered; the writer is empty then. */
  take(): SpanBatch {
    const batch = {
      subjects: this.#subjects,
      paths: this.#paths,
      ids: this.#ids.slice(0, this.#length * ID_BYTES),
      numbers: this.#numbers.slice(0, this.#length * COLUMNS),
    };
    this.#subjects = [];
    this.#subjectsOf = new Map();
    this.#recent = NONE;
    this.#recentLive = undefined;
    this.#paths = [];
    this.#recentPath = undefined;
    this.#pathLength = 0;
    this.#length = 0;
    return batch;
  }

  #subjectOf(invocation: EndedInvocation): number {
    const { live } = invocation;
    const subjects = this.#subjects;
    if (this.#recentLive === live && isOf(subjects[this.#recent]!, invocation)) return this.#recent;
    let known = this.#subjectsOf.get(live);
    if (known === undefined) {
      known = [];
      this.#subjectsOf.set(live, known);
    }
    // Looked through rather than up: a key made of five parts would have to be hashed, 1 µs.
    let at = known.find((index) => isOf(subjects[index]!, invocation));
    if (at === undefined) {
      at = subjects.push(subjectOf(invocation)) - 1;
      known.push(at);
    }
    this.#recentLive = live;
    this.#recent = at;
    return at;
  }

  #pathOf(path: string): number {
    if (path !== this.#recentPath) {
      this.#recentPath = path;
      this.#paths.push(withoutQuery(path));
      this.#pathLength += path.length;
    }
    return this.#paths.length - 1;
  }

  #writeHex(start: number, hex: string): void {
    const ids = this.#ids;
    let at = start;
    for (let i = 0; i < hex.length; i += 2)
      ids[at++] = (NIBBLES[hex.charCodeAt(i)]! << 4) | NIBBLES[hex.charCodeAt(i + 1)]!;
  }
}

/** The records of a batch, in the order in which they were appended. */
export function* spansIn({ subjects, paths, numbers }: SpanBatch): Generator<SpanRecord> {
  for (let i = 0; i * COLUMNS < numbers.length; i++) {
    let at = i * COLUMNS;
    const next = (): number => numbers[at++]!;
    // In the order in which they were written: an object literal is made from top to bottom.
    yield {
      subject: subjects[next()]!,
      path: paths[next()],
      hasParent: next() === 1,
      endMs: next(),
      queueUs: next(),
      initUs: next(),
      execUs: next(),
      fuel: next(),
      peakMemoryBytes: next(),
      attempt: next(),
      batchSize: next(),
      idsAt: i * ID_BYTES,
    };
  }
}

function isOf(subject: SpanSubject, { use, http }: EndedInvocation): boolean {
  return (
    subject.status === http?.status &&
    subject.method === http?.method &&
    subject.outcome === use.outcome &&
    subject.start === use.start &&
    subject.trigger === use.trigger
  );
}

function subjectOf({ live, use, http }: EndedInvocation): SpanSubject {
  const { tenant, name, version } = live;
  const { trigger, outcome, start } = use;
  return { tenant, name, version, trigger, outcome, start, method: http?.method, status: http?.status };
}
