/**
 * A call of a function by the host, for an event: what a consumer asks of a serving thread, and what came of it. Plain data, which
 * the structured clone algorithm carries.
 */
import type { FunctionName, InvocationId, TenantName } from './ids.ts';
import type { MessageCause, QueueMessage } from './queue-message.ts';

export type EventDelivery =
  /** Messages of a queue or stream, together. */
  | { readonly kind: 'batch'; readonly source: string; readonly messages: readonly QueueMessage[] }
  /** An asynchronous invocation: the event as its caller sent it. */
  | { readonly kind: 'event'; readonly message: QueueMessage }
  /** A tick of a schedule; the message's body is the schedule's input. */
  | {
      readonly kind: 'tick';
      readonly schedule: string;
      readonly scheduledAtMs: number;
      /** The schedule's expression, where it is cron's. */
      readonly cron?: string;
      readonly message: QueueMessage;
    };

export interface EventInvocation {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly delivery: EventDelivery;
  /** W3C trace context of whoever caused the event, if it gave any. */
  readonly traceparent?: string;
}

export type EventOutcome =
  /** It ran to its end. */
  | {
      readonly kind: 'returned';
      readonly invocationId: InvocationId;
      readonly fuel: number;
      /** Messages of the batch that are to be tried again; the others are done. */
      readonly failures: readonly { readonly id: string; readonly detail: string }[];
      /** What it answered, for destinations. */
      readonly answer?: { readonly contentType: string; readonly body: Uint8Array };
    }
  /** It ran and failed: an attempt. */
  | {
      readonly kind: 'failed';
      readonly invocationId: InvocationId;
      readonly fuel: number;
      readonly cause: MessageCause;
      /** Whether trying again can help. */
      readonly isRetryable: boolean;
    }
  /** It was not run (quota, no place, quarantine, deleted, draining, thread lost before it began): no attempt. */
  | { readonly kind: 'refused'; readonly cause: MessageCause; readonly retryAfterMs: number };
