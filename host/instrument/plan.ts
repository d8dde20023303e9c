import { LENGTH, LENGTH_KINDS } from './edits.ts';
import { METER_IMPORTS } from './meter-imports.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { MeterUsage } from './usage.ts';

/** A function that the host provides, by the types that {@link METER_IMPORTS} documents. */
export interface HostFunction {
  readonly name: string;
  readonly type: MeterType;
}

/** The types that metering appends, in the order of their encodings in support-functions.ts. */
export const METER_TYPES = ['run', 'reserve', 'release', 'length32', 'length64'] as const;
export type MeterType = (typeof METER_TYPES)[number];

/** A function that is appended to the module. */
export type SupportFunction =
  | { readonly kind: 'check' }
  | { readonly kind: 'settle' }
  /** What the outside calls instead of a function that passes the counter [old index, its type]. */
  | { readonly kind: 'entry'; readonly target: number; readonly type: number }
  | { readonly kind: 'charge-length'; readonly length: number }
  | { readonly kind: 'allocate' }
  /** By length, with the logarithm of the elements' size. */
  | { readonly kind: 'allocate-array'; readonly size: number }
  | { readonly kind: 'memory-grow'; readonly memory: number; readonly is64: boolean }
  | { readonly kind: 'table-grow'; readonly table: number; readonly is64: boolean };

/**
 * The numbering of an instrumented module. Imports are added behind the module's own, so that only what it
 * defines shifts; support functions and types are added at the end, so that they shift nothing.
 */
export interface MeterPlan {
  readonly imports: readonly HostFunction[];
  /** By old function index: 1 if it takes the counter and gives it back. */
  readonly passing: Uint8Array;
  /** Index of the type with a counter by that of the type without. */
  readonly passingTypes: ReadonlyMap<number, number>;
  /** Index of the entry for the outside by old function index. */
  readonly entries: ReadonlyMap<number, number>;
  /** Index of each imported host function by its name. */
  readonly hostFunctions: ReadonlyMap<string, number>;
  readonly fuelGlobal: number;
  /** -1 if the module makes no objects. */
  readonly objectsGlobal: number;
  readonly functionShift: number;
  readonly globalShift: number;
  /** Index of the global with the headroom of each memory whose size code sees. */
  readonly headrooms: ReadonlyMap<number, number>;
  /** Index of the first appended type. */
  readonly typeBase: number;
  readonly support: readonly SupportFunction[];
  readonly check: number;
  readonly settle: number;
  /** Index of the helper for each kind of length, -1 where none is needed. */
  readonly chargeLength: readonly number[];
  readonly memoryGrow: ReadonlyMap<number, number>;
  readonly tableGrow: ReadonlyMap<number, number>;
  /** Index of the helpers that count objects, -1 where none is needed. */
  readonly allocate: number;
  readonly allocateArray: readonly number[];
}

export function typeIndex(plan: MeterPlan, type: MeterType): number {
  return plan.typeBase + METER_TYPES.indexOf(type);
}

export function is64BitLength(kind: number): boolean {
  return kind === LENGTH.bytes64 || kind === LENGTH.entries64;
}

/** What has to be added to the module, or undefined if its code never runs into anything metered. */
export function planMetering(
  layout: ModuleLayout,
  usage: MeterUsage,
  passing: Uint8Array,
): MeterPlan | undefined {
  const growsMemory = usage.grownMemories.size > 0;
  const growsTable = usage.grownTables.size > 0;
  if (!usage.charges && !growsMemory && !growsTable && !usage.allocates) return undefined;

  const imports: HostFunction[] = [{ name: METER_IMPORTS.refill, type: 'run' }];
  if (growsMemory) {
    imports.push({ name: METER_IMPORTS.reserveMemory, type: 'reserve' });
    imports.push({ name: METER_IMPORTS.releaseMemory, type: 'release' });
  }
  if (growsTable) {
    imports.push({ name: METER_IMPORTS.reserveTable, type: 'reserve' });
    imports.push({ name: METER_IMPORTS.releaseTable, type: 'release' });
  }
  if (usage.allocates) imports.push({ name: METER_IMPORTS.reserveObjects, type: 'run' });
  const hostFunctions = new Map(imports.map(({ name }, i) => [name, layout.importedFunctions + i]));

  const supportBase = layout.functionTypes.length + imports.length;
  const support: SupportFunction[] = [{ kind: 'check' }, { kind: 'settle' }];
  const append = (added: SupportFunction): number => supportBase + support.push(added) - 1;

  const chargeLength = new Array<number>(LENGTH_KINDS).fill(-1);
  for (let length = 0; length < LENGTH_KINDS; length++) {
    if (usage.lengthKinds[length]) chargeLength[length] = append({ kind: 'charge-length', length });
  }
  const memoryGrow = new Map<number, number>();
  for (const memory of ascending(usage.grownMemories)) {
    memoryGrow.set(memory, append({ kind: 'memory-grow', memory, is64: layout.memories64[memory]! }));
  }
  const tableGrow = new Map<number, number>();
  for (const table of ascending(usage.grownTables)) {
    tableGrow.set(table, append({ kind: 'table-grow', table, is64: layout.tables64[table]! }));
  }
  const allocate = usage.allocates ? append({ kind: 'allocate' }) : -1;
  const allocateArray = usage.arraySizes.map((isUsed, size) =>
    isUsed ? append({ kind: 'allocate-array', size }) : -1,
  );
  const entries = new Map<number, number>();
  for (const target of ascending(layout.exportedFunctions)) {
    if (passing[target] === 1) {
      entries.set(target, append({ kind: 'entry', target, type: layout.functionTypes[target]! }));
    }
  }
  const passingTypes = new Map<number, number>();
  const firstPassingType = layout.types.length + METER_TYPES.length + tableGrow.size;
  for (let index = layout.importedFunctions; index < passing.length; index++) {
    const type = layout.functionTypes[index]!;
    if (passing[index] === 1 && !passingTypes.has(type))
      passingTypes.set(type, firstPassingType + passingTypes.size);
  }
  const headrooms = new Map(
    ascending(usage.sizedMemories).map((memory, i) => [memory, layout.importedGlobals + 1 + i]),
  );
  return {
    passing,
    passingTypes,
    entries,
    imports,
    hostFunctions,
    fuelGlobal: layout.importedGlobals,
    functionShift: imports.length,
    objectsGlobal: usage.allocates ? layout.importedGlobals + 1 + headrooms.size : -1,
    globalShift: 1 + headrooms.size + (usage.allocates ? 1 : 0),
    headrooms,
    typeBase: layout.types.length,
    support,
    check: supportBase,
    settle: supportBase + 1,
    chargeLength,
    memoryGrow,
    tableGrow,
    allocate,
    allocateArray,
  };
}

function ascending(indices: ReadonlySet<number>): readonly number[] {
  return [...indices].sort((a, b) => a - b);
}
