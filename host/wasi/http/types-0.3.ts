/** `wasi:http/types` (WASI 0.3): the four resources. */
import { Fields } from './fields-0.3.ts';
import type { FieldsBudget } from './fields-budget.ts';
import { Request } from './request-0.3.ts';
import { RequestOptions } from './request-options-0.3.ts';
import { Response } from './response-0.3.ts';

export function typesP3(budget: FieldsBudget): Record<string, unknown> {
  return { Fields: Fields.boundTo(budget), Request, RequestOptions, Response };
}
