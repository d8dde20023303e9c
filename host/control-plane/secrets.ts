/** Secrets of a function: set and remove them, list their names. No route gives a value. */
import { createRoute, z } from '@hono/zod-openapi';
import { HOST_LIMITS } from '../limits/limits.ts';
import { ENVIRONMENT_NAME } from '../model/function-configuration.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  asReference,
  type ControlPlaneApp,
  FUNCTION_CODES,
  json,
  problems,
  refuseInvalid,
} from './route-parts.ts';
import { functionParams, instantSchema } from './schemas.ts';
import { needs } from './scopes.ts';

const tags = ['Secrets'];

const secretNameSchema = z.string().regex(ENVIRONMENT_NAME, 'must be the name of an environment variable');

const secretParams = functionParams.extend({
  secret: secretNameSchema.openapi({
    description: 'The environment variable that holds it.',
    example: 'API_TOKEN',
  }),
});

const setSecretBody = z
  .strictObject({
    value: z
      .string()
      .refine((text) => !text.includes('\0'), 'must not contain NUL')
      .refine(
        (text) => Buffer.byteLength(text) <= HOST_LIMITS.environmentBytes,
        `must be at most ${HOST_LIMITS.environmentBytes} bytes`,
      )
      .openapi({ description: 'Nobody but the function sees it again.', writeOnly: true }),
  })
  .openapi('SecretValue');

const secretSchema = z.object({ name: secretNameSchema, updatedAt: instantSchema }).openapi('Secret');

export type SecretJson = z.infer<typeof secretSchema>;

const setSecretRoute = createRoute({
  method: 'put',
  path: '/v1/tenants/{tenant}/functions/{name}/secrets/{secret}',
  operationId: 'setSecret',
  security: needs('deploy'),
  summary: 'Set a secret of a function',
  description:
    'Takes effect for the next request. The function finds it in its environment, where it wins over a variable of the same name in the configuration.',
  tags,
  request: {
    params: secretParams,
    body: { required: true, content: { 'application/json': { schema: setSecretBody } } },
  },
  responses: {
    204: { description: 'It is set.' },
    ...problems(
      ...FUNCTION_CODES,
      'secrets_limit_reached',
      'secrets_unavailable',
      'request_too_large',
      'unsupported_media_type',
      'draining',
    ),
  },
});

const listSecretsRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/functions/{name}/secrets',
  operationId: 'listSecrets',
  security: needs('read'),
  summary: 'List the names of the secrets of a function',
  tags,
  request: { params: functionParams },
  responses: {
    200: json('Secrets by name, without values.', z.array(secretSchema)),
    ...problems(...FUNCTION_CODES),
  },
});

const removeSecretRoute = createRoute({
  method: 'delete',
  path: '/v1/tenants/{tenant}/functions/{name}/secrets/{secret}',
  operationId: 'deleteSecret',
  security: needs('deploy'),
  summary: 'Delete a secret of a function',
  tags,
  request: { params: secretParams },
  responses: {
    204: { description: 'It is gone.' },
    ...problems(...FUNCTION_CODES, 'secret_not_found', 'draining'),
  },
});

export function registerSecretRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(
    setSecretRoute,
    async (c) => {
      const { secret, ...reference } = c.req.valid('param');
      const { value } = c.req.valid('json');
      await backend.setSecret({ ...asReference(reference), secret, value, actor: c.var.actor });
      return c.body(null, 204);
    },
    refuseInvalid({ json: setSecretBody }),
  );

  app.openapi(listSecretsRoute, async (c) => {
    const secrets = await backend.listSecrets(asReference(c.req.valid('param')));
    return c.json(
      secrets.map(({ name, updatedAtMs }) => ({ name, updatedAt: new Date(updatedAtMs).toISOString() })),
      200,
    );
  });

  app.openapi(removeSecretRoute, async (c) => {
    const { secret, ...reference } = c.req.valid('param');
    await backend.removeSecret({ ...asReference(reference), secret, actor: c.var.actor });
    return c.body(null, 204);
  });
}
