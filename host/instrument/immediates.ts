import { readIndex } from './constant-expression.ts';
import type { FeatureSet } from './features.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { Cursor } from './reader.ts';
import type { RunTracker } from './runs.ts';

/** The index of a memory. */
export function readMemory(cursor: Cursor, layout: ModuleLayout, features: FeatureSet): number {
  const memory = readIndex(cursor, layout.memories64.length, 'memory');
  if (memory > 0) features.add('multi-memory');
  return memory;
}

/** Alignment and offset of a load or store; bit 6 of the alignment announces a memory's index between them. */
export function skipMemoryArgument(cursor: Cursor, layout: ModuleLayout, features: FeatureSet): void {
  const at = cursor.pos;
  const flags = cursor.u32();
  if (flags & 0x40) readMemory(cursor, layout, features);
  else if (layout.memories64.length === 0) cursor.fail('unknown memory 0', at);
  cursor.skipU64();
}

/** Reads a label and closes the run that branches to it; returns `since` behind the run (see runs.ts). */
export function readBranch(cursor: Cursor, runs: RunTracker, at: number): number {
  const label = cursor.u32();
  const since = runs.closeForBranch();
  if (!runs.target(label, since)) cursor.fail(`unknown label ${label}`, at);
  return since;
}
