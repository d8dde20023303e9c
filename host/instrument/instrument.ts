import type { ModuleState } from '../model/module-state.ts';
import type { ModuleBounds } from './bounds.ts';
import { InstrumentError } from './error.ts';
import { analyzeModule } from './module-analysis.ts';
import type { ModuleShape } from './module-shape.ts';
import { passingFunctions } from './passing.ts';
import { planMetering } from './plan.ts';
import { Rewriter } from './rewrite.ts';
import { planStateExports, withExports } from './state-exports.ts';

export interface InstrumentedModule {
  /** A view of a buffer that may be longer. */
  readonly bytes: Uint8Array;
  /** Of the module as it came, without what metering adds. */
  readonly shape: ModuleShape;
  /** What has to be put back to use an instance again. */
  readonly state: ModuleState;
}

/**
 * Writes fuel metering and caps on memories and tables into a core module (`docs/fuel.md`). The result imports
 * what meter-imports.ts lists, as far as it needs it, exports its state (module-state.ts), and otherwise behaves
 * as before. A module without code that costs anything, and without state that it hides, comes back as it is.
 *
 * The engine validates the input first: rewriting an invalid module could give a valid one, in which an index
 * out of range has come to name something of the host's.
 *
 * Throws `InstrumentError`: `malformed`, `too_complex` (see `bounds`), `unsupported`.
 */
export function instrument(moduleBytes: Uint8Array, bounds?: ModuleBounds): InstrumentedModule {
  const { layout, shape, usage, features, declarationEdits, code, bytes } = analyzeModule(
    moduleBytes,
    bounds,
  );
  try {
    requireValid(bytes);
    const passing = passingFunctions(layout, usage, features);
    const { state, added } = planStateExports(bytes, layout, usage, features);
    const plan = planMetering(layout, usage, passing);
    if (plan === undefined) return { bytes: withExports(moduleBytes, layout, added), shape, state };
    const rewriter = new Rewriter(bytes, layout, plan, declarationEdits, code, added);
    return { bytes: rewriter.write(), shape, state };
  } finally {
    code.release();
  }
}

function requireValid(moduleBytes: Uint8Array): void {
  if (WebAssembly.validate(moduleBytes)) return;
  let reason = 'the module is not valid';
  try {
    // Compiling says why, which validating does not.
    new WebAssembly.Module(moduleBytes);
  } catch (error) {
    if (error instanceof Error) reason += `: ${error.message.replace(/^WebAssembly\.Module\(\): /, '')}`;
  }
  throw new InstrumentError('malformed', reason, 0);
}
