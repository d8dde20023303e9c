/** The shapes of requests and responses about prices, bills and budgets. Money is decimal text: a number is not exact. */
import { z } from '@hono/zod-openapi';
import { budgetSchema } from '../model/budget.ts';
import { METER_NAMES, type METERS, monthTextSchema, priceListSchema } from '../model/price-list.ts';
import { ROLLUP_LEVELS, USAGE_LEVELS } from '../model/usage-rollup.ts';
import { instantSchema, nameSchema, tenantParams } from './schemas.ts';
import { sumSchema } from './usage-schemas.ts';

// `describe` makes a copy: schemas made before this library was loaded lack its methods.
export const priceListBody = priceListSchema
  .describe('Takes the place of earlier ones for its months.')
  .openapi('PriceList');
export const budgetBody = budgetSchema.describe('What a tenant may cost in a month.').openapi('Budget');

export const storedPriceListSchema = z
  .object({ id: z.number().int().min(1), list: priceListBody, createdAt: instantSchema })
  .openapi('StoredPriceList');

export const invoiceParams = tenantParams.extend({
  month: monthTextSchema.describe('A month, UTC.').openapi({ example: '2026-11' }),
});

const moneySchema = z.string().regex(/^[0-9]+(\.[0-9]+)?$/);

const meteredUse = {
  requests: sumSchema,
  fuel: sumSchema,
  memoryTimeKiBMs: sumSchema,
  egressBytes: sumSchema,
};

const invoiceLineSchema = z.object({
  meter: z.enum(METER_NAMES as [keyof typeof METERS]),
  unit: z.string().openapi({ description: 'What the price is of.' }),
  from: z.number().openapi({ description: 'Units of the month beyond which the step begins.' }),
  upTo: z.number().optional(),
  quantity: sumSchema.openapi({ description: 'In the units of `use`, not those of the price.' }),
  perUnit: sumSchema.openapi({ description: 'How many of these a unit of the price is.' }),
  price: moneySchema,
  amount: moneySchema.openapi({
    description: 'quantity x price / perUnit, rounded to the minor unit, halves up.',
  }),
});

export const invoiceSchema = z
  .object({
    tenant: nameSchema,
    month: z.string(),
    isFinal: z.boolean().openapi({ description: 'Whether the month is over.' }),
    currency: z.string(),
    priceListId: z.number().int(),
    lines: z.array(invoiceLineSchema),
    total: moneySchema.openapi({ description: 'The sum of the lines.' }),
    use: z.object(meteredUse),
    functions: z.array(z.object({ function: nameSchema, version: z.number().int(), ...meteredUse })),
  })
  .openapi('Invoice', {
    description: 'What a tenant owes for a month, by the price list that holds for it.',
  });

export const tenantInvoiceSchema = invoiceSchema
  .extend({
    generation: z
      .number()
      .int()
      .min(0)
      .openapi({ description: 'Tells the tenant from earlier ones of its name.' }),
    isDeleted: z.boolean().openapi({ description: 'Whether the tenant is gone.' }),
  })
  .openapi('TenantInvoice');

export const invoicesParams = z.object({ month: invoiceParams.shape.month });

export const invoiceOfQuery = z.strictObject({
  tenant: nameSchema,
  generation: z.coerce.number().int().min(0).openapi({ description: 'As the list of invoices says it.' }),
});

const levelCheckSchema = z.object({
  from: z.enum(USAGE_LEVELS),
  to: z.enum(ROLLUP_LEVELS),
  begin: instantSchema,
  end: instantSchema,
  invocations: sumSchema,
  differences: z.array(
    z.object({
      function: z.string(),
      version: z.number().int(),
      billed: z.boolean(),
      sum: z.string(),
      added: sumSchema,
      kept: sumSchema,
    }),
  ),
});

export const verificationSchema = z
  .object({
    invoice: invoiceSchema,
    holds: z.boolean().openapi({ description: 'Whether nothing differs.' }),
    totalFromRecords: moneySchema.optional().openapi({
      description: 'Recomputed from each record; absent where records of the month are no longer kept.',
    }),
    checks: z.array(levelCheckSchema).openapi({
      description: 'Each level of the ledger added up anew, for as long as it is kept, against the next one.',
    }),
  })
  .openapi('InvoiceVerification');

export const budgetUseSchema = z
  .object({
    budget: budgetBody,
    month: z.string(),
    spent: moneySchema.optional().openapi({ description: 'Absent where no price list holds.' }),
    currency: z.string().optional(),
    stopped: z.boolean().openapi({ description: 'Whether invocations are refused until the month ends.' }),
    alerts: z.array(
      z.object({
        threshold: z.number().int(),
        reachedAt: instantSchema,
        deliveredAt: instantSchema.optional(),
      }),
    ),
  })
  .openapi('BudgetUse');

export type TenantInvoiceJson = z.infer<typeof tenantInvoiceSchema>;
export type InvoiceJson = z.infer<typeof invoiceSchema>;
export type VerificationJson = z.infer<typeof verificationSchema>;
export type BudgetUseJson = z.infer<typeof budgetUseSchema>;
export type StoredPriceListJson = z.infer<typeof storedPriceListSchema>;
