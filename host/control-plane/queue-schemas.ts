/** The shapes of requests and responses about queues and what is in them. */
import { z } from '@hono/zod-openapi';
import { QUEUE_LIMITS } from '../event-limits.ts';
import { queueSettingsPatchSchema } from '../model/queue.ts';
import { countSchema, instantSchema, nameSchema, tenantParams } from './schemas.ts';

export const queueParams = tenantParams.extend({
  queue: nameSchema.openapi({ description: 'The queue, unique within its tenant.', example: 'orders' }),
});

export const signingSecretParams = queueParams.extend({
  secret: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .openapi({ description: 'The id of a signing secret.' }),
});

// `describe` makes a copy: schemas made before this library was loaded lack its methods.
export const queuePatchBody = queueSettingsPatchSchema
  .describe('Settings to replace.')
  .openapi('QueueSettingsPatch');

const count = z.number().int().min(0);

export const queueCountsSchema = z
  .object({
    ready: count.openapi({ description: 'Could be handed out now.' }),
    delayed: count.openapi({ description: 'Sent with a delay, or waiting to be tried again.' }),
    inFlight: count.openapi({ description: 'Being handled.' }),
    dead: count.openapi({ description: 'Given up.' }),
    oldestSentAt: instantSchema.optional().openapi({
      description: 'When the oldest message was sent that is neither in flight nor dead.',
    }),
  })
  .openapi('QueueCounts', { description: 'Where the messages of a queue are.' });

export const sourceCountsSchema = queueCountsSchema
  .extend({
    ready: count.optional().openapi({
      description: 'Could be handed out now. Absent where Redis does not know how far behind a stream is.',
    }),
  })
  .openapi('SourceCounts', { description: 'Where the messages of a queue or a stream are.' });

export const queueSchema = z
  .object({
    tenant: nameSchema,
    name: nameSchema,
    settings: queueSettingsPatchSchema.required().describe('All settings.').openapi('QueueSettings'),
    counts: queueCountsSchema.optional().openapi({
      description: 'Absent while the store of the queues does not answer.',
    }),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .openapi('Queue');

export const signingSecretSchema = z
  .object({ id: z.string(), createdAt: instantSchema })
  .openapi('SigningSecret');

export const madeSigningSecretSchema = signingSecretSchema
  .extend({ secret: z.string().openapi({ description: 'For the sender; it is shown this once.' }) })
  .openapi('MadeSigningSecret');

export const signingSecretBody = z
  .strictObject({
    secret: z.string().max(128).optional().openapi({
      description: "The sender's own, `whsec_` and base64; one is made where it is absent.",
      writeOnly: true,
    }),
  })
  .openapi('NewSigningSecret');

// --- messages ---------------------------------------------------------------------------------------------

export const sentMessageSchema = z
  .object({
    id: z
      .string()
      .openapi({ description: 'Of the message that is kept: an earlier one, if this is a duplicate.' }),
    duplicate: z.boolean().openapi({ description: 'Whether a message of this deduplication key was there.' }),
  })
  .openapi('SentMessage');

export const sentMessagesSchema = z
  .object({ messages: z.array(sentMessageSchema) })
  .openapi('SentMessages', { description: 'In the order in which they were sent.' });

const MESSAGE_STATES = ['ready', 'delayed', 'in-flight', 'dead'] as const;

const pageFields = {
  limit: countSchema(1, QUEUE_LIMITS.peekMessages).default(10).openapi({
    description: 'How many, the oldest ones. A page of large messages may have fewer.',
  }),
  after: z.string().max(256).optional().openapi({ description: '`next` of the page before.' }),
};

export const deadLettersQuery = z.strictObject(pageFields);

export const messagesQuery = z.strictObject({
  state: z.enum(MESSAGE_STATES).default('ready').openapi({ description: 'Where the messages are.' }),
  ...pageFields,
});

const causeSchema = z.object({ code: z.string(), detail: z.string() }).openapi('MessageCause', {
  description: 'Why an attempt failed.',
});

export const messageSchema = z
  .object({
    id: z.string(),
    sentAt: instantSchema,
    deliverAt: instantSchema.optional(),
    attempts: count,
    contentType: z.string(),
    attributes: z.record(z.string(), z.string()),
    deduplicationKey: z.string().optional(),
    groupKey: z.string().optional(),
    body: z.string().optional().openapi({ description: 'The body, where it is UTF-8.' }),
    bodyBase64: z.string().optional().openapi({ description: 'The body, where it is not.' }),
    lastCause: causeSchema.optional(),
    cause: causeSchema.optional().openapi({ description: 'Why it is a dead letter.' }),
    deadAt: instantSchema.optional(),
  })
  .openapi('Message');

export const messagePageSchema = z
  .object({ messages: z.array(messageSchema), next: z.string().optional() })
  .openapi('MessagePage');

export const redriveBody = z
  .strictObject({
    ids: z
      .array(z.string().regex(/^[0-9a-f-]{36}$/))
      .min(1)
      .max(QUEUE_LIMITS.sendMessages)
      .optional()
      .openapi({
        description: 'Which dead letters; all of them where it is absent.',
      }),
  })
  .openapi('Redrive');

export const affectedSchema = z.object({ count }).openapi('AffectedMessages', {
  description: 'How many messages it concerned.',
});

export type QueueJson = z.infer<typeof queueSchema>;
export type QueueCountsJson = z.infer<typeof queueCountsSchema>;
export type SourceCountsJson = z.infer<typeof sourceCountsSchema>;
export type SigningSecretJson = z.infer<typeof signingSecretSchema>;
export type MadeSigningSecretJson = z.infer<typeof madeSigningSecretSchema>;
export type SentMessageJson = z.infer<typeof sentMessageSchema>;
export type SentMessagesJson = z.infer<typeof sentMessagesSchema>;
export type MessageJson = z.infer<typeof messageSchema>;
export type MessagePageJson = z.infer<typeof messagePageSchema>;
export type AffectedJson = z.infer<typeof affectedSchema>;
