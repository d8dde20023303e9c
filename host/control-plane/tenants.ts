/** Tenants: create, look at, list, change, remove. All but looking at one's own is the operator's. */
import { createRoute, z } from '@hono/zod-openapi';
import { asTenantName, type TenantName } from '../model/ids.ts';
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
import { createTenantBody, removeTenantQuery, tenantPatchBody, tenantSchema } from './tenant-schemas.ts';
import { tenantJson } from './views.ts';

const tags = ['Tenants'];
const BODY_CODES = ['request_too_large', 'unsupported_media_type', 'draining'] as const;

const createTenantRoute = createRoute({
  method: 'post',
  path: '/v1/tenants',
  operationId: 'createTenant',
  security: needs('operator'),
  summary: 'Create a tenant',
  tags,
  request: { body: { required: true, content: { 'application/json': { schema: createTenantBody } } } },
  responses: {
    201: json('The tenant, without functions and keys.', tenantSchema),
    ...problems(...COMMON_CODES, 'tenant_exists', ...BODY_CODES),
  },
});

const listTenantsRoute = createRoute({
  method: 'get',
  path: '/v1/tenants',
  operationId: 'listTenants',
  security: needs('operator'),
  summary: 'List the tenants',
  tags,
  responses: { 200: json('Tenants by name.', z.array(tenantSchema)), ...problems(...COMMON_CODES) },
});

const describeTenantRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}',
  operationId: 'describeTenant',
  security: needs('read'),
  summary: 'Describe a tenant',
  tags,
  request: { params: tenantParams },
  responses: { 200: json('The tenant and its settings.', tenantSchema), ...problems(...TENANT_CODES) },
});

const configureTenantRoute = createRoute({
  method: 'patch',
  path: '/v1/tenants/{tenant}/settings',
  operationId: 'configureTenant',
  security: needs('operator'),
  summary: 'Change settings of a tenant',
  description: 'Replaces the settings that the body names. Takes effect for the next request.',
  tags,
  request: {
    params: tenantParams,
    body: { required: true, content: { 'application/json': { schema: tenantPatchBody } } },
  },
  responses: {
    200: json('The tenant and its settings.', tenantSchema),
    ...problems(...TENANT_CODES, ...BODY_CODES),
  },
});

const removeTenantRoute = createRoute({
  method: 'delete',
  path: '/v1/tenants/{tenant}',
  operationId: 'deleteTenant',
  security: needs('operator'),
  summary: 'Delete a tenant',
  description:
    'Removes its functions with their versions, settings, secrets, logs and artifacts, and its keys, which are refused from the next request on. Invocations in flight end as they would have. Its audit entries stay.',
  tags,
  request: { params: tenantParams, query: removeTenantQuery },
  responses: {
    204: { description: 'It is gone.' },
    ...problems(...TENANT_CODES, 'tenant_not_empty', 'tenant_permanent', 'draining'),
  },
});

export function registerTenantRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(
    createTenantRoute,
    async (c) => {
      const { name, settings } = c.req.valid('json');
      // The schema has checked the name.
      const tenant = asTenantName(name)!;
      const created = await backend.createTenant({ tenant, settings, actor: c.var.actor });
      return c.json(tenantJson(created), 201);
    },
    refuseInvalid({ json: createTenantBody }),
  );

  app.openapi(listTenantsRoute, async (c) => c.json((await backend.listTenants()).map(tenantJson), 200));

  app.openapi(describeTenantRoute, async (c) => {
    const tenant = c.req.valid('param').tenant as TenantName;
    return c.json(tenantJson(await backend.describeTenant({ tenant })), 200);
  });

  app.openapi(
    configureTenantRoute,
    async (c) => {
      const tenant = c.req.valid('param').tenant as TenantName;
      const settings = c.req.valid('json');
      const configured = await backend.configureTenant({ tenant, settings, actor: c.var.actor });
      return c.json(tenantJson(configured), 200);
    },
    refuseInvalid({ json: tenantPatchBody }),
  );

  app.openapi(
    removeTenantRoute,
    async (c) => {
      const tenant = c.req.valid('param').tenant as TenantName;
      const withFunctions = c.req.valid('query').withFunctions === 'true';
      await backend.removeTenant({ tenant, withFunctions, actor: c.var.actor });
      return c.body(null, 204);
    },
    refuseInvalid({ query: removeTenantQuery }),
  );
}
