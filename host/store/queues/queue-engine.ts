/**
 * What keeps queues: on SQLite for one host, on Redis for several. One conformance suite runs against both.
 *
 * What every engine holds:
 *  1. `send` resolves when its messages survive the death of this process, and of the machine where the engine's settings say so. All
 *     messages of one call are kept or none.
 *  2. A message is in one state at a time: ready, delayed, in flight, dead, or gone. It leaves only by `settle` with `done`,
 *     by purging or by removing its queue; what expires becomes a dead letter.
 *  3. A claim is exclusive until its lease expires. Whoever holds one that has expired can neither extend nor settle it:
 *     the messages are ready again, with the attempt counted and the cause `lease_expired`.
 *  4. Of a group, messages are handed out in the order in which they were sent, one claim at a time: while one is in flight, or has to wait
 *     (by `retry`, `release` or its own `deliverAtMs`), no other one is handed out before it. Messages of one group may be in one claim,
 *     in order.
 *  5. Every operation may be repeated after a lost answer: a second `settle` of the same lease does nothing.
 *  6. What it costs does not grow with how many messages wait.
 *
 * Errors: MayflyError `queue_unavailable` (host fault, retryable) when the store is away, slow or full. It never waits longer
 * than `QUEUE_LIMITS.storeTimeoutMs`, and keeps nothing in memory for later.
 */
import type { MessageId } from '../../model/ids.ts';
import type { QueueId, QueueSettings } from '../../model/queue.ts';
import type {
  DeadLetter,
  MessageCause,
  MessageState,
  NewMessage,
  QueueCounts,
  QueueMessage,
  SentMessage,
} from '../../model/queue-message.ts';

/** What came of an attempt that nobody settled in time. */
export const LEASE_EXPIRED: MessageCause = {
  code: 'lease_expired',
  detail: 'The attempt was not settled before its lease expired.',
};

/** Why a message is a dead letter that was not handled within its queue's `retentionMs`. */
export const MESSAGE_EXPIRED: MessageCause = {
  code: 'message_expired',
  detail: "The message waited for longer than its queue's retention.",
};

/** Messages that one call of `claim` hands out, unless one batch is more: one to two milliseconds in which Redis or the event loop does nothing else. */
export const CLAIMED_AT_ONCE = 320;

/** Messages that were handed out together. */
export interface Claim {
  readonly queue: QueueId;
  /** Names this claim, for the engine. */
  readonly lease: string;
  readonly expiresAtMs: number;
  /** At least one. Of one group in order. */
  readonly messages: readonly QueueMessage[];
}

export interface ClaimOptions {
  /** Of each claim. */
  readonly maxMessages: number;
  /** Bound of the bodies' sum, over all claims that are given; a single message is handed out whatever its size. */
  readonly maxBytes: number;
  /** For how long the messages are nobody else's. */
  readonly visibilityMs: number;
  /** Claims of one queue that may be held at a time, over all hosts. */
  readonly maxClaims: number;
  /** Claims that are wanted at once; one where absent. Fewer may be given although more is ready. */
  readonly claims?: number;
}

/** What becomes of a message of a claim. */
export type Settlement =
  | { readonly id: MessageId; readonly kind: 'done' }
  /** Tried again at that time: the attempt counts. */
  | { readonly id: MessageId; readonly kind: 'retry'; readonly atMs: number; readonly cause: MessageCause }
  /** Given back unused: the attempt does not count. */
  | { readonly id: MessageId; readonly kind: 'release'; readonly atMs: number }
  /** Where it was not even tried this time (too old, or earlier attempts used all it has), this claim is not counted either. */
  | {
      readonly id: MessageId;
      readonly kind: 'dead';
      readonly cause: MessageCause;
      readonly isUntried?: boolean;
    };

export interface MessagePage {
  readonly limit: number;
  /** What the page before gave as `next`. */
  readonly after?: string;
}

/**
 * The settings of a queue are those of its last `send`; `retentionMs` counts from `sentAtMs`, also for messages that were there before,
 * and not while a message is in flight.
 */
export interface QueueEngine extends AsyncDisposable {
  /** queue_full where more would wait than `QUEUE_LIMITS.messages`. */
  send(queue: QueueId, settings: QueueSettings, messages: readonly NewMessage[]): Promise<SentMessage[]>;
  /** None where nothing is due, or `maxClaims` are held. */
  claim(queue: QueueId, options: ClaimOptions): Promise<readonly Claim[]>;
  /** False if the lease has expired meanwhile. */
  extend(claim: Claim, visibilityMs: number): Promise<boolean>;
  /**
   * Settles the messages that are named; the claim ends when all of its messages are settled. False if the lease has expired: then
   * nothing was changed. What is no longer in the claim is passed over.
   */
  settle(claim: Claim, settlements: readonly Settlement[]): Promise<boolean>;
  counts(queue: QueueId): Promise<QueueCounts>;
  /**
   * Looks without taking, oldest first: by when it was sent; what is delayed by when it is due, dead letters by when they died. A page may
   * be shorter than `limit`; there are more for as long as there is a `next`.
   */
  peek(
    queue: QueueId,
    state: MessageState,
    page: MessagePage,
  ): Promise<{ readonly messages: readonly (QueueMessage | DeadLetter)[]; readonly next?: string }>;
  /**
   * Dead letters become ready again, as if sent now: with their ids, but no attempts counted, `sentAtMs` anew (so that neither retention
   * nor a maximum age ends them at once), and behind what waits of their group. All of them where no ids are given. How many.
   */
  redrive(queue: QueueId, ids?: readonly MessageId[]): Promise<number>;
  /** Drops what waits (ready and delayed), or the dead letters. How many. */
  purge(queue: QueueId, what: 'waiting' | 'dead'): Promise<number>;
  /** Drops the queue with everything in it, in flight included. */
  remove(queue: QueueId): Promise<void>;
  /**
   * Calls `listener` whenever `claim` may give something that it did not give before: a message was sent (by whichever host), a
   * delay or a lease is over, a claim has ended. Without polling. Until the returned call.
   */
  onWork(queue: QueueId, listener: () => void): () => void;
}
