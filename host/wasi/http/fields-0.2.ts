import type { HeaderList } from '../context.ts';
import { type FieldEntry, FieldMap } from './fields.ts';
import type { FieldsBudget } from './fields-budget.ts';

/** What the glue uses of the class itself. */
export interface FieldsConstructor {
  new (): Fields;
  fromList(entries: readonly FieldEntry[]): Fields;
}

/** Resource `wasi:http/types#fields` (WASI 0.2); also `headers` and `trailers`. */
export class Fields extends FieldMap {
  /** @param budget what it holds is charged to, not given by guests */
  constructor(budget?: FieldsBudget) {
    super();
    if (budget !== undefined) FieldMap.fund(this, budget);
  }

  static fromList(entries: readonly FieldEntry[], budget?: FieldsBudget): Fields {
    return FieldMap.fill(new Fields(budget), entries);
  }

  /** Immutable fields of a message that came from a wire. */
  static fromWire(list: HeaderList, budget: FieldsBudget): Fields {
    return FieldMap.fund(FieldMap.readFrom(new Fields(), list), budget);
  }

  /** The class as one invocation sees it: what it makes is charged to the budget. Same prototype, so same type. */
  static boundTo(budget: FieldsBudget): FieldsConstructor {
    function BoundFields(): Fields {
      return new Fields(budget);
    }
    BoundFields.prototype = Fields.prototype;
    BoundFields.fromList = (entries: readonly FieldEntry[]) => Fields.fromList(entries, budget);
    return BoundFields as unknown as FieldsConstructor;
  }

  /** What `headers()` of a message gives: its fields, immutable. */
  static viewOf(fields: Fields): Fields {
    return FieldMap.copyInto(new Fields(), fields, true);
  }

  entries(): FieldEntry[] {
    return this.list();
  }

  clone(): Fields {
    return FieldMap.copyInto(new Fields(), this, false);
  }
}
