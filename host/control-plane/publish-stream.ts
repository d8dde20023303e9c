/**
 * A publish as it goes on (progress-stream.ts): `{"progress":{"step":"compile"}}` where a step begins, the same with its `ms` where it is
 * over, and at the end what the plain answer would be: `{"published":{...}}`.
 */
import { z } from '@hono/zod-openapi';
import type { PublishProgress } from '../model/publish-progress.ts';
import { functionSchema, problemSchema, publishedSchema } from './schemas.ts';

const PUBLISH_STEPS = [
  'wait',
  'check',
  'componentize',
  'transpile',
  'instrument',
  'compile',
  'store',
  'activate',
  'warm',
] as const satisfies readonly PublishProgress['step'][];

export const publishEventSchema = z
  .union([
    z.object({
      progress: z.object({
        step: z.enum(PUBLISH_STEPS),
        ms: z.number().min(0).optional().openapi({ description: 'How long it took; absent while it runs.' }),
      }),
    }),
    z.object({
      published: publishedSchema,
      created: z.boolean().openapi({ description: 'False for a version that was there already.' }),
      instances: functionSchema.shape.instances,
    }),
    z.object({ problem: problemSchema }),
  ])
  .openapi('PublishEvent', { description: 'A line of a publish that is followed.' });

export type PublishEventJson = z.infer<typeof publishEventSchema>;
export type PublishOutcomeJson = Extract<PublishEventJson, { readonly published: unknown }>;
