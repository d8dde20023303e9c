import type { CodeRecorder } from './code-recorder.ts';
import { readIndex } from './constant-expression.ts';
import type { FeatureSet } from './features.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { Cursor } from './reader.ts';
import { skipValueType } from './value-types.ts';

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

/** The label of the branch at `at`: control may go there. */
export function readLabel(cursor: Cursor, recorder: CodeRecorder, at: number): number {
  const label = cursor.u32();
  if (!recorder.reaches(label)) cursor.fail(`unknown label ${label}`, at);
  return label;
}

/** The same of a `br_table`'s labels. */
export function readBranchTable(cursor: Cursor, recorder: CodeRecorder, at: number): void {
  const count = cursor.count('labels');
  recorder.branchTable(count, at);
  for (let i = 0; i <= count; i++) {
    const label = cursor.u32();
    if (!recorder.reaches(label)) cursor.fail('unknown label in br_table', at);
    recorder.tableLabel(label);
  }
  recorder.terminate();
}

/** The types of a `select` that has them. */
export function skipSelectTypes(cursor: Cursor, features: FeatureSet): void {
  const count = cursor.count('types of a select');
  for (let i = 0; i < count; i++) skipValueType(cursor, features);
}
