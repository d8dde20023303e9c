/** Keys of a tenant: create, list, rotate, revoke. */
import { createRoute, z } from '@hono/zod-openapi';
import { MayflyError } from '../errors/errors.ts';
import type { TenantName } from '../model/ids.ts';
import { createKeyBody, keyParams, keySchema, madeKeySchema, rotateKeyBody } from './key-schemas.ts';
import type { ControlPlanePorts } from './ports.ts';
import { type ControlPlaneApp, json, problems, refuseInvalid, TENANT_CODES } from './route-parts.ts';
import { tenantParams } from './schemas.ts';
import { needs } from './scopes.ts';
import { keyJson, madeKeyJson } from './views.ts';

const tags = ['Keys'];
const BODY_CODES = ['request_too_large', 'unsupported_media_type', 'draining'] as const;
/** A key's text is in the answer. */
const NOT_STORED = { 'cache-control': 'no-store' };

const createKeyRoute = createRoute({
  method: 'post',
  path: '/v1/tenants/{tenant}/keys',
  operationId: 'createKey',
  security: needs('admin'),
  summary: 'Create a key',
  tags,
  request: {
    params: tenantParams,
    body: { required: true, content: { 'application/json': { schema: createKeyBody } } },
  },
  responses: {
    201: json('The key with its text, which is shown this once.', madeKeySchema),
    ...problems(...TENANT_CODES, 'key_exists', 'keys_limit_reached', ...BODY_CODES),
  },
});

const listKeysRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/keys',
  operationId: 'listKeys',
  security: needs('admin'),
  summary: 'List the keys of a tenant',
  tags,
  request: { params: tenantParams },
  responses: { 200: json('Keys by name.', z.array(keySchema)), ...problems(...TENANT_CODES) },
});

const rotateKeyRoute = createRoute({
  method: 'post',
  path: '/v1/tenants/{tenant}/keys/{key}/rotate',
  operationId: 'rotateKey',
  security: needs('admin'),
  summary: 'Give a key another text',
  description: 'Name, scopes and expiry stay. Of earlier texts, only the last one gets a time of grace.',
  tags,
  request: {
    params: keyParams,
    body: { required: true, content: { 'application/json': { schema: rotateKeyBody } } },
  },
  responses: {
    200: json('The key with its new text, which is shown this once.', madeKeySchema),
    ...problems(...TENANT_CODES, 'key_not_found', ...BODY_CODES),
  },
});

const revokeKeyRoute = createRoute({
  method: 'delete',
  path: '/v1/tenants/{tenant}/keys/{key}',
  operationId: 'revokeKey',
  security: needs('admin'),
  summary: 'Revoke a key',
  description:
    'It opens nothing from the answer on, and logs that are followed with it end with their next record. Other requests whose body is here go on.',
  tags,
  request: { params: keyParams },
  responses: {
    204: { description: 'It is gone.' },
    ...problems(...TENANT_CODES, 'key_not_found', 'draining'),
  },
});

export function registerKeyRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(
    createKeyRoute,
    async (c) => {
      const tenant = c.req.valid('param').tenant as TenantName;
      const { name, scopes, expiresAt } = c.req.valid('json');
      const expiry = expiresAt === undefined ? {} : { expiresAtMs: inTheFuture(expiresAt) };
      const { actor } = c.var;
      const made = await backend.createKey({ tenant, name, scopes: [...new Set(scopes)], ...expiry, actor });
      return c.json(madeKeyJson(made), 201, NOT_STORED);
    },
    refuseInvalid({ json: createKeyBody }),
  );

  app.openapi(listKeysRoute, async (c) => {
    const tenant = c.req.valid('param').tenant as TenantName;
    return c.json((await backend.listKeys({ tenant })).map(keyJson), 200);
  });

  app.openapi(
    rotateKeyRoute,
    async (c) => {
      const { tenant, key } = c.req.valid('param');
      const graceMs = c.req.valid('json').graceSeconds * 1_000;
      const request = { tenant: tenant as TenantName, id: key, graceMs, actor: c.var.actor };
      return c.json(madeKeyJson(await backend.rotateKey(request)), 200, NOT_STORED);
    },
    refuseInvalid({ json: rotateKeyBody }),
  );

  app.openapi(revokeKeyRoute, async (c) => {
    const { tenant, key } = c.req.valid('param');
    await backend.revokeKey({ tenant: tenant as TenantName, id: key, actor: c.var.actor });
    return c.body(null, 204);
  });
}

function inTheFuture(instant: string): number {
  const ms = Date.parse(instant);
  if (ms > Date.now()) return ms;
  throw new MayflyError('invalid_request', 'expiresAt: must be in the future.', { field: 'expiresAt' });
}
