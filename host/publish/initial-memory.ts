import { MayflyError } from '../errors/errors.ts';

/** Throws `component_memory_too_large` if an artifact's memories start out with more than a function may have. */
export function assertMemoryFits(
  modules: readonly { readonly initialMemoryBytes: number }[],
  memoryBytes: number,
): void {
  const initial = modules.reduce((sum, module) => sum + module.initialMemoryBytes, 0);
  if (initial <= memoryBytes) return;
  throw new MayflyError(
    'component_memory_too_large',
    `The component starts with ${initial} bytes of memory; the function may have ${memoryBytes}.`,
  );
}
