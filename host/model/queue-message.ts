import type { MessageId } from './ids.ts';

/** Media type of several messages in one request (see control-plane/message-batch.ts). */
export const MESSAGE_BATCH = 'application/vnd.mayfly.messages+json';

/** A message as its sender gives it. */
export interface NewMessage {
  readonly body: Uint8Array;
  /** Media type of the body. */
  readonly contentType: string;
  /** Names in lower case. CloudEvents attributes as `ce-*`, the sender's trace context as `traceparent` and `tracestate`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Not delivered before; at once where absent. Milliseconds since the epoch. */
  readonly deliverAtMs?: number;
  /** A second message of the same key within the queue's `deduplicationMs` is not kept. */
  readonly deduplicationKey?: string;
  /** Messages of one key are handled in the order in which they were sent, one batch at a time. */
  readonly groupKey?: string;
}

/** A message as a queue keeps it. */
export interface QueueMessage extends NewMessage {
  /** UUIDv7, given when it was sent. It is also the idempotency key of every attempt at it. */
  readonly id: MessageId;
  readonly sentAtMs: number;
  /** How often it has been handed out and not given back unused, this time included. */
  readonly attempts: number;
  /** What came of the last attempt but this one, if there was one. */
  readonly lastCause?: MessageCause;
}

/** Why an attempt at a message failed, or why it is a dead letter. */
export interface MessageCause {
  /**
   * Of `errors.ts`, of the engine (`lease_expired`, `message_expired`), or of the consumer: `item_failed`, `message_expired`,
   * `filter_too_costly`, `destination_failed`, `destination_loop`.
   */
  readonly code: string;
  readonly detail: string;
}

/** A message that nobody will try again by himself. */
export interface DeadLetter extends QueueMessage {
  readonly cause: MessageCause;
  readonly deadAtMs: number;
}

export interface SentMessage {
  /** Of the message that is kept: an earlier one's where this is a duplicate. */
  readonly id: MessageId;
  readonly isDuplicate: boolean;
}

/** Where the messages of a queue are. */
export interface QueueCounts {
  /** Could be handed out now; of a group, those that wait for the one before them count too. */
  readonly ready: number;
  /** Sent with a delay, or waiting to be tried again. */
  readonly delayed: number;
  readonly inFlight: number;
  readonly dead: number;
  /** When the oldest message that is neither in flight nor dead was sent; undefined where there is none. */
  readonly oldestSentAtMs: number | undefined;
}

/** Where the messages of a queue are, or of a stream that other programs write to: there, `ready` may be unknown. */
export type SourceCounts = Omit<QueueCounts, 'ready'> & { readonly ready: number | undefined };

export type MessageState = 'ready' | 'delayed' | 'in-flight' | 'dead';
