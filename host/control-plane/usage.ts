/** Usage: of a tenant for whoever may read it, of all tenants for the operator. */
import { createRoute, type z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { MayflyError } from '../errors/errors.ts';
import type { UsageCursor, UsagePage, UsageRange } from '../metering/usage-pages.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import { startOf } from '../model/usage-rollup.ts';
import type { BillingBackend } from './backend.ts';
import { NDJSON_MEDIA_TYPE } from './log-stream.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  COMMON_CODES,
  type ControlPlaneApp,
  type ControlPlaneEnv,
  problems,
  refuseInvalid,
  TENANT_CODES,
} from './route-parts.ts';
import { tenantParams } from './schemas.ts';
import { needs } from './scopes.ts';
import { CSV_MEDIA_TYPE, exportStream } from './usage-export.ts';
import { type UsageRowJson, usagePageSchema, usageQuery } from './usage-schemas.ts';
import { usageRecordJson, usageRollupJson } from './usage-views.ts';

const tags = ['Usage'];

const answer = {
  200: {
    description: 'A page of JSON, or with `format` the whole range: one JSON object a line, or CSV.',
    content: {
      'application/json': { schema: usagePageSchema },
      [NDJSON_MEDIA_TYPE]: { schema: { type: 'string' as const } },
      'text/csv': { schema: { type: 'string' as const } },
    },
  },
};

const tenantUsageRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/usage',
  operationId: 'readUsage',
  security: needs('read'),
  summary: 'Read what a tenant used',
  tags,
  request: { params: tenantParams, query: usageQuery },
  responses: { ...answer, ...problems(...TENANT_CODES) },
});

const hostUsageRoute = createRoute({
  method: 'get',
  path: '/v1/usage',
  operationId: 'readHostUsage',
  security: needs('operator'),
  summary: 'Read what all tenants used',
  description: 'Those that were deleted included.',
  tags,
  request: { query: usageQuery },
  responses: { ...answer, ...problems(...COMMON_CODES) },
});

type Query = z.output<typeof usageQuery>;

export function registerUsageRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(
    tenantUsageRoute,
    (c) => respond(c, backend, c.req.valid('query'), c.req.valid('param').tenant as TenantName) as never,
    refuseInvalid({ query: usageQuery }),
  );
  app.openapi(
    hostUsageRoute,
    (c) => respond(c, backend, c.req.valid('query')) as never,
    refuseInvalid({ query: usageQuery }),
  );
}

async function respond(
  c: Context<ControlPlaneEnv>,
  backend: BillingBackend,
  query: Query,
  tenant?: TenantName,
): Promise<Response> {
  const range = rangeOf(query, tenant);
  const { format, limit } = query;
  const first = await page(backend, query, range, limit, query.after && cursorOf(query.after));
  if (format === 'json') {
    const next = first.next === undefined ? {} : { next: textOf(first.next) };
    return c.json({ rows: first.rows, ...next }, 200);
  }
  const headers = {
    'content-type': format === 'csv' ? CSV_MEDIA_TYPE : NDJSON_MEDIA_TYPE,
    'cache-control': 'no-store',
  };
  // Nobody reads the stream of a HEAD request.
  if (c.req.raw.method === 'HEAD') return c.body(null, 200, headers);
  const stream = exportStream(format, first, (after) => page(backend, query, range, limit, after));
  return c.body(stream, 200, headers);
}

async function page(
  backend: BillingBackend,
  { level }: Query,
  range: UsageRange,
  limit: number,
  after: UsageCursor | '' | undefined,
): Promise<UsagePage<UsageRowJson>> {
  const request = { range, limit, ...(after === undefined || after === '' ? {} : { after }) };
  if (level === 'record') {
    const { rows, ...rest } = await backend.usageRecords(request);
    return { rows: rows.map(usageRecordJson), ...rest };
  }
  const { rows, ...rest } = await backend.usageRollups({ ...request, level });
  return { rows: rows.map(usageRollupJson), ...rest };
}

function rangeOf({ from, to, function: name, version, level }: Query, tenant?: TenantName): UsageRange {
  const nowMs = Date.now();
  const fromMs = from === undefined ? startOf('month', nowMs) : Date.parse(from);
  const toMs = to === undefined ? nowMs + 1 : Date.parse(to);
  if (toMs <= fromMs) throw new MayflyError('invalid_request', 'The range is empty.', { field: 'to' });
  return {
    // A roll-up that the range begins in the middle of is part of it.
    fromMs: level === 'record' ? fromMs : startOf(level, fromMs),
    toMs,
    ...(tenant === undefined ? {} : { tenant }),
    ...(name === undefined ? {} : { name: name as FunctionName }),
    ...(version === undefined ? {} : { version }),
  };
}

function textOf(cursor: UsageCursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** @throws MayflyError invalid_request */
function cursorOf(text: string): UsageCursor {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    const isCursor =
      Array.isArray(value) &&
      value.length >= 3 &&
      value.length <= 4 &&
      value.every((part) => typeof part === 'string' || Number.isSafeInteger(part));
    if (isCursor) return value as UsageCursor;
  } catch {
    // The same as another shape.
  }
  throw new MayflyError('invalid_request', '`after` is not the `next` of a page.', { field: 'after' });
}
