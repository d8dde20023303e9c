import { Ints } from './arrays.ts';
import { ModuleFacts } from './module-facts.ts';

/** As in ../object-size.ts and ../edits.ts. */
const ELEMENT_SIZES = 5;
const LENGTH_KINDS = 4;

/** The numbering of the metered module, as far as code needs it (plan.ts has all of it). The host fills it. */
export class MeterPlan {
  fuelGlobal: i32 = 0;
  functionShift: i32 = 0;
  globalShift: i32 = 0;
  /** Index of the support functions that look at the account, and that settle with it. */
  check: i32 = 0;
  settle: i32 = 0;
  /** Index of the helpers that count objects, -1 where none is needed. */
  allocate: i32 = 0;
  readonly allocateArray: Ints = Ints.of(ELEMENT_SIZES);
  /** The same for each kind of length. */
  readonly chargeLength: Ints = Ints.of(LENGTH_KINDS);
  /** By memory: index of the helper that grows it, and of the global with its headroom. */
  readonly memoryGrow: Ints;
  readonly headrooms: Ints;
  /** By table: index of the helper that grows it. */
  readonly tableGrow: Ints;

  constructor(facts: ModuleFacts) {
    this.memoryGrow = Ints.of(facts.memories64.length);
    this.headrooms = Ints.of(facts.memories64.length);
    this.tableGrow = Ints.of(facts.tables64.length);
  }
}
