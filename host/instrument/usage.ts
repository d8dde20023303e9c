import { LENGTH_KINDS } from './edits.ts';

/** What the code of a module needs from the host, found while analysing its functions. */
export interface MeterUsage {
  /** Any charge at all: without one a module is left as it is. */
  charges: boolean;
  readonly lengthKinds: boolean[];
  readonly grownMemories: Set<number>;
  readonly grownTables: Set<number>;
}

export function emptyUsage(): MeterUsage {
  return {
    charges: false,
    lengthKinds: new Array<boolean>(LENGTH_KINDS).fill(false),
    grownMemories: new Set(),
    grownTables: new Set(),
  };
}
