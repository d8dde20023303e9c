/** Asynchronous invocations of a function: how they are tried, and the queue in which they wait. */
import { createRoute } from '@hono/zod-openapi';
import { eventInvokeConfigJson, functionEventsJson } from './event-views.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  asReference,
  type ControlPlaneApp,
  FUNCTION_CODES,
  json,
  problems,
  refuseInvalid,
  TENANT_CODES,
} from './route-parts.ts';
import { functionParams } from './schemas.ts';
import { needs } from './scopes.ts';
import {
  eventInvokeConfigPatchBody,
  eventInvokeConfigSchema,
  functionEventsSchema,
} from './trigger-schemas.ts';

const tags = ['Invocations'];

const readConfigRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/functions/{name}/event-invoke-config',
  operationId: 'readEventInvokeConfig',
  security: needs('read'),
  summary: 'Read how asynchronous invocations of a function are tried',
  tags,
  request: { params: functionParams },
  responses: { 200: json('All settings.', eventInvokeConfigSchema), ...problems(...FUNCTION_CODES) },
});

const setConfigRoute = createRoute({
  method: 'patch',
  path: '/v1/tenants/{tenant}/functions/{name}/event-invoke-config',
  operationId: 'setEventInvokeConfig',
  security: needs('deploy'),
  summary: 'Set how asynchronous invocations of a function are tried',
  tags,
  request: {
    params: functionParams,
    body: { required: true, content: { 'application/json': { schema: eventInvokeConfigPatchBody } } },
  },
  responses: {
    200: json('All settings.', eventInvokeConfigSchema),
    ...problems(...FUNCTION_CODES, 'request_too_large', 'unsupported_media_type', 'draining'),
  },
});

const describeEventsRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/functions/{name}/events',
  operationId: 'describeEvents',
  security: needs('read'),
  summary: 'Describe the events that wait for a function',
  description:
    'Also of a function that is deleted: its events wait for another one of its name, or become dead letters.',
  tags,
  request: { params: functionParams },
  responses: { 200: json('Where they are.', functionEventsSchema), ...problems(...TENANT_CODES) },
});

export function registerFunctionEventRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(readConfigRoute, async (c) => {
    const config = await backend.eventInvokeConfig(asReference(c.req.valid('param')));
    return c.json(eventInvokeConfigJson(config), 200);
  });

  app.openapi(
    setConfigRoute,
    async (c) => {
      const patch = c.req.valid('json');
      const reference = asReference(c.req.valid('param'));
      const config = await backend.configureEventInvoke({ ...reference, patch, actor: c.var.actor });
      return c.json(eventInvokeConfigJson(config), 200);
    },
    refuseInvalid({ json: eventInvokeConfigPatchBody }),
  );

  app.openapi(describeEventsRoute, async (c) =>
    c.json(functionEventsJson(await backend.describeFunctionEvents(asReference(c.req.valid('param')))), 200),
  );
}
