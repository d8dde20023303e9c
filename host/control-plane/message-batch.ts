/** Several messages in one request, in our own form. */
import { z } from '@hono/zod-openapi';
import { MayflyError } from '../errors/errors.ts';
import { QUEUE_LIMITS } from '../limits/event-limits.ts';
import type { NewMessage } from '../model/queue-message.ts';
import { isBase64 } from './cloud-event.ts';

const batchEntry = z.strictObject({
  body: z.string().optional().openapi({ description: 'The body as text.' }),
  bodyBase64: z.string().refine(isBase64, 'must be base64').optional().openapi({
    description: 'The body as bytes.',
  }),
  json: z.unknown().optional().openapi({ description: 'The body as JSON; it is `application/json` then.' }),
  contentType: z.string().min(1).max(256).optional(),
  attributes: z.record(z.string(), z.string()).optional(),
  delayMs: z.number().int().min(0).max(QUEUE_LIMITS.delayMs).optional(),
  deduplicationKey: z.string().min(1).max(QUEUE_LIMITS.keyLength).optional(),
  groupKey: z.string().min(1).max(QUEUE_LIMITS.keyLength).optional(),
});

export const messageBatchBody = z
  .strictObject({ messages: z.array(batchEntry).min(1).max(QUEUE_LIMITS.sendMessages) })
  .openapi('MessageBatch', {
    description: 'Messages that are kept together or not at all. Each has one of body, bodyBase64 and json.',
  });

export type MessageBatchJson = z.input<typeof messageBatchBody>;

/** @throws MayflyError message_invalid */
export function toNewMessage(entry: z.infer<typeof batchEntry>, nowMs: number, field: string): NewMessage {
  const { delayMs, deduplicationKey, groupKey, attributes } = entry;
  return {
    ...contentOf(entry, field),
    attributes: attributes ?? {},
    ...(delayMs === undefined ? {} : { deliverAtMs: nowMs + delayMs }),
    ...(deduplicationKey === undefined ? {} : { deduplicationKey }),
    ...(groupKey === undefined ? {} : { groupKey }),
  };
}

function contentOf(
  { body, bodyBase64, json, contentType }: z.infer<typeof batchEntry>,
  field: string,
): Pick<NewMessage, 'body' | 'contentType'> {
  const given = [body, bodyBase64, json].filter((value) => value !== undefined);
  if (given.length !== 1) {
    throw new MayflyError('message_invalid', 'A message has one of body, bodyBase64 and json.', { field });
  }
  if (json !== undefined) {
    return { body: Buffer.from(JSON.stringify(json)), contentType: contentType ?? 'application/json' };
  }
  if (bodyBase64 !== undefined) {
    return {
      body: Buffer.from(bodyBase64, 'base64'),
      contentType: contentType ?? 'application/octet-stream',
    };
  }
  return { body: Buffer.from(body ?? ''), contentType: contentType ?? 'text/plain; charset=utf-8' };
}
