/**
 * What a function's source imports from `mayfly`: types alone, so that nothing of it ends up in the component.
 *
 * ```ts
 * import type { Handler } from 'mayfly';
 *
 * export default {
 *   fetch: (request, env) => Response.json({ hello: env['NAME'] ?? 'world', url: request.url }),
 * } satisfies Handler;
 * ```
 *
 * `Request`, `Response` and the other web classes are globals. The editor takes their types from the author's own
 * `lib` (`dom`, or `@types/node`); README.md beside this file lists the part of them that exists in a function.
 */

/** The function's environment variables: what `mayfly configure --env` set. */
export type Env = Readonly<Record<string, string>>;

/**
 * The default export of a function: at least one of these. `fetch` runs on Deno, Bun and Workers, too; `queue` and `scheduled` have
 * the shape that they have on Workers.
 */
export interface Handler {
  fetch?(request: Request, env: Env, context: Context): Response | Promise<Response>;
  /**
   * Messages of a queue or stream. Those that are not asked to be retried are done when it returns. If it throws, all are
   * tried again but those that were acknowledged.
   */
  queue?(batch: MessageBatch, env: Env, context: EventContext): void | Promise<void>;
  /** A tick of a schedule. If it throws, the tick is tried again. */
  scheduled?(event: ScheduledEvent, env: Env, context: EventContext): void | Promise<void>;
}

export interface MessageBatch<Body = unknown> {
  /** Name of the queue or stream. */
  readonly queue: string;
  /** At least one. */
  readonly messages: readonly Message<Body>[];
  ackAll(): void;
  retryAll(options?: RetryOptions): void;
}

/** Of what is said of one message, the first word holds; it wins over what is said of the batch. */
export interface Message<Body = unknown> extends EventContent<Body> {
  /** The same at every attempt: the idempotency key. */
  readonly id: string;
  /** When it was sent. */
  readonly timestamp: Date;
  /** 1 at the first attempt. */
  readonly attempts: number;
  /** Messages of one key come in the order in which they were sent. */
  readonly groupKey: string | undefined;
  /** Names in lower case: the sender's own, `traceparent`, and `ce-*` of CloudEvents. */
  readonly attributes: Readonly<Record<string, string>>;
  ack(): void;
  /** When it is tried again is for the event source mapping to say. */
  retry(options?: RetryOptions): void;
}

export interface RetryOptions {
  /** Kept with the message, and with the dead letter that it may become. */
  readonly reason?: string;
}

export interface ScheduledEvent<Body = unknown> extends EventContent<Body> {
  readonly type: 'scheduled';
  /** The same at every attempt: the idempotency key. */
  readonly id: string;
  readonly attempts: number;
  /** Name of the schedule. */
  readonly schedule: string;
  /** When it was due, in milliseconds since the epoch. */
  readonly scheduledTime: number;
  /** The expression; empty where the schedule is none of cron's. */
  readonly cron: string;
}

/** What a message carries, or a schedule gives as its input. */
export interface EventContent<Body = unknown> {
  readonly contentType: string;
  /** By its type: JSON parsed, text as a string, everything else as bytes. Throws for JSON that is none. */
  readonly body: Body;
  bytes(): Uint8Array;
  text(): string;
  json(): unknown;
}

/**
 * The trace of an invocation. A guest pays for each span (about 75,000 units of fuel for the calls, and what QuickJS takes), and for nothing where its caller's trace is not
 * recorded.
 */
export interface Context {
  /** W3C Trace Context of the invocation, or of the span. */
  readonly traceparent: string;
  /**
   * Runs `run` in a span below this one, and gives what it gives. The span ends with it, or with its promise, and has failed where that throws. A
   * request that is sent meanwhile hangs below the span that was opened last; where several are open side by side, give it the `traceparent`
   * of one as a header field.
   */
  span<T>(name: string, run: (span: Span) => T): T;
  span<T>(name: string, attributes: SpanAttributes, run: (span: Span) => T): T;
  /** Of the invocation, or of the span. Names that begin with `mayfly.` or `faas.` are the host's. */
  setAttribute(key: string, value: SpanAttributeValue): void;
}

export interface Span extends Context {
  addEvent(name: string, attributes?: SpanAttributes): void;
  /** It has failed, though nothing was thrown. */
  setError(message: string): void;
}

export type SpanAttributeValue =
  | string
  | number
  | boolean
  | readonly string[]
  | readonly number[]
  | readonly boolean[];
export type SpanAttributes = Readonly<Record<string, SpanAttributeValue | undefined>>;

export interface EventContext extends Context {
  /** The event is over once the promise is settled, and has failed if it rejects. Nothing runs after the event. */
  waitUntil(promise: Promise<unknown>): void;
}
