/** What is in a queue: send, look, purge; dead letters and their second chance. The same for a queue and a function's events. */
import { createRoute } from '@hono/zod-openapi';
import type { FunctionName, MessageId, TenantName } from '../model/ids.ts';
import type { QueueId } from '../model/queue.ts';
import { messagePageJson, sentMessageJson } from './event-views.ts';
import { readMessages } from './incoming-messages.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  affectedSchema,
  deadLettersQuery,
  messagePageSchema,
  messagesQuery,
  queueParams,
  redriveBody,
  sentMessagesSchema,
} from './queue-schemas.ts';
import { asQueueReference } from './queues.ts';
import {
  type ControlPlaneApp,
  json,
  problems,
  QUEUE_CODES,
  refuseInvalid,
  TENANT_CODES,
} from './route-parts.ts';
import { functionParams } from './schemas.ts';
import { needs } from './scopes.ts';

export const SEND_CODES = [
  'message_invalid',
  'message_too_large',
  'queue_full',
  'queue_unavailable',
  'draining',
] as const;

const sendRoute = createRoute({
  method: 'post',
  path: '/v1/tenants/{tenant}/queues/{queue}/messages',
  operationId: 'sendMessages',
  security: needs('invoke'),
  summary: 'Send messages to a queue',
  description: [
    'The body is one message, of any type. Headers say more of it: `mayfly-delay-ms`, `mayfly-deduplication-key`, `mayfly-group-key`, `mayfly-attribute-<name>`, `traceparent`.',
    'CloudEvents 1.0 are taken in binary form (`ce-*` headers) and in structured form (`application/cloudevents+json`, and `application/cloudevents-batch+json` for several); source and id are the deduplication key, `partitionkey` is the group key.',
    'Several messages in one request are `application/vnd.mayfly.messages+json`, with the schema `MessageBatch`: all of them are kept or none.',
    'The answer comes when the messages survive the death of the host.',
  ].join('\n\n'),
  tags: ['Messages'],
  request: {
    params: queueParams,
    body: { required: true, content: { '*/*': { schema: { description: 'A message, or several.' } } } },
  },
  responses: {
    202: json('They are durable.', sentMessagesSchema),
    ...problems(...QUEUE_CODES, ...SEND_CODES),
  },
});

/** What the routes of both kinds of queues differ in. */
interface Kind {
  readonly path: '/v1/tenants/{tenant}/queues/{queue}' | '/v1/tenants/{tenant}/functions/{name}/events';
  readonly suffix: 'Messages' | 'Events';
  readonly dead: 'DeadLetters' | 'DeadEvents';
  readonly params: typeof queueParams | typeof functionParams;
  readonly codes: typeof QUEUE_CODES;
  readonly idOf: (params: Readonly<Record<string, string>>) => QueueId;
}

const QUEUES: Kind = {
  path: '/v1/tenants/{tenant}/queues/{queue}',
  suffix: 'Messages',
  dead: 'DeadLetters',
  params: queueParams,
  codes: QUEUE_CODES,
  idOf: (params) => {
    const { tenant, queue } = asQueueReference(params as { tenant: string; queue: string });
    return { kind: 'queue', tenant, name: queue };
  },
};

const FUNCTIONS: Kind = {
  path: '/v1/tenants/{tenant}/functions/{name}/events',
  suffix: 'Events',
  dead: 'DeadEvents',
  params: functionParams,
  codes: TENANT_CODES,
  idOf: ({ tenant, name }) => ({
    kind: 'function',
    tenant: tenant as TenantName,
    name: name as FunctionName,
  }),
};

export function registerMessageRoutes(app: ControlPlaneApp, ports: ControlPlanePorts): void {
  app.openapi(sendRoute, async (c) => {
    const reference = asQueueReference(c.req.valid('param'));
    const messages = await readMessages(c.req.raw, Date.now());
    const sent = await ports.backend.sendMessages({ ...reference, messages });
    return c.json({ messages: sent.map(sentMessageJson) }, 202);
  });
  for (const kind of [QUEUES, FUNCTIONS]) registerContentRoutes(app, ports, kind);
}

function registerContentRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts, kind: Kind): void {
  const { path, params, codes, idOf } = kind;
  const tags = ['Messages'];
  const storeCodes = [...codes, 'queue_unavailable'] as const;

  const peek = createRoute({
    method: 'get',
    path: `${path}/messages`,
    operationId: `peek${kind.suffix}`,
    security: needs('read'),
    summary: 'Look at messages without taking them',
    tags,
    request: { params, query: messagesQuery },
    responses: { 200: json('Oldest first.', messagePageSchema), ...problems(...storeCodes) },
  });
  app.openapi(
    peek,
    async (c) => {
      const { state, limit, after } = c.req.valid('query');
      const cursor = after === undefined ? {} : { after };
      const page = await backend.peekMessages({ id: idOf(c.req.valid('param')), state, limit, ...cursor });
      return c.json(messagePageJson(page), 200);
    },
    refuseInvalid({ query: messagesQuery }),
  );

  const purge = createRoute({
    method: 'delete',
    path: `${path}/messages`,
    operationId: `purge${kind.suffix}`,
    security: needs('deploy'),
    summary: 'Drop all messages that wait',
    description: 'What is being handled, and dead letters, stay.',
    tags,
    request: { params },
    responses: { 200: json('They are gone.', affectedSchema), ...problems(...storeCodes, 'draining') },
  });
  app.openapi(purge, async (c) => {
    const id = idOf(c.req.valid('param'));
    const count = await backend.purgeMessages({ id, what: 'waiting', actor: c.var.actor });
    return c.json({ count }, 200);
  });

  const listDead = createRoute({
    method: 'get',
    path: `${path}/dead-letters`,
    operationId: `list${kind.dead}`,
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
      const id = idOf(c.req.valid('param'));
      return c.json(
        messagePageJson(await backend.peekMessages({ id, state: 'dead', limit, ...cursor })),
        200,
      );
    },
    refuseInvalid({ query: deadLettersQuery }),
  );

  const redrive = createRoute({
    method: 'post',
    path: `${path}/dead-letters/redrive`,
    operationId: `redrive${kind.dead}`,
    security: needs('invoke'),
    summary: 'Try dead letters again',
    description: 'They become ready as if sent now, with their ids but no attempts counted.',
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
      const count = await backend.redriveMessages({
        id: idOf(c.req.valid('param')),
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
    operationId: `purge${kind.dead}`,
    security: needs('deploy'),
    summary: 'Drop all dead letters',
    tags,
    request: { params },
    responses: { 200: json('They are gone.', affectedSchema), ...problems(...storeCodes, 'draining') },
  });
  app.openapi(purgeDead, async (c) => {
    const id = idOf(c.req.valid('param'));
    const count = await backend.purgeMessages({ id, what: 'dead', actor: c.var.actor });
    return c.json({ count }, 200);
  });
}
