import { readIndex } from './constant-expression.ts';
import type { FeatureSet } from './features.ts';
import type { FlowRecorder } from './flow.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { Cursor } from './reader.ts';

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

/** Reads the label of a branch, and notes the branch. */
export function readBranch(cursor: Cursor, flow: FlowRecorder, kind: number, at: number): void {
  const label = cursor.u32();
  if (!flow.branch(kind, label, at, cursor.pos)) cursor.fail(`unknown label ${label}`, at);
}
