/** Settings of a function. */
import { createRoute } from '@hono/zod-openapi';
import { functionConfigurationPatchSchema } from '../model/function-configuration.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  asReference,
  type ControlPlaneApp,
  FUNCTION_CODES,
  json,
  problems,
  refuseInvalid,
} from './route-parts.ts';
import { configurationPatchBody, configurationSchema, functionParams } from './schemas.ts';
import { needs } from './scopes.ts';
import { invalidConfiguration } from './validation.ts';
import { configurationJson } from './views.ts';

const SETTING_NAMES = Object.keys(functionConfigurationPatchSchema.shape);

const configureRoute = createRoute({
  method: 'patch',
  path: '/v1/tenants/{tenant}/functions/{name}/configuration',
  operationId: 'configureFunction',
  security: needs('deploy'),
  summary: 'Change settings of a function',
  description:
    'Replaces the settings that the body names, `environment` and `allowedHosts` as a whole. Takes effect for the next request, whichever version answers it.',
  tags: ['Configuration'],
  request: {
    params: functionParams,
    body: { required: true, content: { 'application/json': { schema: configurationPatchBody } } },
  },
  responses: {
    200: json('All settings.', configurationSchema),
    ...problems(
      ...FUNCTION_CODES,
      'limit_above_ceiling',
      'request_too_large',
      'unsupported_media_type',
      'draining',
    ),
  },
});

export function registerConfigurationRoutes(
  app: ControlPlaneApp,
  { backend, ceilings }: ControlPlanePorts,
): void {
  app.openapi(
    configureRoute,
    async (c) => {
      const reference = asReference(c.req.valid('param'));
      const patch = c.req.valid('json');
      const { record } = await backend.configure({ ...reference, patch, actor: c.var.actor });
      return c.json(configurationJson(record.configuration), 200);
    },
    (outcome) => {
      if (!outcome.success && outcome.target === 'json') {
        throw invalidConfiguration(outcome.error, ceilings, SETTING_NAMES);
      }
      return refuseInvalid()(outcome);
    },
  );
}
