import type { FeatureSet } from './features.ts';
import type { ByteRange } from './module-layout.ts';
import type { Cursor } from './reader.ts';
import { skipValueType } from './value-types.ts';

/** What a function declares besides its parameters. */
export interface LocalDeclarations {
  readonly groups: number;
  readonly declared: number;
  /** Of the first group that is not empty: how many it has, and the encodings of that and of its type. */
  readonly firstLength: number;
  readonly firstCount: ByteRange;
  readonly firstType: ByteRange;
}

const NOWHERE: ByteRange = { from: 0, to: 0 };

export const NO_LOCALS: LocalDeclarations = {
  groups: 0,
  declared: 0,
  firstLength: 0,
  firstCount: NOWHERE,
  firstType: NOWHERE,
};

/** Reads them from the start of a function's body. */
export function readLocals(cursor: Cursor, features: FeatureSet): LocalDeclarations {
  const groups = cursor.count('groups of locals', 2);
  let declared = 0;
  let firstLength = 0;
  let firstCount = NOWHERE;
  let firstType = NOWHERE;
  for (let i = 0; i < groups; i++) {
    const countAt = cursor.pos;
    const count = cursor.u32();
    const typeAt = cursor.pos;
    skipValueType(cursor, features);
    if (declared === 0 && count > 0) {
      firstLength = count;
      firstCount = { from: countAt, to: typeAt };
      firstType = { from: typeAt, to: cursor.pos };
    }
    declared += count;
  }
  return { groups, declared, firstLength, firstCount, firstType };
}
