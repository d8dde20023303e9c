import type { WasiContext } from '../context.ts';

/** Where relative paths start; the only directory that a guest is given. */
const INITIAL_DIRECTORY = '/';

/** `wasi:cli/environment` (WASI 0.2). */
export function createEnvironment(context: WasiContext) {
  return {
    getEnvironment: () => context.environment,
    getArguments: () => context.args,
    initialCwd: () => INITIAL_DIRECTORY,
  };
}
