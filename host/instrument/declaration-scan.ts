import type { ModuleBounds } from './bounds.ts';
import type { EditList } from './edits.ts';
import { InstrumentError } from './error.ts';
import type { FeatureSet } from './features.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { Cursor } from './reader.ts';

/** The reading of everything but function bodies: what its parts share. */
export interface DeclarationScan {
  readonly bounds: ModuleBounds;
  readonly features: FeatureSet;
  readonly layout: ModuleLayout;
  /** Indices outside of function bodies that shift when imports are added. */
  readonly edits: EditList;
}

/** Names under which only the host's own imports and exports may appear. */
export interface DeclarationRules {
  readonly reservedImportModule: string;
  readonly reservedExports: RegExp;
}

/** A vector's length, within `bound` and within what the section can hold. */
export function boundedCount(cursor: Cursor, bound: number, what: string, minBytesEach: number): number {
  const at = cursor.pos;
  const count = cursor.count(what, minBytesEach);
  if (count > bound) tooMany(count, bound, what, at);
  return count;
}

export function tooMany(count: number, bound: number, what: string, at: number): never {
  throw new InstrumentError('too_complex', `${count} ${what}; the bound is ${bound}`, at);
}
