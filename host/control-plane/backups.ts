/** Backups of the host, for the operator: made while it runs, listed, deleted. */
import { createRoute, z } from '@hono/zod-openapi';
import type { OnBackupProgress } from '../model/backup.ts';
import { backupEventSchema, backupJson, backupParams, backupSchema } from './backup-schemas.ts';
import { NDJSON_MEDIA_TYPE } from './log-stream.ts';
import type { ControlPlanePorts } from './ports.ts';
import { progressStream, wantsLines } from './progress-stream.ts';
import { COMMON_CODES, type ControlPlaneApp, json, problems, refuseInvalid } from './route-parts.ts';
import { needs } from './scopes.ts';

const tags = ['Host'];

const createBackupRoute = createRoute({
  method: 'post',
  path: '/v1/backups',
  operationId: 'createBackup',
  security: needs('operator'),
  summary: 'Make a backup of the host while it runs',
  description:
    'A folder in `backups/` of the data folder, on a copy of which a host starts. One at a time. With `Accept: application/x-ndjson` the answer follows it, a JSON object a line, the last of which is its outcome.',
  tags,
  responses: {
    200: {
      description: 'It is followed.',
      content: { [NDJSON_MEDIA_TYPE]: { schema: backupEventSchema } },
    },
    201: json('It is on the disk.', backupSchema),
    ...problems(...COMMON_CODES, 'backup_running', 'backup_failed', 'draining'),
  },
});

const listBackupsRoute = createRoute({
  method: 'get',
  path: '/v1/backups',
  operationId: 'listBackups',
  security: needs('operator'),
  summary: 'List backups',
  tags,
  responses: { 200: json('The latest first.', z.array(backupSchema)), ...problems(...COMMON_CODES) },
});

const removeBackupRoute = createRoute({
  method: 'delete',
  path: '/v1/backups/{id}',
  operationId: 'deleteBackup',
  security: needs('operator'),
  summary: 'Delete a backup',
  tags,
  request: { params: backupParams },
  responses: {
    204: { description: 'It is gone.' },
    ...problems(...COMMON_CODES, 'backup_not_found', 'draining'),
  },
});

export function registerBackupRoutes(app: ControlPlaneApp, { backend, report }: ControlPlanePorts): void {
  app.openapi(createBackupRoute, async (c) => {
    const { actor } = c.var;
    if (!wantsLines(c.req.header('accept'), NDJSON_MEDIA_TYPE))
      return c.json(backupJson(await backend.createBackup({ actor })), 201);
    const stream = progressStream(
      async (onProgress: OnBackupProgress) => ({
        backup: backupJson(await backend.createBackup({ actor }, onProgress)),
      }),
      (error) => report('a backup failed', error),
    );
    // The route's type knows one media type per status; the document has both.
    const fields = { 'content-type': NDJSON_MEDIA_TYPE, 'cache-control': 'no-store' };
    return c.body(stream, 200, fields) as never;
  });

  app.openapi(listBackupsRoute, async (c) => c.json((await backend.listBackups()).map(backupJson), 200));

  app.openapi(
    removeBackupRoute,
    async (c) => {
      await backend.removeBackup({ id: c.req.valid('param').id, actor: c.var.actor });
      return c.body(null, 204);
    },
    refuseInvalid({ params: backupParams }),
  );
}
