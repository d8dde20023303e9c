import { EDIT, type EditList } from './edits.ts';
import type { FeatureSet } from './features.ts';
import type { ByteRange } from './module-layout.ts';
import type { Cursor } from './reader.ts';
import { skipValueType } from './value-types.ts';

/** What a function declares besides its parameters. */
export interface LocalDeclarations {
  readonly groups: number;
  readonly declared: number;
  /** The type of the first one, if its place is needed. */
  readonly first: ByteRange;
}

/**
 * Reads them. Where the counter is to be a parameter, whose number the first of them has, that one is taken out of its
 * group, for the end.
 */
export function readLocals(
  cursor: Cursor,
  features: FeatureSet,
  edits: EditList,
  makesRoom: boolean,
): LocalDeclarations {
  const groups = cursor.count('groups of locals', 2);
  let declared = 0;
  let first: ByteRange = { from: 0, to: 0 };
  for (let i = 0; i < groups; i++) {
    const countAt = cursor.pos;
    const count = cursor.u32();
    const typeAt = cursor.pos;
    skipValueType(cursor, features);
    if (makesRoom && declared === 0 && count > 0) {
      edits.add(countAt, EDIT.number, count - 1);
      first = { from: typeAt, to: cursor.pos };
    }
    declared += count;
  }
  return { groups, declared, first };
}
