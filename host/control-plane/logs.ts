/** A function's log: the newest records, or those and every one that follows. */
import { createRoute, z } from '@hono/zod-openapi';
import type { LogFilter } from '../model/log-filter.ts';
import { followLog, NDJSON_MEDIA_TYPE } from './log-stream.ts';
import type { ControlPlanePorts } from './ports.ts';
import { asReference, type ControlPlaneApp, FUNCTION_CODES, problems, refuseInvalid } from './route-parts.ts';
import { functionParams, logRecordSchema, logsQuery } from './schemas.ts';
import { needs } from './scopes.ts';
import { logRecordJson } from './views.ts';

const logsRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/functions/{name}/logs',
  operationId: 'readLogs',
  security: needs('read'),
  summary: "Read a function's log",
  tags: ['Logs'],
  request: { params: functionParams, query: logsQuery },
  responses: {
    200: {
      description: 'Records, oldest first: an array, or with `follow=true` one object a line.',
      content: {
        'application/json': { schema: z.array(logRecordSchema) },
        [NDJSON_MEDIA_TYPE]: { schema: { type: 'string' } },
      },
    },
    ...problems(...FUNCTION_CODES),
  },
});

function filterOf({ since, level, invocation, trace }: z.output<typeof logsQuery>): LogFilter {
  return {
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
    ...(level === undefined ? {} : { level }),
    ...(invocation === undefined ? {} : { invocationId: invocation }),
    ...(trace === undefined ? {} : { traceId: trace }),
  };
}

export function registerLogRoutes(app: ControlPlaneApp, ports: ControlPlanePorts): void {
  const { backend } = ports;
  app.openapi(
    logsRoute,
    async (c) => {
      const reference = asReference(c.req.valid('param'));
      const query = c.req.valid('query');
      const { limit, before, follow } = query;
      const filter = filterOf(query);
      const page = { ...reference, limit, ...filter, ...(before === undefined ? {} : { beforeId: before }) };
      // Nobody reads the stream of a HEAD request, so nothing would ever end it.
      if (follow === 'true' && c.req.raw.method !== 'HEAD') {
        const { requireKey } = c.var;
        const tail = () => backend.logs(page);
        const stream = await followLog({ ...ports, ...reference, filter, tail, requireKey });
        const headers = { 'content-type': NDJSON_MEDIA_TYPE, 'cache-control': 'no-store' };
        // The route's type knows one media type per status; the document has both.
        return c.body(stream, 200, headers) as never;
      }
      const records = await backend.logs(page);
      return c.json(records.map(logRecordJson), 200);
    },
    refuseInvalid({ query: logsQuery }),
  );
}
