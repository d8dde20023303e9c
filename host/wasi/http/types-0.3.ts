/** `wasi:http/types` (WASI 0.3): the four resources. */
import { budgetedTypes } from './budgeted-types.ts';
import { Fields } from './fields-0.3.ts';
import type { FieldsBudget } from './fields-budget.ts';
import { Request } from './request-0.3.ts';
import { RequestOptions } from './request-options-0.3.ts';
import { Response } from './response-0.3.ts';

export const typesP3: (budget: FieldsBudget) => Record<string, unknown> = budgetedTypes(
  { Request, RequestOptions, Response },
  Fields,
);
