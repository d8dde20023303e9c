/** How long invocations took: of a tenant for whoever may read it, of all tenants for the operator. */
import { createRoute, z } from '@hono/zod-openapi';
import { MayflyError } from '../errors/errors.ts';
import { LATENCY_BOUNDS_US, LATENCY_RECORDS, type LatencyHistogram } from '../metering/latency-histogram.ts';
import type { UsageRange } from '../metering/usage-pages.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  COMMON_CODES,
  type ControlPlaneApp,
  json,
  problems,
  refuseInvalid,
  TENANT_CODES,
} from './route-parts.ts';
import { tenantParams } from './schemas.ts';
import { needs } from './scopes.ts';
import { usageQuery } from './usage-schemas.ts';

const tags = ['Usage'];
const HOUR_MS = 3_600_000;
const MAX_RANGE_MS = 24 * HOUR_MS;

const latenciesQuery = usageQuery.pick({ from: true, to: true, function: true });

const counts = z.array(z.number().int().min(0));

const latenciesSchema = z
  .object({
    boundsUs: counts.openapi({ description: 'Upper bounds of the buckets; one more is for what is beyond.' }),
    warm: counts.openapi({
      description: 'Invocations that found an instance ready, by the time from their arrival to their end.',
    }),
    cold: counts.openapi({ description: 'The same of those whose instance was made while they waited.' }),
    init: counts.openapi({ description: 'The latter by how long making the instance took.' }),
    isSampled: z.boolean().openapi({
      description: `Whether a version had more than ${LATENCY_RECORDS} records: the newest are counted.`,
    }),
  })
  .openapi('Latencies', { description: 'Invocations by how long they took, in buckets.' });

const description = 'From usage records of at most a day; of the last hour, unless it is said.';

const tenantLatenciesRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/latencies',
  operationId: 'readLatencies',
  security: needs('read'),
  summary: "Read how long a tenant's invocations took",
  description,
  tags,
  request: { params: tenantParams, query: latenciesQuery },
  responses: { 200: json('Counts by bucket.', latenciesSchema), ...problems(...TENANT_CODES) },
});

const hostLatenciesRoute = createRoute({
  method: 'get',
  path: '/v1/latencies',
  operationId: 'readHostLatencies',
  security: needs('operator'),
  summary: 'Read how long invocations of all tenants took',
  description,
  tags,
  request: { query: latenciesQuery },
  responses: { 200: json('Counts by bucket.', latenciesSchema), ...problems(...COMMON_CODES) },
});

export type LatenciesJson = z.infer<typeof latenciesSchema>;

export function registerLatencyRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(
    tenantLatenciesRoute,
    async (c) => {
      const range = rangeOf(c.req.valid('query'), c.req.valid('param').tenant as TenantName);
      return c.json(latenciesJson(await backend.latencies(range)), 200);
    },
    refuseInvalid({ query: latenciesQuery }),
  );
  app.openapi(
    hostLatenciesRoute,
    async (c) => c.json(latenciesJson(await backend.latencies(rangeOf(c.req.valid('query')))), 200),
    refuseInvalid({ query: latenciesQuery }),
  );
}

function rangeOf(
  { from, to, function: name }: z.output<typeof latenciesQuery>,
  tenant?: TenantName,
): UsageRange {
  const toMs = to === undefined ? Date.now() + 1 : Date.parse(to);
  const fromMs = from === undefined ? toMs - HOUR_MS : Date.parse(from);
  if (toMs <= fromMs) throw new MayflyError('invalid_request', 'The range is empty.', { field: 'to' });
  if (toMs - fromMs > MAX_RANGE_MS)
    throw new MayflyError('invalid_request', 'The range is longer than a day.', { field: 'from' });
  return {
    fromMs,
    toMs,
    ...(tenant === undefined ? {} : { tenant }),
    ...(name === undefined ? {} : { name: name as FunctionName }),
  };
}

function latenciesJson({ warm, cold, init, isSampled }: LatencyHistogram): LatenciesJson {
  return { boundsUs: [...LATENCY_BOUNDS_US], warm: [...warm], cold: [...cold], init: [...init], isSampled };
}
