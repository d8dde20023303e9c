import type { WasiContext } from '../context.ts';
import { createEnvironment } from './environment.ts';

/** `wasi:cli/environment` (WASI 0.3): one function has a new name. */
export function createEnvironment03(context: WasiContext) {
  const { getEnvironment, getArguments, initialCwd } = createEnvironment(context);
  return { getEnvironment, getArguments, getInitialCwd: initialCwd };
}
