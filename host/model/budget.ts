import { z } from 'zod';

const amountSchema = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$/, 'must be a decimal such as "25.00"');

/** What a tenant may cost in a month, and what happens on the way there. */
export const budgetSchema = z.strictObject({
  amount: amountSchema.describe("Of a calendar month (UTC), in the currency of the month's price list."),
  thresholds: z
    .array(z.number().int().min(1).max(1_000))
    .max(10)
    .default([50, 80, 100])
    .describe('Percent of the amount at which an alert is sent, once each month.'),
  webhook: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional()
    .describe('Where alerts are posted as JSON.'),
  hardStop: z
    .boolean()
    .default(false)
    .describe('Whether invocations are refused (budget_exhausted) once the amount is reached.'),
});

export type Budget = z.infer<typeof budgetSchema>;

/** A budget, and how much of it is used. */
export interface BudgetUse {
  readonly budget: Budget;
  /** `2026-11` */
  readonly month: string;
  /** In the currency; absent where no price list holds. */
  readonly spent?: string;
  readonly currency?: string;
  readonly stopped: boolean;
  readonly alerts: readonly BudgetAlert[];
}

/** A threshold that was reached. */
export interface BudgetAlert {
  readonly threshold: number;
  readonly reachedAtMs: number;
  /** Absent until the webhook has taken it, or where there is none. */
  readonly deliveredAtMs?: number;
}
