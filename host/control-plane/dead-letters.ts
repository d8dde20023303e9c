/** Dead letters: why they were given up, their second chance, their end. The same for a queue, a function's events and a mapping. */
import { createRoute } from '@hono/zod-openapi';
import type { FunctionName, MappingName, MessageId, TenantName } from '../model/ids.ts';
import type { DeadLetterOwner } from './event-backend.ts';
import { messagePageJson } from './event-views.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  affectedSchema,
  deadLettersQuery,
  messagePageSchema,
  queueParams,
  redriveBody,
} from './queue-schemas.ts';
import { asQueueReference } from './queues.ts';
import {
  type ControlPlaneApp,
  json,
  MAPPING_CODES,
  problems,
  QUEUE_CODES,
  refuseInvalid,
  TENANT_CODES,
} from './route-parts.ts';
import { functionParams } from './schemas.ts';
import { needs } from './scopes.ts';
import { mappingParams } from './trigger-schemas.ts';

/** What the routes of the kinds of owners differ in. */
interface OwnerKind {
  readonly path:
    | '/v1/tenants/{tenant}/queues/{queue}'
    | '/v1/tenants/{tenant}/functions/{name}/events'
    | '/v1/tenants/{tenant}/event-source-mappings/{mapping}';
  readonly noun: 'DeadLetters' | 'DeadEvents' | 'MappingDeadLetters';
  readonly params: typeof queueParams | typeof functionParams | typeof mappingParams;
  readonly codes: typeof QUEUE_CODES | typeof MAPPING_CODES;
  readonly ownerOf: (params: Readonly<Record<string, string>>) => DeadLetterOwner;
}

const OWNERS: readonly OwnerKind[] = [
  {
    path: '/v1/tenants/{tenant}/queues/{queue}',
    noun: 'DeadLetters',
    params: queueParams,
    codes: QUEUE_CODES,
    ownerOf: (params) => {
      const { tenant, queue } = asQueueReference(params as { tenant: string; queue: string });
      return { kind: 'queue', tenant, name: queue };
    },
  },
  {
    path: '/v1/tenants/{tenant}/functions/{name}/events',
    noun: 'DeadEvents',
    params: functionParams,
    codes: TENANT_CODES,
    ownerOf: ({ tenant, name }) => ({
      kind: 'function',
      tenant: tenant as TenantName,
      name: name as FunctionName,
    }),
  },
  {
    path: '/v1/tenants/{tenant}/event-source-mappings/{mapping}',
    noun: 'MappingDeadLetters',
    params: mappingParams,
    codes: MAPPING_CODES,
    ownerOf: ({ tenant, mapping }) => ({
      kind: 'mapping',
      tenant: tenant as TenantName,
      name: mapping as MappingName,
    }),
  },
];

export function registerDeadLetterRoutes(app: ControlPlaneApp, ports: ControlPlanePorts): void {
  for (const kind of OWNERS) registerRoutes(app, ports, kind);
}

function registerRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts, kind: OwnerKind): void {
  const { path, params, codes, ownerOf } = kind;
  const tags = ['Messages'];
  const storeCodes = [...codes, 'queue_unavailable'] as const;

  const listDead = createRoute({
    method: 'get',
    path: `${path}/dead-letters`,
    operationId: `list${kind.noun}`,
    security: needs('read'),
    summary: 'Look at dead letters',
    tags,
    request: { params, query: deadLettersQuery },
    responses: {
      200: json('Oldest first, with their causes.', messagePageSchema),
      ...problems(...storeCodes),
    },
  });
  app.openapi(
    listDead,
    async (c) => {
      const { limit, after } = c.req.valid('query');
      const cursor = after === undefined ? {} : { after };
      const of = ownerOf(c.req.valid('param'));
      return c.json(messagePageJson(await backend.peekDeadLetters({ of, limit, ...cursor })), 200);
    },
    refuseInvalid({ query: deadLettersQuery }),
  );

  const redrive = createRoute({
    method: 'post',
    path: `${path}/dead-letters/redrive`,
    operationId: `redrive${kind.noun}`,
    security: needs('invoke'),
    summary: 'Try dead letters again',
    description:
      'They become ready as if sent now, with their ids but no attempts counted. Entries of a stream are handed out to this mapping again, from a copy: its stream stays as it is.',
    tags,
    request: {
      params,
      body: { required: true, content: { 'application/json': { schema: redriveBody } } },
    },
    responses: {
      200: json('They are ready.', affectedSchema),
      ...problems(...storeCodes, 'queue_full', 'request_too_large', 'unsupported_media_type', 'draining'),
    },
  });
  app.openapi(
    redrive,
    async (c) => {
      const { ids } = c.req.valid('json');
      const count = await backend.redriveDeadLetters({
        of: ownerOf(c.req.valid('param')),
        ...(ids === undefined ? {} : { ids: ids as MessageId[] }),
        actor: c.var.actor,
      });
      return c.json({ count }, 200);
    },
    refuseInvalid({ json: redriveBody }),
  );

  const purgeDead = createRoute({
    method: 'delete',
    path: `${path}/dead-letters`,
    operationId: `purge${kind.noun}`,
    security: needs('deploy'),
    summary: 'Drop all dead letters',
    tags,
    request: { params },
    responses: { 200: json('They are gone.', affectedSchema), ...problems(...storeCodes, 'draining') },
  });
  app.openapi(purgeDead, async (c) => {
    const of = ownerOf(c.req.valid('param'));
    const count = await backend.purgeDeadLetters({ of, actor: c.var.actor });
    return c.json({ count }, 200);
  });
}
