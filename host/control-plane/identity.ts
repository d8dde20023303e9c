/** Who is asking: whose key it is, and what it allows. Whoever was given a key and nothing else begins here. */
import { createRoute, z } from '@hono/zod-openapi';
import { VERSION } from '../version.ts';
import { keySchema } from './key-schemas.ts';
import type { ControlPlanePorts } from './ports.ts';
import { COMMON_CODES, type ControlPlaneApp, json, problems } from './route-parts.ts';
import { nameSchema } from './schemas.ts';
import { needs } from './scopes.ts';
import { keyJson } from './views.ts';

const identitySchema = z
  .object({
    operator: z
      .boolean()
      .openapi({ description: "Whether it is the operator's key, which opens everything." }),
    tenant: nameSchema.optional().openapi({ description: "Whose key it is; absent for the operator's." }),
    key: keySchema.optional().openapi({ description: "The key; absent for the operator's." }),
    host: z
      .object({
        version: z.string(),
        traceUrl: z.string().optional().openapi({
          description:
            'Where a trace can be looked at, `{trace_id}` standing for its id; absent where the operator has named no place.',
          example: 'https://jaeger.example.com/trace/{trace_id}',
        }),
      })
      .openapi('HostFacts', { description: 'What everybody with a key may know of the host.' }),
  })
  .openapi('Identity');

export type IdentityJson = z.infer<typeof identitySchema>;

const whoamiRoute = createRoute({
  method: 'get',
  path: '/v1/whoami',
  operationId: 'describeCaller',
  security: needs('any'),
  summary: 'Say whose key this is, and what it allows',
  tags: ['Keys'],
  responses: { 200: json('The key that was sent.', identitySchema), ...problems(...COMMON_CODES) },
});

export function registerIdentityRoutes(
  app: ControlPlaneApp,
  { backend, traceUrl }: Pick<ControlPlanePorts, 'backend' | 'traceUrl'>,
): void {
  const host = { version: VERSION, ...(traceUrl === undefined ? {} : { traceUrl }) };
  const headers = { 'cache-control': 'no-store' };
  app.openapi(whoamiRoute, async (c) => {
    const { principal } = c.var;
    if (principal.kind === 'operator') return c.json({ operator: true, host }, 200, headers);
    const { tenant, keyId } = principal;
    const key = keyJson(await backend.describeKey({ tenant, id: keyId }));
    return c.json({ operator: false, tenant, key, host }, 200, headers);
  });
}
