/** Whether the host serves, and the description of this interface: both without a key. */
import { createRoute, z } from '@hono/zod-openapi';
import type { ControlPlanePorts } from './ports.ts';
import { type ControlPlaneApp, json, problems, refuseWhenDraining } from './route-parts.ts';
import { healthSchema } from './schemas.ts';

const healthRoute = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'checkHealth',
  summary: 'Whether the host takes requests',
  tags: ['Host'],
  security: [],
  responses: { 200: json('It does.', healthSchema), ...problems('draining') },
});

const documentRoute = createRoute({
  method: 'get',
  path: '/openapi.json',
  operationId: 'describeInterface',
  summary: 'This document',
  tags: ['Host'],
  security: [],
  responses: {
    200: json('OpenAPI 3.1.', z.looseObject({ openapi: z.string() })),
    ...problems('internal_error'),
  },
});

export function registerHealthRoutes(
  app: ControlPlaneApp,
  { draining }: ControlPlanePorts,
  document: () => { openapi: string },
): void {
  app.openapi(healthRoute, (c) => {
    refuseWhenDraining(draining);
    return c.json({ status: 'ok' as const }, 200, { 'cache-control': 'no-store' });
  });
  app.openapi(documentRoute, (c) => c.json({ ...document() }, 200));
}
