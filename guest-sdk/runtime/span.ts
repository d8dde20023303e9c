/** Spans that a function adds to the trace of its invocation, through wasi:otel/tracing. */
import { setAttributes } from 'mayfly:telemetry/invocation@0.1.0';
import {
  currentSpanContext,
  type KeyValue,
  onEnd,
  onStart,
  type SpanContext,
  type SpanEvent,
} from 'wasi:otel/tracing@0.2.0-rc.2';
import { random } from './random.ts';

type Value = string | number | boolean | readonly string[] | readonly number[] | readonly boolean[];
export type Attributes = Readonly<Record<string, Value | undefined>>;

type Run<T> = (span: Span) => T;

/** The host keeps the time of spans itself: asking the clock would be two more calls of it. */
const NO_TIME = { seconds: 0, nanoseconds: 0 };
const SCOPE = { name: 'mayfly', version: null, schemaUrl: null, attributes: [] };

export class Span {
  /** Its own; the parent's where nobody records. */
  readonly #context: SpanContext;
  readonly #parentSpanId: string;
  readonly #attributes: Record<string, Value | undefined>;
  readonly #events: SpanEvent[] = [];
  #error: string | undefined;

  constructor(parent: SpanContext, attributes: Attributes) {
    this.#parentSpanId = parent.spanId;
    this.#attributes = { ...attributes };
    this.#context = isRecorded(parent) ? { ...parent, spanId: newSpanId() } : parent;
    if (isRecorded(parent)) onStart(this.#context);
  }

  get traceparent(): string {
    return traceparentOf(this.#context);
  }

  span<T>(name: string, attributes: Attributes | Run<T>, run?: Run<T>): T {
    return runSpan(this.#context, name, attributes, run);
  }

  setAttribute(key: string, value: Value): void {
    this.#attributes[key] = value;
  }

  addEvent(name: string, attributes: Attributes = {}): void {
    if (!isRecorded(this.#context)) return;
    const nowMs = Date.now();
    const time = { seconds: Math.floor(nowMs / 1_000), nanoseconds: (nowMs % 1_000) * 1e6 };
    this.#events.push({ name: String(name), time, attributes: pairsOf(attributes) });
  }

  /** It failed; an error that `run` throws says so by itself. */
  setError(message: string): void {
    this.#error = String(message);
  }

  static end(span: Span, name: string): void {
    if (!isRecorded(span.#context)) return;
    onEnd({
      spanContext: span.#context,
      parentSpanId: span.#parentSpanId,
      spanKind: 'internal',
      name: String(name),
      startTime: NO_TIME,
      endTime: NO_TIME,
      attributes: pairsOf(span.#attributes),
      events: span.#events,
      links: [],
      status: span.#error === undefined ? { tag: 'unset' } : { tag: 'error', val: span.#error },
      instrumentationScope: SCOPE,
      droppedAttributes: 0,
      droppedEvents: 0,
      droppedLinks: 0,
    });
  }

  static fail(span: Span, error: unknown): void {
    const [type, message] =
      error instanceof Error ? [error.name, error.message] : [typeof error, String(error)];
    span.addEvent('exception', { 'exception.type': type, 'exception.message': message });
    span.#attributes['error.type'] ??= type;
    span.#error ??= message;
  }
}

/** What handlers get beside their event. One for each invocation. */
export class Context {
  #root: SpanContext | undefined;

  get traceparent(): string {
    return traceparentOf(this.#context);
  }

  span<T>(name: string, attributes: Attributes | Run<T>, run?: Run<T>): T {
    return runSpan(this.#context, name, attributes, run);
  }

  setAttribute(key: string, value: Value): void {
    if (isRecorded(this.#context)) setAttributes(pairsOf({ [key]: value }));
  }

  /** The invocation's: asked for once, before any span is open. */
  get #context(): SpanContext {
    this.#root ??= currentSpanContext();
    return this.#root;
  }
}

function runSpan<T>(parent: SpanContext, name: string, attributes: Attributes | Run<T>, run?: Run<T>): T {
  const [said, work] = typeof attributes === 'function' ? [{}, attributes] : [attributes, run as Run<T>];
  const span = new Span(parent, said);
  let result: T;
  try {
    result = work(span);
  } catch (error) {
    Span.fail(span, error);
    Span.end(span, name);
    throw error;
  }
  if (!(result instanceof Promise)) {
    Span.end(span, name);
    return result;
  }
  return result.then(
    (value) => {
      Span.end(span, name);
      return value;
    },
    (error: unknown) => {
      Span.fail(span, error);
      Span.end(span, name);
      throw error;
    },
  ) as T;
}

function isRecorded({ traceFlags }: SpanContext): boolean {
  return traceFlags.sampled === true;
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.sampled === true ? '01' : '00'}`;
}

/** A name within the invocation: the host gives the span another one outside. */
function newSpanId(): string {
  const half = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return half() + half();
}

function pairsOf(attributes: Attributes): KeyValue[] {
  const pairs: KeyValue[] = [];
  for (const [key, value] of Object.entries(attributes)) {
    // What is no JSON would trap where it becomes a string of WIT.
    const json: string | undefined = JSON.stringify(value);
    if (json !== undefined) pairs.push({ key, value: json });
  }
  return pairs;
}
