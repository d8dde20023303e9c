/**
 * A queue keeps messages until a function has handled them. Terms and defaults are SQS's and Lambda's; what they call a
 * message group's id and a deduplication id are a group key and a deduplication key here.
 *
 * A tenant's own queues and the event queue of each function (asynchronous invocations, ticks of schedules) are the
 * same thing to an engine.
 */
import { z } from 'zod';
import { FUNCTION_QUEUE, QUEUE_LIMITS } from '../limits/event-limits.ts';
import type { EventInvokeConfig } from './event-invoke-config.ts';
import type { FunctionName, QueueName, TenantName } from './ids.ts';

/** Names a queue on every host alike: engines that several hosts share find it by this. */
export type QueueId =
  | { readonly kind: 'queue'; readonly tenant: TenantName; readonly name: QueueName }
  | { readonly kind: 'function'; readonly tenant: TenantName; readonly name: FunctionName };

/** `acme/queue/orders`, `acme/function/hello`: what an engine stores it under. */
export function queueKey({ tenant, kind, name }: QueueId): string {
  return `${tenant}/${kind}/${name}`;
}

/** What the owner of a queue may set. Unknown keys are errors, so that a typo cannot pass for a default. */
export const queueSettingsPatchSchema = z
  .strictObject({
    retentionMs: z
      .number()
      .int()
      .min(QUEUE_LIMITS.retentionMs.floor)
      .max(QUEUE_LIMITS.retentionMs.ceiling)
      .describe('How long a message may wait before it becomes a dead letter.'),
    deduplicationMs: z
      .number()
      .int()
      .min(0)
      .max(QUEUE_LIMITS.deduplicationMs.ceiling)
      .describe('For how long a deduplication key that was sent once is recognised.'),
    deadLetterRetentionMs: z
      .number()
      .int()
      .min(QUEUE_LIMITS.retentionMs.floor)
      .max(QUEUE_LIMITS.retentionMs.ceiling)
      .describe('How long a dead letter is kept.'),
  })
  .partial();

export type QueueSettingsPatch = z.infer<typeof queueSettingsPatchSchema>;

export interface QueueSettings {
  readonly retentionMs: number;
  readonly deduplicationMs: number;
  readonly deadLetterRetentionMs: number;
}

export interface Queue {
  readonly tenant: TenantName;
  readonly name: QueueName;
  readonly settings: QueueSettings;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export function defaultQueueSettings(): QueueSettings {
  return {
    retentionMs: QUEUE_LIMITS.retentionMs.default,
    deduplicationMs: QUEUE_LIMITS.deduplicationMs.default,
    deadLetterRetentionMs: QUEUE_LIMITS.retentionMs.default,
  };
}

/** Settings with which everybody sends to a function's own event queue: an event waits for as long as it may be tried. */
export function functionQueueSettings({ maximumAgeMs }: EventInvokeConfig): QueueSettings {
  return {
    retentionMs: Math.max(QUEUE_LIMITS.retentionMs.default, maximumAgeMs),
    deduplicationMs: FUNCTION_QUEUE.deduplicationMs,
    deadLetterRetentionMs: QUEUE_LIMITS.retentionMs.default,
  };
}
