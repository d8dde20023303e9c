import type { FeatureSet } from './features.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { MeterUsage } from './usage.ts';

/** Parameters that V8 has registers for are six; beyond that passing costs a store and a load, still less than an account. */
export const MAX_PARAMS = 16;
/** One result and the counter return in two registers; a third result goes through memory. */
export const MAX_RESULTS = 1;

/**
 * Which functions take the counter as a further parameter and give it back as a further result, so that it
 * stays in a register from call to call: an account in memory costs five cycles for each charge, by the
 * latency of storing and loading again. Recursive programs ran 2 to 3.4 times as long with it.
 *
 * Only functions that are called by their index alone can change their type. An exported one gets an entry for
 * the outside. In a module that handles exceptions none does: what a frame counted would be lost with it.
 */
export function passingFunctions(layout: ModuleLayout, usage: MeterUsage, features: FeatureSet): Uint8Array {
  const { importedFunctions, functionTypes } = layout;
  const passing = new Uint8Array(functionTypes.length);
  const names = features.names();
  if (names.includes('exceptions') || names.includes('legacy-exceptions') || layout.tags > 0) return passing;
  if (!usage.hasRoomForCounter) return passing;
  for (let index = importedFunctions; index < functionTypes.length; index++) {
    if (!mayPass(layout, index)) continue;
    if (usage.tailCallers.has(index) || usage.tailCallees.has(index)) continue;
    passing[index] = 1;
  }
  return passing;
}

/** Whether nothing that is known of the function `index` so far keeps it from taking the counter. */
export function mayPass(layout: ModuleLayout, index: number): boolean {
  const { params, results } = layout.types[layout.functionTypes[index]!]!;
  return params <= MAX_PARAMS && results <= MAX_RESULTS && !layout.pinnedFunctions.has(index);
}
