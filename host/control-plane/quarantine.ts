/** Takes a function out of quarantine. */
import { createRoute } from '@hono/zod-openapi';
import type { ControlPlanePorts } from './ports.ts';
import { asReference, type ControlPlaneApp, FUNCTION_CODES, problems } from './route-parts.ts';
import { functionParams } from './schemas.ts';
import { needs } from './scopes.ts';

const liftRoute = createRoute({
  method: 'delete',
  path: '/v1/tenants/{tenant}/functions/{name}/quarantine',
  operationId: 'liftQuarantine',
  security: needs('deploy'),
  summary: 'Take a function out of quarantine',
  description:
    'Its versions answer again from the next request on. If serving threads are lost again, it is quarantined again. Deploying a new version does the same for that version.',
  tags: ['Quotas'],
  request: { params: functionParams },
  responses: {
    204: { description: 'It is in no quarantine, whether or not it was.' },
    ...problems(...FUNCTION_CODES, 'draining'),
  },
});

export function registerQuarantineRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(liftRoute, async (c) => {
    await backend.liftQuarantine({ ...asReference(c.req.valid('param')), actor: c.var.actor });
    return c.body(null, 204);
  });
}
