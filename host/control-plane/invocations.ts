/** Calls a function with an event. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { createRoute } from '@hono/zod-openapi';
import { ERROR_TABLE, type ErrorCode } from '../errors.ts';
import type { ControlPlanePorts } from './ports.ts';
import { asReference, type ControlPlaneApp, FUNCTION_CODES, problems } from './route-parts.ts';
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

const invokeRoute = createRoute({
  method: 'post',
  path: '/v1/tenants/{tenant}/functions/{name}/invocations',
  operationId: 'invokeFunction',
  security: needs('invoke'),
  summary: 'Call a function with an event',
  description:
    'The body is the event, of any type and length; the response is what the function answers. An HTTP handler sees it as `POST /`. The key that allows the call is not shown to the function.',
  tags: ['Invocations'],
  request: {
    params: functionParams,
    body: { content: { '*/*': { schema: { description: 'The event.' } } } },
  },
  responses: {
    default: {
      description: "The function's answer, with `mayfly-invocation-id`, `mayfly-fuel` and `server-timing`.",
      content: { '*/*': { schema: {} } },
    },
    ...problems(...FUNCTION_CODES, ...INVOCATION_CODES),
  },
});

export function registerInvocationRoutes(app: ControlPlaneApp, { invoke }: ControlPlanePorts): void {
  app.openapi(invokeRoute, async (c) => {
    const { incoming, outgoing } = c.env;
    await invoke(asReference(c.req.valid('param')), incoming, outgoing);
    return RESPONSE_ALREADY_SENT;
  });
}
