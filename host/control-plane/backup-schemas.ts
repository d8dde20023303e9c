import { z } from '@hono/zod-openapi';
import { BACKUP_STEPS, type Backup, isBackupId } from '../model/backup.ts';
import { instantSchema, problemSchema } from './schemas.ts';

const backupIdSchema = z
  .string()
  .refine(isBackupId, 'must be a time such as 20261127T213245.123Z')
  .openapi({ example: '20261127T213245.123Z' });

export const backupParams = z.object({ id: backupIdSchema });

const bytesSchema = z.number().int().min(0);

export const backupSchema = z
  .object({
    id: z.string().openapi({ description: 'Its folder in `backups/` of the data folder.' }),
    createdAt: instantSchema.openapi({ description: 'When it was begun.' }),
    bytes: bytesSchema.openapi({ description: 'Of all its files: what a copy of it takes elsewhere.' }),
    linkedBytes: bytesSchema.openapi({
      description:
        'Of that, what it shares with the data folder as hard links, for as long as that has them.',
    }),
    release: z.string().openapi({ description: 'Of the host; that one or a later one opens it.' }),
    queues: z.enum(['embedded', 'redis']).openapi({
      description: '`redis`: messages, and what is told by them, are not in it.',
    }),
  })
  .openapi('Backup', { description: 'A data folder by itself, of one moment.' });

export type BackupJson = z.infer<typeof backupSchema>;

export const backupEventSchema = z
  .union([
    z.object({
      progress: z.object({
        step: z.enum(BACKUP_STEPS),
        bytes: bytesSchema.optional().openapi({ description: 'Copied so far.' }),
        totalBytes: bytesSchema.optional(),
        ms: z.number().min(0).optional().openapi({ description: 'How long it took; absent while it runs.' }),
      }),
    }),
    z.object({ backup: backupSchema }),
    z.object({ problem: problemSchema }),
  ])
  .openapi('BackupEvent', { description: 'A line of a backup that is followed.' });

export type BackupEventJson = z.infer<typeof backupEventSchema>;

export function backupJson({ createdAtMs, ...backup }: Backup): BackupJson {
  return { ...backup, createdAt: new Date(createdAtMs).toISOString() };
}
