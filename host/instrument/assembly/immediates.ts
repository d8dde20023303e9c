import { CodeRecorder } from './code-recorder.ts';
import { CodeUsage } from './code-usage.ts';
import { Cursor } from './cursor.ts';
import { malformed } from './failure.ts';
import { Feature } from './features.ts';
import { skipValueType } from './value-types.ts';

/** The index of a memory. */
export function readMemory(cursor: Cursor, usage: CodeUsage): i32 {
  const memory = cursor.index(usage.memories.length, 'memory');
  if (memory > 0) usage.add(Feature.MultiMemory);
  return memory;
}

/** Alignment and offset of a load or store; bit 6 of the alignment announces a memory's index between them. */
export function skipMemoryArgument(cursor: Cursor, usage: CodeUsage): void {
  const at = cursor.pos;
  const flags = cursor.u32();
  if (flags & 0x40) readMemory(cursor, usage);
  else if (usage.memories.length === 0) malformed('unknown memory 0', at);
  cursor.skipU64();
}

/** The label of the branch at `at`: control may go there. */
export function readLabel(cursor: Cursor, recorder: CodeRecorder, at: i32): i32 {
  const label = cursor.u32();
  if (!recorder.reaches(label)) malformed(`unknown label ${label}`, at);
  return label;
}

/** The same of a `br_table`'s labels. */
export function readBranchTable(cursor: Cursor, recorder: CodeRecorder, at: i32): void {
  const count = cursor.count('labels', 1);
  recorder.branchTable(count, at);
  for (let i = 0; i <= count; i++) {
    const label = cursor.u32();
    if (!recorder.reaches(label)) malformed('unknown label in br_table', at);
    recorder.tableLabel(label);
  }
  recorder.terminate();
}

/** The types of a `select` that has them. */
export function skipSelectTypes(cursor: Cursor, usage: CodeUsage): void {
  const count = cursor.count('types of a select', 1);
  for (let i = 0; i < count; i++) skipValueType(cursor, usage);
}
