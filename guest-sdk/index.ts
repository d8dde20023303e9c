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
  fetch?(request: Request, env: Env): Response | Promise<Response>;
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

export interface EventContext {
  /** The event is over once the promise is settled, and has failed if it rejects. Nothing runs after the event. */
  waitUntil(promise: Promise<unknown>): void;
}
