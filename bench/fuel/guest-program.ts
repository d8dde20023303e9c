import { NO_HEADROOM } from '../../host/instance/rewind/memory-headroom.ts';
import { MODULE_BOUNDS } from '../../host/instrument/bounds.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import { METER_IMPORTS, METER_MODULE } from '../../host/instrument/meter-imports.ts';

/** As they are before a program's glue is given others. */
const { Module, Instance } = WebAssembly;

/** A program of the bench, in one of its two forms: `run` does the same fixed work each time it is called. */
export interface LoadedProgram {
  /** Gives something that tells whether both forms computed the same. */
  readonly run: () => unknown;
}

/** How a program's modules are compiled and instantiated: as they are, or metered. */
export interface Engine {
  readonly isMetered: boolean;
  compile(bytes: Uint8Array): WebAssembly.Module;
  instantiate(module: WebAssembly.Module, imports?: WebAssembly.Imports): WebAssembly.Instance;
}

export interface GuestProgram {
  readonly name: string;
  load(engine: Engine): Promise<LoadedProgram>;
}

export const PLAIN: Engine = {
  isMetered: false,
  compile: (bytes) => new Module(bytes as Uint8Array<ArrayBuffer>),
  instantiate: (module, imports) => new Instance(module, imports),
};

/** rustc nests blocks deeper than an upload may. */
const BOUNDS = { ...MODULE_BOUNDS, blockDepth: 4_000 };

export function meterModule(bytes: Uint8Array): Uint8Array {
  return instrument(bytes, BOUNDS).bytes;
}

/** More than any program of the bench uses, so that no check ever asks for more. */
const PLENTY = 2n ** 60n;

/** Meters what it compiles; `onModule` hears of each. `others` stand in for what the host gives otherwise. */
export function meteredEngine(
  onModule: (original: Uint8Array, metered: Uint8Array) => void,
  meter: (bytes: Uint8Array) => Uint8Array = meterModule,
  others: WebAssembly.ModuleImports = {},
): Engine {
  const host: WebAssembly.ModuleImports = {
    ...NO_HEADROOM,
    [METER_IMPORTS.fuel]: new WebAssembly.Global({ value: 'i64', mutable: true }, PLENTY),
    [METER_IMPORTS.refill]: () => {
      throw new Error('the bench ran out of fuel');
    },
    [METER_IMPORTS.reserveMemory]: () => 1,
    [METER_IMPORTS.releaseMemory]: () => {},
    [METER_IMPORTS.reserveTable]: () => 1,
    [METER_IMPORTS.releaseTable]: () => {},
    [METER_IMPORTS.objects]: new WebAssembly.Global({ value: 'i64', mutable: true }, PLENTY),
    [METER_IMPORTS.reserveObjects]: () => {},
    ...others,
  };
  return {
    isMetered: true,
    compile(bytes) {
      const metered = meter(bytes);
      onModule(bytes, metered);
      return new Module(metered as Uint8Array<ArrayBuffer>);
    },
    instantiate: (module, imports) => new Instance(module, { ...imports, [METER_MODULE]: host }),
  };
}
