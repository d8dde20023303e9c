import { MayflyError } from '../errors/errors.ts';
import { MODULE_BOUNDS } from '../instrument/bounds.ts';
import { InstrumentError, type InstrumentErrorCode } from '../instrument/error.ts';
import { COMPONENT_LIMITS } from '../limits/limits.ts';

/** How the compiler says no: every refusal of an upload is one of errors.ts's `component_*`. */

export function malformed(detail: string, cause?: unknown): MayflyError {
  return new MayflyError('component_malformed', detail, cause === undefined ? {} : { cause });
}

export function unsupported(detail: string, cause?: unknown): MayflyError {
  return new MayflyError('component_unsupported', detail, cause === undefined ? {} : { cause });
}

/** Bounds on a whole upload. What limits.ts leaves to the single module holds for all modules together here. */
export const UPLOAD_BOUNDS = {
  ...COMPONENT_LIMITS,
  memories: MODULE_BOUNDS.memories,
  tables: MODULE_BOUNDS.tables,
  tags: MODULE_BOUNDS.tags,
} as const;

export type BoundName = keyof typeof UPLOAD_BOUNDS;

export function tooComplex(bound: BoundName, found: number): MayflyError {
  const what = Number.isFinite(found) ? `${found}` : 'too many';
  return new MayflyError(
    'component_too_complex',
    `${bound}: ${what}; at most ${UPLOAD_BOUNDS[bound]} are allowed.`,
  );
}

const CODES = {
  malformed: 'component_malformed',
  too_complex: 'component_too_complex',
  unsupported: 'component_unsupported',
} as const satisfies Record<InstrumentErrorCode, string>;

/** Runs what may throw `InstrumentError` and turns that into the refusal it means. */
export function refusing<T>(where: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof InstrumentError)) throw error;
    throw new MayflyError(CODES[error.code], `${where}: ${error.message}`, { cause: error });
  }
}
