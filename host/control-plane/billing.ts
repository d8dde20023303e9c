/** Prices, which the operator sets, and bills, which their tenant may read. */
import { createRoute, z } from '@hono/zod-openapi';
import type { TenantName } from '../model/ids.ts';
import { monthOfText } from '../model/price-list.ts';
import {
  invoiceOfQuery,
  invoiceParams,
  invoiceSchema,
  invoicesParams,
  priceListBody,
  storedPriceListSchema,
  tenantInvoiceSchema,
  verificationSchema,
} from './billing-schemas.ts';
import { invoiceJson, priceListJson, tenantInvoiceJson, verificationJson } from './billing-views.ts';
import type { ControlPlanePorts } from './ports.ts';
import {
  COMMON_CODES,
  type ControlPlaneApp,
  json,
  problems,
  refuseInvalid,
  TENANT_CODES,
} from './route-parts.ts';
import { needs } from './scopes.ts';

const tags = ['Billing'];

const listPricesRoute = createRoute({
  method: 'get',
  path: '/v1/prices',
  operationId: 'listPrices',
  security: needs('operator'),
  summary: 'List price lists',
  tags,
  responses: {
    200: json('All that were ever set, the latest first.', z.array(storedPriceListSchema)),
    ...problems(...COMMON_CODES),
  },
});

const setPricesRoute = createRoute({
  method: 'post',
  path: '/v1/prices',
  operationId: 'setPrices',
  security: needs('operator'),
  summary: 'Set a price list',
  description:
    'It holds from the first of its month (UTC) until a later one does. One for a month that has one already takes its place.',
  tags,
  request: { body: { required: true, content: { 'application/json': { schema: priceListBody } } } },
  responses: {
    201: json('The list as it is kept.', storedPriceListSchema),
    ...problems(...COMMON_CODES, 'request_too_large', 'unsupported_media_type', 'draining'),
  },
});

const invoiceRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/invoices/{month}',
  operationId: 'readInvoice',
  security: needs('read'),
  summary: 'Read the bill of a month',
  description: 'Of the current month, so far.',
  tags,
  request: { params: invoiceParams },
  responses: { 200: json('The bill.', invoiceSchema), ...problems(...TENANT_CODES, 'prices_not_found') },
});

const verifyRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/invoices/{month}/verification',
  operationId: 'verifyInvoice',
  security: needs('read'),
  summary: 'Recompute the bill of a month',
  description: 'From each record of it that is kept, and level by level of what records were added up to.',
  tags,
  request: { params: invoiceParams },
  responses: {
    200: json('The proof.', verificationSchema),
    ...problems(...TENANT_CODES, 'prices_not_found'),
  },
});

const invoicesRoute = createRoute({
  method: 'get',
  path: '/v1/invoices/{month}',
  operationId: 'listInvoices',
  security: needs('operator'),
  summary: 'List the bills of a month',
  description:
    'Of every tenant that used anything, deleted ones included. One that was deleted and made again has two: its generation tells them apart.',
  tags,
  request: { params: invoicesParams },
  responses: {
    200: json('By name, then in the order in which they were there.', z.array(tenantInvoiceSchema)),
    ...problems(...COMMON_CODES, 'prices_not_found'),
  },
});

const verifyAnyRoute = createRoute({
  method: 'get',
  path: '/v1/invoices/{month}/verification',
  operationId: 'verifyAnyInvoice',
  security: needs('operator'),
  summary: 'Recompute a bill, of a deleted tenant, too',
  tags,
  request: { params: invoicesParams, query: invoiceOfQuery },
  responses: {
    200: json('The proof.', verificationSchema),
    ...problems(...COMMON_CODES, 'prices_not_found'),
  },
});

export function registerBillingRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(listPricesRoute, async (c) => c.json((await backend.priceLists()).map(priceListJson), 200));

  app.openapi(
    setPricesRoute,
    async (c) =>
      c.json(priceListJson(await backend.setPrices({ list: c.req.valid('json'), actor: c.var.actor })), 201),
    refuseInvalid({ json: priceListBody }),
  );

  app.openapi(invoiceRoute, async (c) => {
    const { tenant, month } = c.req.valid('param');
    return c.json(invoiceJson(await backend.invoice(monthOf(tenant, month))), 200);
  });

  app.openapi(invoicesRoute, async (c) => {
    const invoices = await backend.invoices({ month: monthOfText(c.req.valid('param').month) });
    return c.json(invoices.map(tenantInvoiceJson), 200);
  });

  app.openapi(
    verifyAnyRoute,
    async (c) => {
      const { tenant, generation } = c.req.valid('query');
      const month = monthOf(tenant, c.req.valid('param').month);
      return c.json(verificationJson(await backend.verifyInvoice({ ...month, generation })), 200);
    },
    refuseInvalid({ query: invoiceOfQuery }),
  );

  app.openapi(verifyRoute, async (c) => {
    const { tenant, month } = c.req.valid('param');
    return c.json(verificationJson(await backend.verifyInvoice(monthOf(tenant, month))), 200);
  });
}

function monthOf(tenant: string, month: string): { readonly tenant: TenantName; readonly month: number } {
  return { tenant: tenant as TenantName, month: monthOfText(month) };
}
