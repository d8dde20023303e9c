/**
 * A publish as it goes on, one JSON object a line (NDJSON): `{"progress":{"step":"compile"}}` where a step begins, the same with
 * its `ms` where it is over, and at the end what the plain answer would be: `{"published":{...}}` or `{"problem":{...}}`.
 *
 * Invariants:
 *  1. The last line is the outcome, and there is one in every stream that its reader has read to the end.
 *  2. A publish goes on when its reader has gone: it is not broken off half-way, and the upload is removed behind it.
 *  3. What waits for a slow reader is two lines a step, and no more.
 */
import { z } from '@hono/zod-openapi';
import { toProblemDetails } from '../errors.ts';
import type { OnPublishProgress, PublishProgress } from '../model/publish-progress.ts';
import { expectedError } from './problem.ts';
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

/** Whether the answer is to be lines: only for whoever names the type, which no `*` does. */
export function wantsLines(accept: string | undefined, mediaType: string): boolean {
  return (accept ?? '').split(',').some((range) => range.split(';')[0]!.trim().toLowerCase() === mediaType);
}

/**
 * @param publish says what it is at, and gives the last line
 * @param report for the operator: what fails without being expected to
 */
export function publishStream(
  publish: (onProgress: OnPublishProgress) => Promise<PublishOutcomeJson>,
  report: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  let isRead = true;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const tell = (event: PublishEventJson): void => {
        if (isRead) controller.enqueue(Buffer.from(`${JSON.stringify(event)}\n`));
      };
      const fail = (error: unknown): void => {
        const expected = expectedError(error);
        if (expected === undefined) report(error);
        tell({ problem: toProblemDetails(expected ?? error) });
      };
      publish((progress) => tell({ progress }))
        .then(tell, fail)
        .finally(() => {
          if (isRead) controller.close();
        });
    },
    cancel() {
      isRead = false;
    },
  });
}
