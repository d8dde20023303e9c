/** Queues of a tenant: create, look at, configure and delete them; secrets with which webhooks are signed. */
import { createRoute, z } from '@hono/zod-openapi';
import type { QueueName, TenantName } from '../model/ids.ts';
import type { QueueReference } from './event-backend.ts';
import { queueJson, signingSecretJson } from './event-views.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  madeSigningSecretSchema,
  queueParams,
  queuePatchBody,
  queueSchema,
  signingSecretBody,
  signingSecretParams,
  signingSecretSchema,
} from './queue-schemas.ts';
import {
  type ControlPlaneApp,
  json,
  problems,
  QUEUE_CODES,
  refuseInvalid,
  TENANT_CODES,
} from './route-parts.ts';
import { tenantParams } from './schemas.ts';
import { needs } from './scopes.ts';

const tags = ['Queues'];
const path = '/v1/tenants/{tenant}/queues/{queue}' as const;
const changeCodes = ['request_too_large', 'unsupported_media_type', 'draining'] as const;

const putQueueRoute = createRoute({
  method: 'put',
  path,
  operationId: 'putQueue',
  security: needs('deploy'),
  summary: 'Create a queue, or set all of its settings',
  description: 'Settings that the body does not name have their defaults then. Messages stay.',
  tags,
  request: {
    params: queueParams,
    body: { required: true, content: { 'application/json': { schema: queuePatchBody } } },
  },
  responses: {
    200: json('The queue that was there.', queueSchema),
    201: json('The new queue.', queueSchema),
    ...problems(...TENANT_CODES, 'event_quota_exceeded', ...changeCodes),
  },
});

const listQueuesRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/queues',
  operationId: 'listQueues',
  security: needs('read'),
  summary: 'List the queues of a tenant',
  tags,
  request: { params: tenantParams },
  responses: { 200: json('Queues by name.', z.array(queueSchema)), ...problems(...TENANT_CODES) },
});

const describeQueueRoute = createRoute({
  method: 'get',
  path,
  operationId: 'describeQueue',
  security: needs('read'),
  summary: 'Describe a queue',
  tags,
  request: { params: queueParams },
  responses: { 200: json('The queue.', queueSchema), ...problems(...QUEUE_CODES) },
});

const configureQueueRoute = createRoute({
  method: 'patch',
  path,
  operationId: 'configureQueue',
  security: needs('deploy'),
  summary: 'Change settings of a queue',
  tags,
  request: {
    params: queueParams,
    body: { required: true, content: { 'application/json': { schema: queuePatchBody } } },
  },
  responses: { 200: json('The queue.', queueSchema), ...problems(...QUEUE_CODES, ...changeCodes) },
});

const removeQueueRoute = createRoute({
  method: 'delete',
  path,
  operationId: 'deleteQueue',
  security: needs('deploy'),
  summary: 'Delete a queue with everything in it',
  description: 'Refused while an event source mapping reads it.',
  tags,
  request: { params: queueParams },
  responses: {
    204: { description: 'It is gone.' },
    ...problems(...QUEUE_CODES, 'queue_in_use', 'draining'),
  },
});

const addSecretRoute = createRoute({
  method: 'post',
  path: `${path}/signing-secrets`,
  operationId: 'createSigningSecret',
  security: needs('deploy'),
  summary: 'Give a queue a secret with which webhooks are signed',
  description:
    'Opens `/in/{tenant}/{queue}` for whoever signs with it as Standard Webhooks says. Each secret of a queue is valid until it is deleted.',
  tags,
  request: {
    params: queueParams,
    body: { required: true, content: { 'application/json': { schema: signingSecretBody } } },
  },
  responses: {
    201: json('The secret, shown this once.', madeSigningSecretSchema),
    ...problems(...QUEUE_CODES, 'secrets_unavailable', ...changeCodes),
  },
});

const listSecretsRoute = createRoute({
  method: 'get',
  path: `${path}/signing-secrets`,
  operationId: 'listSigningSecrets',
  security: needs('read'),
  summary: 'List the signing secrets of a queue',
  tags,
  request: { params: queueParams },
  responses: {
    200: json('Oldest first, without the secrets themselves.', z.array(signingSecretSchema)),
    ...problems(...QUEUE_CODES),
  },
});

const removeSecretRoute = createRoute({
  method: 'delete',
  path: `${path}/signing-secrets/{secret}`,
  operationId: 'deleteSigningSecret',
  security: needs('deploy'),
  summary: 'Delete a signing secret of a queue',
  tags,
  request: { params: signingSecretParams },
  responses: {
    204: { description: 'It opens nothing any more.' },
    ...problems(...QUEUE_CODES, 'signing_secret_not_found', 'draining'),
  },
});

export function registerQueueRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  const refusePatch = refuseInvalid({ json: queuePatchBody });

  app.openapi(
    putQueueRoute,
    async (c) => {
      const reference = asQueueReference(c.req.valid('param'));
      const settings = c.req.valid('json');
      const { created } = await backend.putQueue({ ...reference, settings, actor: c.var.actor });
      return c.json(queueJson(await backend.describeQueue(reference)), created ? 201 : 200);
    },
    refusePatch,
  );

  app.openapi(listQueuesRoute, async (c) => {
    const queues = await backend.listQueues({ tenant: c.req.valid('param').tenant as TenantName });
    return c.json(queues.map(queueJson), 200);
  });

  app.openapi(describeQueueRoute, async (c) =>
    c.json(queueJson(await backend.describeQueue(asQueueReference(c.req.valid('param')))), 200),
  );

  app.openapi(
    configureQueueRoute,
    async (c) => {
      const reference = asQueueReference(c.req.valid('param'));
      const settings = c.req.valid('json');
      const queue = await backend.configureQueue({ ...reference, settings, actor: c.var.actor });
      return c.json(queueJson(queue), 200);
    },
    refusePatch,
  );

  app.openapi(removeQueueRoute, async (c) => {
    await backend.removeQueue({ ...asQueueReference(c.req.valid('param')), actor: c.var.actor });
    return c.body(null, 204);
  });

  app.openapi(
    addSecretRoute,
    async (c) => {
      const { secret: given } = c.req.valid('json');
      const { secret, ...listing } = await backend.addSigningSecret({
        ...asQueueReference(c.req.valid('param')),
        ...(given === undefined ? {} : { secret: given }),
        actor: c.var.actor,
      });
      return c.json({ ...signingSecretJson(listing), secret }, 201);
    },
    refuseInvalid({ json: signingSecretBody }),
  );

  app.openapi(listSecretsRoute, async (c) => {
    const secrets = await backend.listSigningSecrets(asQueueReference(c.req.valid('param')));
    return c.json(secrets.map(signingSecretJson), 200);
  });

  app.openapi(removeSecretRoute, async (c) => {
    const { secret: id, ...reference } = c.req.valid('param');
    await backend.removeSigningSecret({ ...asQueueReference(reference), id, actor: c.var.actor });
    return c.body(null, 204);
  });
}

export function asQueueReference({
  tenant,
  queue,
}: {
  readonly tenant: string;
  readonly queue: string;
}): QueueReference {
  return { tenant: tenant as TenantName, queue: queue as QueueName };
}
