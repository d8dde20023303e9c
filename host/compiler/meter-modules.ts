import { instrument } from '../instrument/instrument.ts';
import type { ModuleShape } from '../instrument/module-shape.ts';
import type { ModuleState } from '../model/module-state.ts';
import { refusing } from './refusal.ts';
import type { CoreModule } from './transpile.ts';

/** A core module with fuel and memory accounting written into it. */
export interface MeteredModule {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** As it was before metering, to tell whose fault it is if the engine refuses the metered one. */
  readonly original: Uint8Array;
  readonly shape: ModuleShape;
  readonly state: ModuleState;
}

export function meterModules(modules: readonly CoreModule[]): MeteredModule[] {
  return modules.map(({ name, bytes }) =>
    refusing(`The core module ${name} cannot be metered`, () => {
      const metered = instrument(bytes);
      return { name, bytes: metered.bytes, original: bytes, shape: metered.shape, state: metered.state };
    }),
  );
}
