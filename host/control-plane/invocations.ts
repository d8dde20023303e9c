/** Calls a function with an event. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { createRoute, z } from '@hono/zod-openapi';
import { ERROR_TABLE, type ErrorCode, MayflyError } from '../errors/errors.ts';
import { sentMessageJson } from './event-views.ts';
import { readMessage } from './incoming-messages.ts';
import { SEND_CODES } from './messages.ts';
import type { ControlPlanePorts } from './ports.ts';
import { sentMessageSchema } from './queue-schemas.ts';
import { asReference, type ControlPlaneApp, FUNCTION_CODES, json, problems } from './route-parts.ts';
import { functionParams } from './schemas.ts';
import { needs } from './scopes.ts';

/** Every code that blames the function, and what can befall any invocation. */
const INVOCATION_CODES: readonly ErrorCode[] = [
  'request_too_large',
  'request_headers_too_large',
  'too_many_invocations',
  'quota_exceeded',
  'host_busy',
  'thread_out_of_memory',
  ...(Object.keys(ERROR_TABLE) as ErrorCode[]).filter((code) => ERROR_TABLE[code].fault === 'function'),
  'worker_lost',
  'artifact_unavailable',
  'draining',
];

/** Lambda's name, and ours. */
const TYPE_FIELDS = ['mayfly-invocation-type', 'x-amz-invocation-type'] as const;
const TYPES = ['RequestResponse', 'Event', 'DryRun'] as const;
type InvocationType = (typeof TYPES)[number];

const invokeRoute = createRoute({
  method: 'post',
  path: '/v1/tenants/{tenant}/functions/{name}/invocations',
  operationId: 'invokeFunction',
  security: needs('invoke'),
  summary: 'Call a function with an event',
  description:
    'The body is the event, of any type and length; the response is what the function answers. An HTTP handler sees it as `POST /`. The key that allows the call is not shown to the function. With `mayfly-invocation-type: Event` (or `x-amz-invocation-type`) the answer comes as soon as the event is durable, and the function is called afterwards; the headers of messages are taken, too. `DryRun` only looks whether the function is there.',
  tags: ['Invocations'],
  request: {
    params: functionParams,
    headers: z.object({
      'mayfly-invocation-type': z.string().optional().openapi({
        description: '`RequestResponse` (the default), `Event` or `DryRun`.',
      }),
    }),
    body: { content: { '*/*': { schema: { description: 'The event.' } } } },
  },
  responses: {
    default: {
      description: "The function's answer, with `mayfly-invocation-id`, `mayfly-fuel` and `server-timing`.",
      content: { '*/*': { schema: {} } },
    },
    202: json(
      'The event is durable: it will be tried until it succeeds or is a dead letter.',
      sentMessageSchema,
    ),
    204: { description: 'It could be called (`DryRun`).' },
    ...problems(...FUNCTION_CODES, ...INVOCATION_CODES, ...SEND_CODES),
  },
});

export function registerInvocationRoutes(app: ControlPlaneApp, { backend, invoke }: ControlPlanePorts): void {
  app.openapi(invokeRoute, async (c) => {
    const reference = asReference(c.req.valid('param'));
    switch (typeOf(c.req.raw.headers)) {
      case 'Event': {
        const message = await readMessage(c.req.raw, Date.now());
        await c.var.requireKey();
        return c.json(sentMessageJson(await backend.invokeAsync({ ...reference, message })), 202);
      }
      case 'DryRun':
        await backend.describe(reference);
        return c.body(null, 204);
      case 'RequestResponse': {
        const { incoming, outgoing } = c.env;
        await invoke(reference, incoming, outgoing);
        return RESPONSE_ALREADY_SENT;
      }
    }
  });
}

/** @throws MayflyError invalid_request */
function typeOf(headers: Headers): InvocationType {
  const field = TYPE_FIELDS.find((name) => headers.has(name));
  if (field === undefined) return 'RequestResponse';
  const text = headers.get(field)?.toLowerCase();
  const type = TYPES.find((name) => name.toLowerCase() === text);
  if (type !== undefined) return type;
  throw new MayflyError('invalid_request', `An invocation is one of ${TYPES.join(', ')}.`, { field });
}
