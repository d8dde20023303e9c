/** Budgets of tenants: the operator sets them, anybody of the tenant may look. */
import { createRoute } from '@hono/zod-openapi';
import type { TenantName } from '../model/ids.ts';
import { budgetBody, budgetUseSchema } from './billing-schemas.ts';
import { budgetJson } from './billing-views.ts';
import type { ControlPlanePorts } from './ports.ts';
import { type ControlPlaneApp, json, problems, refuseInvalid, TENANT_CODES } from './route-parts.ts';
import { tenantParams } from './schemas.ts';
import { needs } from './scopes.ts';

const tags = ['Billing'];
const path = '/v1/tenants/{tenant}/budget';

const readBudgetRoute = createRoute({
  method: 'get',
  path,
  operationId: 'readBudget',
  security: needs('read'),
  summary: 'Read the budget of a tenant, and what of it is used',
  tags,
  request: { params: tenantParams },
  responses: {
    200: json('The budget and its use.', budgetUseSchema),
    ...problems(...TENANT_CODES, 'budget_not_found'),
  },
});

const setBudgetRoute = createRoute({
  method: 'put',
  path,
  operationId: 'setBudget',
  security: needs('operator'),
  summary: 'Set the budget of a tenant',
  description:
    'With `hardStop`, invocations are refused with `budget_exhausted` on every thread once the amount is reached. What was admitted before that was known runs on: usage counts within a second of its end.',
  tags,
  request: {
    params: tenantParams,
    body: { required: true, content: { 'application/json': { schema: budgetBody } } },
  },
  responses: {
    200: json('The budget and its use.', budgetUseSchema),
    ...problems(...TENANT_CODES, 'request_too_large', 'unsupported_media_type', 'draining'),
  },
});

const removeBudgetRoute = createRoute({
  method: 'delete',
  path,
  operationId: 'deleteBudget',
  security: needs('operator'),
  summary: 'Delete the budget of a tenant',
  tags,
  request: { params: tenantParams },
  responses: {
    204: { description: 'It is gone, and with it a stop.' },
    ...problems(...TENANT_CODES, 'budget_not_found', 'draining'),
  },
});

export function registerBudgetRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(readBudgetRoute, async (c) => {
    const tenant = c.req.valid('param').tenant as TenantName;
    return c.json(budgetJson(await backend.budget({ tenant })), 200);
  });

  app.openapi(
    setBudgetRoute,
    async (c) => {
      const tenant = c.req.valid('param').tenant as TenantName;
      const budget = c.req.valid('json');
      return c.json(budgetJson(await backend.setBudget({ tenant, budget, actor: c.var.actor })), 200);
    },
    refuseInvalid({ json: budgetBody }),
  );

  app.openapi(removeBudgetRoute, async (c) => {
    await backend.removeBudget({ tenant: c.req.valid('param').tenant as TenantName, actor: c.var.actor });
    return c.body(null, 204);
  });
}
