/** What older releases published and is metered again, for the operator: how far that is, and what could not be. */
import { createRoute } from '@hono/zod-openapi';
import type { ControlPlanePorts } from './ports.ts';
import { remeteringJson, remeteringSchema } from './remetering-schemas.ts';
import { COMMON_CODES, type ControlPlaneApp, json, problems } from './route-parts.ts';
import { needs } from './scopes.ts';

const tags = ['Host'];

const remeteringRoute = createRoute({
  method: 'get',
  path: '/v1/remetering',
  operationId: 'getRemetering',
  security: needs('operator'),
  summary: 'How far metering again has come',
  tags,
  responses: { 200: json('As of now.', remeteringSchema), ...problems(...COMMON_CODES) },
});

const retryRoute = createRoute({
  method: 'post',
  path: '/v1/remetering/retry',
  operationId: 'retryRemetering',
  security: needs('operator'),
  summary: 'Try again what could not be metered again',
  description: 'It waits for its turn, as what has not been tried. Nothing happens where nothing has failed.',
  tags,
  responses: {
    200: json('What waits now.', remeteringSchema),
    ...problems(...COMMON_CODES, 'draining'),
  },
});

export function registerRemeteringRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(remeteringRoute, async (c) => c.json(remeteringJson(await backend.remetering()), 200));

  app.openapi(retryRoute, async (c) => c.json(remeteringJson(await backend.retryRemetering()), 200));
}
