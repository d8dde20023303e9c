/** Versions of a function: list them, choose the one that answers. */
import { createRoute, z } from '@hono/zod-openapi';
import type { ControlPlanePorts } from './ports.ts';
import {
  asReference,
  type ControlPlaneApp,
  FUNCTION_CODES,
  json,
  originOf,
  problems,
  refuseInvalid,
} from './route-parts.ts';
import { functionParams, functionSchema, liveBody, versionSchema, versionsQuery } from './schemas.ts';
import { needs } from './scopes.ts';
import { functionJson, versionJson } from './views.ts';

const tags = ['Versions'];

const versionsRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/functions/{name}/versions',
  operationId: 'listVersions',
  security: needs('read'),
  summary: 'List the versions of a function',
  tags,
  request: { params: functionParams, query: versionsQuery },
  responses: { 200: json('Versions, newest first.', z.array(versionSchema)), ...problems(...FUNCTION_CODES) },
});

const setLiveRoute = createRoute({
  method: 'put',
  path: '/v1/tenants/{tenant}/functions/{name}/live',
  operationId: 'setLiveVersion',
  security: needs('deploy'),
  summary: 'Choose the version that answers',
  description: 'Takes effect for the next request. Settings belong to the function and stay as they are.',
  tags,
  request: {
    params: functionParams,
    body: { required: true, content: { 'application/json': { schema: liveBody } } },
  },
  responses: {
    200: json('The function with its new live version.', functionSchema),
    ...problems(
      ...FUNCTION_CODES,
      'version_not_found',
      'request_too_large',
      'unsupported_media_type',
      'draining',
    ),
  },
});

export function registerVersionRoutes(
  app: ControlPlaneApp,
  { backend, functionUrl, instancesOf }: ControlPlanePorts,
): void {
  app.openapi(
    versionsRoute,
    async (c) => {
      const reference = asReference(c.req.valid('param'));
      const { limit, before } = c.req.valid('query');
      const [{ record }, versions] = await Promise.all([
        backend.describe(reference),
        backend.versions({ ...reference, limit, ...(before === undefined ? {} : { before }) }),
      ]);
      return c.json(
        versions.map((version) => versionJson(version, record.liveVersion)),
        200,
      );
    },
    refuseInvalid({ query: versionsQuery }),
  );

  app.openapi(
    setLiveRoute,
    async (c) => {
      const reference = asReference(c.req.valid('param'));
      const { version } = c.req.valid('json');
      const description = await backend.setLive({ ...reference, version, actor: c.var.actor });
      const url = functionUrl(reference.tenant, reference.name, originOf(c));
      return c.json(functionJson(description, await instancesOf(reference), url), 200);
    },
    refuseInvalid({ json: liveBody }),
  );
}
