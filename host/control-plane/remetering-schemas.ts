import { z } from '@hono/zod-openapi';
import { ERROR_TABLE, type ErrorCode } from '../errors/errors.ts';
import type { RemeteringStatus } from '../model/remetering.ts';
import { instantSchema } from './schemas.ts';

const countSchema = z.number().int().min(0);

const failureSchema = z.object({
  code: z
    .string()
    .openapi({ description: 'As if the upload were published today.', example: 'publish_timed_out' }),
  detail: z.string(),
  mend: z.string().openapi({ description: 'What to do about errors of this code.' }),
  at: instantSchema,
  versions: z.array(
    z.object({ tenant: z.string(), function: z.string(), version: z.number().int(), live: z.boolean() }),
  ),
});

export const remeteringSchema = z
  .object({
    state: z.enum(['done', 'running', 'off']).openapi({
      description: '`off`: `MAYFLY_REMETERING` is 0, and what waits runs as it was published.',
    }),
    waiting: countSchema.openapi({ description: 'Artifacts that are still to be looked at.' }),
    done: countSchema.openapi({ description: 'Artifacts that were made again since the host started.' }),
    failed: z
      .array(failureSchema)
      .openapi({ description: 'What could not be made again: these versions run as they were published.' }),
  })
  .openapi('Remetering', {
    description: 'How far the host has come with metering again what older releases published.',
  });

export type RemeteringJson = z.infer<typeof remeteringSchema>;

export function remeteringJson({ isWanted, waiting, done, failed }: RemeteringStatus): RemeteringJson {
  return {
    state: waiting === 0 ? 'done' : isWanted ? 'running' : 'off',
    waiting,
    done,
    failed: failed.map(({ code, detail, atMs, versions }) => ({
      code,
      detail,
      mend: ERROR_TABLE[code satisfies ErrorCode].mend,
      at: new Date(atMs).toISOString(),
      versions: versions.map(({ tenant, name, version, isLive }) => ({
        tenant,
        function: name,
        version,
        live: isLive,
      })),
    })),
  };
}
