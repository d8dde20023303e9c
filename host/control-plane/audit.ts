/** The audit log: of a tenant for its administrators, of everything for the operator. */
import { createRoute, z } from '@hono/zod-openapi';
import type { TenantName } from '../model/ids.ts';
import { auditEntrySchema } from './audit-entry-schema.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  COMMON_CODES,
  type ControlPlaneApp,
  json,
  problems,
  refuseInvalid,
  TENANT_CODES,
} from './route-parts.ts';
import { countSchema, tenantParams } from './schemas.ts';
import { needs } from './scopes.ts';
import { auditEntryJson } from './views.ts';

const tags = ['Audit'];

const auditQuery = z.strictObject({
  limit: countSchema(1, 1_000).default(100).openapi({ description: 'How many entries, newest first.' }),
  before: countSchema(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .openapi({ description: 'Only entries with a lower id: the last of the previous page.' }),
});

const auditRoute = createRoute({
  method: 'get',
  path: '/v1/audit',
  operationId: 'readAudit',
  security: needs('operator'),
  summary: 'Read the audit log of the host',
  description: 'Of all tenants, those that were deleted included.',
  tags,
  request: { query: auditQuery },
  responses: { 200: json('Entries, newest first.', z.array(auditEntrySchema)), ...problems(...COMMON_CODES) },
});

const tenantAuditRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/audit',
  operationId: 'readTenantAudit',
  security: needs('admin'),
  summary: 'Read the audit log of a tenant',
  tags,
  request: { params: tenantParams, query: auditQuery },
  responses: { 200: json('Entries, newest first.', z.array(auditEntrySchema)), ...problems(...TENANT_CODES) },
});

function pageOf({ limit, before }: { readonly limit: number; readonly before?: number | undefined }) {
  return { limit, ...(before === undefined ? {} : { before }) };
}

export function registerAuditRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(
    auditRoute,
    async (c) => c.json((await backend.audit(pageOf(c.req.valid('query')))).map(auditEntryJson), 200),
    refuseInvalid({ query: auditQuery }),
  );

  app.openapi(
    tenantAuditRoute,
    async (c) => {
      const tenant = c.req.valid('param').tenant as TenantName;
      const entries = await backend.tenantAudit({ tenant, ...pageOf(c.req.valid('query')) });
      return c.json(entries.map(auditEntryJson), 200);
    },
    refuseInvalid({ query: auditQuery }),
  );
}
