import type { ModuleBounds } from './bounds.ts';
import { analyzeModule } from './module-analysis.ts';
import type { ModuleShape } from './module-shape.ts';

/**
 * What a core module declares, or why it is refused: a bounded scan, in time linear in its length and in
 * memory that declared counts alone cannot drive up. It decodes every instruction but checks no types: a
 * module that passes may still be invalid.
 *
 * Throws `InstrumentError`: `malformed`, `too_complex` (see `bounds`), `unsupported`.
 */
export function inspectModule(bytes: Uint8Array, bounds?: ModuleBounds): ModuleShape {
  const { shape, code } = analyzeModule(bytes, bounds);
  code.release();
  return shape;
}
