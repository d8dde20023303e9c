/** Quotas of a tenant: anybody of the tenant may look, the operator sets them. */
import { createRoute } from '@hono/zod-openapi';
import type { TenantName } from '../model/ids.ts';
import type { TenantQuotaUse } from '../model/tenant-quotas.ts';
import type { ControlPlanePorts } from './ports.ts';
import { quotasPatchBody, type TenantQuotasJson, tenantQuotasSchema } from './quota-schemas.ts';
import { type ControlPlaneApp, json, problems, refuseInvalid, TENANT_CODES } from './route-parts.ts';
import { tenantParams } from './schemas.ts';
import { needs } from './scopes.ts';

const tags = ['Quotas'];

const readQuotasRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/quotas',
  operationId: 'readQuotas',
  security: needs('read'),
  summary: 'Read the quotas of a tenant',
  tags,
  request: { params: tenantParams },
  responses: { 200: json('Quotas and their use.', tenantQuotasSchema), ...problems(...TENANT_CODES) },
});

const setQuotasRoute = createRoute({
  method: 'patch',
  path: '/v1/tenants/{tenant}/quotas',
  operationId: 'setQuotas',
  security: needs('operator'),
  summary: 'Set quotas of a tenant',
  description:
    'Replaces the quotas that the body names. Takes effect for the next request on every thread; what runs goes on.',
  tags,
  request: {
    params: tenantParams,
    body: { required: true, content: { 'application/json': { schema: quotasPatchBody } } },
  },
  responses: {
    200: json('Quotas and their use.', tenantQuotasSchema),
    ...problems(...TENANT_CODES, 'request_too_large', 'unsupported_media_type', 'draining'),
  },
});

export function registerQuotaRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(readQuotasRoute, async (c) => {
    const tenant = c.req.valid('param').tenant as TenantName;
    return c.json(quotasJson(await backend.quotas({ tenant })), 200);
  });

  app.openapi(
    setQuotasRoute,
    async (c) => {
      const tenant = c.req.valid('param').tenant as TenantName;
      const patch = c.req.valid('json');
      return c.json(quotasJson(await backend.setQuotas({ tenant, patch, actor: c.var.actor })), 200);
    },
    refuseInvalid({ json: quotasPatchBody }),
  );
}

function quotasJson(quotas: TenantQuotaUse): TenantQuotasJson {
  const entries = Object.entries(quotas).map(([name, { resetAtMs, ...use }]) => [
    name,
    resetAtMs === undefined ? use : { ...use, resetAt: new Date(resetAtMs).toISOString() },
  ]);
  return Object.fromEntries(entries) as TenantQuotasJson;
}
