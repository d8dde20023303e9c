import type { FieldEntry } from './fields.ts';
import type { FieldsBudget } from './fields-budget.ts';

interface FieldsClass {
  new (budget: FieldsBudget): object;
  fromList(entries: readonly FieldEntry[], budget: FieldsBudget): object;
  boundTo(budget: FieldsBudget): unknown;
}

/**
 * The members of `wasi:http/types` for one invocation, whose fields are charged to its budget. The glue wants a class for
 * that, made anew for each invocation: 3 µs, of which most is the map of a new function's objects. So the class is made
 * when it is asked for, and a linked component finds functions under the names of its imports (host-function.ts).
 */
export function budgetedTypes(
  shared: Readonly<Record<string, unknown>>,
  fields: FieldsClass,
): (budget: FieldsBudget) => Record<string, unknown> {
  class Types {
    readonly '[constructor]fields': () => object;
    readonly '[static]fields.from-list': (entries: readonly FieldEntry[]) => object;
    readonly #budget: FieldsBudget;
    #bound: unknown;

    constructor(budget: FieldsBudget) {
      this.#budget = budget;
      this['[constructor]fields'] = () => new fields(budget);
      this['[static]fields.from-list'] = (entries) => fields.fromList(entries, budget);
    }

    get Fields(): unknown {
      this.#bound ??= fields.boundTo(this.#budget);
      return this.#bound;
    }
  }
  Object.assign(Types.prototype, shared);
  return (budget) => new Types(budget) as unknown as Record<string, unknown>;
}
