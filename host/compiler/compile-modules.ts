import type { MeteredModule } from './meter-modules.ts';
import { malformed, unsupported } from './refusal.ts';
import { toolMessage } from './tool-failure.ts';

/**
 * Has the engine take every metered module, so that its limits show when publishing and not at the first
 * invocation. Throws `component_malformed` where it refuses the module itself, `component_unsupported` where
 * only metering made it too big.
 */
export async function compileModules(modules: readonly MeteredModule[]): Promise<void> {
  for (const { name, bytes, original } of modules) {
    try {
      await WebAssembly.compile(bytes);
    } catch (cause) {
      if (!WebAssembly.validate(original)) {
        throw malformed(`The engine refuses the core module ${name}: ${toolMessage(cause)}`, cause);
      }
      throw unsupported(
        `The engine refuses the core module ${name} once it is metered: ${toolMessage(cause)}`,
        cause,
      );
    }
  }
}
