/** What waits in a queue: send, look, purge. The same for a queue and a function's events. */
import { createRoute } from '@hono/zod-openapi';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { QueueId } from '../model/queue.ts';
import { messagePageJson, sentMessageJson } from './event-views.ts';
import { readMessages } from './incoming-messages.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  affectedSchema,
  messagePageSchema,
  messagesQuery,
  queueParams,
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
interface QueueKind {
  readonly path: '/v1/tenants/{tenant}/queues/{queue}' | '/v1/tenants/{tenant}/functions/{name}/events';
  readonly suffix: 'Messages' | 'Events';
  readonly params: typeof queueParams | typeof functionParams;
  readonly codes: typeof QUEUE_CODES;
  readonly idOf: (params: Readonly<Record<string, string>>) => QueueId;
}

const QUEUES: QueueKind = {
  path: '/v1/tenants/{tenant}/queues/{queue}',
  suffix: 'Messages',
  params: queueParams,
  codes: QUEUE_CODES,
  idOf: (params) => {
    const { tenant, queue } = asQueueReference(params as { tenant: string; queue: string });
    return { kind: 'queue', tenant, name: queue };
  },
};

const FUNCTIONS: QueueKind = {
  path: '/v1/tenants/{tenant}/functions/{name}/events',
  suffix: 'Events',
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
    await c.var.requireKey();
    const sent = await ports.backend.sendMessages({ ...reference, messages });
    return c.json({ messages: sent.map(sentMessageJson) }, 202);
  });
  for (const kind of [QUEUES, FUNCTIONS]) registerContentRoutes(app, ports, kind);
}

function registerContentRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts, kind: QueueKind): void {
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
    const count = await backend.purgeMessages({ id, actor: c.var.actor });
    return c.json({ count }, 200);
  });
}
