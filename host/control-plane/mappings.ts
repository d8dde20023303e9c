/** Event source mappings: which function handles what comes in at a queue or a stream, and how. */
import { createRoute, z } from '@hono/zod-openapi';
import type { EventSource } from '../model/event-source-mapping.ts';
import type { FunctionName, MappingName, QueueName, TenantName } from '../model/ids.ts';
import type { MappingReference } from './event-backend.ts';
import { mappingJson } from './event-views.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  type ControlPlaneApp,
  json,
  MAPPING_CODES,
  problems,
  refuseInvalid,
  TENANT_CODES,
} from './route-parts.ts';
import { tenantParams } from './schemas.ts';
import { needs } from './scopes.ts';
import { mappingBody, mappingParams, mappingPatchBody, mappingSchema } from './trigger-schemas.ts';

const tags = ['Event source mappings'];
const path = '/v1/tenants/{tenant}/event-source-mappings/{mapping}' as const;
const changeCodes = ['request_too_large', 'unsupported_media_type', 'draining'] as const;

const putRoute = createRoute({
  method: 'put',
  path,
  operationId: 'putMapping',
  security: needs('deploy'),
  summary: 'Let a function handle the messages of a queue or a stream',
  description:
    "Creates the mapping, or sets all of its settings; its source stays. A stream is a key of the host's Redis, and takes the operator's key.",
  tags,
  request: {
    params: mappingParams,
    body: { required: true, content: { 'application/json': { schema: mappingBody } } },
  },
  responses: {
    200: json('The mapping that was there.', mappingSchema),
    201: json('The new mapping.', mappingSchema),
    ...problems(
      ...TENANT_CODES,
      'function_not_found',
      'queue_not_found',
      'event_quota_exceeded',
      ...changeCodes,
    ),
  },
});

const listRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/event-source-mappings',
  operationId: 'listMappings',
  security: needs('read'),
  summary: 'List the event source mappings of a tenant',
  tags,
  request: { params: tenantParams },
  responses: { 200: json('Mappings by name.', z.array(mappingSchema)), ...problems(...TENANT_CODES) },
});

const describeRoute = createRoute({
  method: 'get',
  path,
  operationId: 'describeMapping',
  security: needs('read'),
  summary: 'Describe an event source mapping, and what it does at the moment',
  tags,
  request: { params: mappingParams },
  responses: { 200: json('The mapping.', mappingSchema), ...problems(...MAPPING_CODES) },
});

const configureRoute = createRoute({
  method: 'patch',
  path,
  operationId: 'configureMapping',
  security: needs('deploy'),
  summary: 'Change an event source mapping, pause or resume it',
  tags,
  request: {
    params: mappingParams,
    body: { required: true, content: { 'application/json': { schema: mappingPatchBody } } },
  },
  responses: {
    200: json('The mapping.', mappingSchema),
    ...problems(...MAPPING_CODES, 'function_not_found', ...changeCodes),
  },
});

const removeRoute = createRoute({
  method: 'delete',
  path,
  operationId: 'deleteMapping',
  security: needs('deploy'),
  summary: 'Delete an event source mapping; messages stay in their queue',
  tags,
  request: { params: mappingParams },
  responses: { 204: { description: 'It is gone.' }, ...problems(...MAPPING_CODES, 'draining') },
});

export function registerMappingRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(
    putRoute,
    async (c) => {
      const { source, function: fn, ...settings } = c.req.valid('json');
      const reference = asMappingReference(c.req.valid('param'));
      const { created, ...description } = await backend.putMapping({
        ...reference,
        source: asSource(source, reference),
        function: fn as FunctionName,
        settings,
        actor: c.var.actor,
      });
      return c.json(mappingJson(description), created ? 201 : 200);
    },
    refuseInvalid({ json: mappingBody }),
  );

  app.openapi(listRoute, async (c) => {
    const mappings = await backend.listMappings({ tenant: c.req.valid('param').tenant as TenantName });
    return c.json(mappings.map(mappingJson), 200);
  });

  app.openapi(describeRoute, async (c) =>
    c.json(mappingJson(await backend.describeMapping(asMappingReference(c.req.valid('param')))), 200),
  );

  app.openapi(
    configureRoute,
    async (c) => {
      const { function: fn, ...settings } = c.req.valid('json');
      const description = await backend.configureMapping({
        ...asMappingReference(c.req.valid('param')),
        ...(fn === undefined ? {} : { function: fn as FunctionName }),
        settings,
        actor: c.var.actor,
      });
      return c.json(mappingJson(description), 200);
    },
    refuseInvalid({ json: mappingPatchBody }),
  );

  app.openapi(removeRoute, async (c) => {
    await backend.removeMapping({ ...asMappingReference(c.req.valid('param')), actor: c.var.actor });
    return c.body(null, 204);
  });
}

function asMappingReference(params: { readonly tenant: string; readonly mapping: string }): MappingReference {
  return { tenant: params.tenant as TenantName, mapping: params.mapping as MappingName };
}

/** Each mapping reads a stream of its own account unless it says with whom it shares: Redis's group. */
function asSource(
  source: z.infer<typeof mappingBody>['source'],
  { tenant, mapping }: MappingReference,
): EventSource {
  if (source.type === 'queue') return { type: 'queue', queue: source.queue as QueueName };
  return {
    type: 'redis-stream',
    key: source.key,
    consumerGroup: source.consumerGroup ?? `mayfly:${tenant}:${mapping}`,
    startingPosition: source.startingPosition ?? 'latest',
  };
}
