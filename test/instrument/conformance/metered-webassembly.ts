/**
 * Makes every module that this process compiles a metered one: for packages that compile their own modules and
 * should not have to know. One host answers them all.
 */

import { NO_HEADROOM } from '../../../host/instance/rewind/memory-headroom.ts';
import { MODULE_BOUNDS, type ModuleBounds } from '../../../host/instrument/bounds.ts';
import { instrument } from '../../../host/instrument/instrument.ts';
import { METER_IMPORTS, METER_MODULE } from '../../../host/instrument/meter-imports.ts';

type Source = ArrayBuffer | ArrayBufferView<ArrayBuffer>;

const UNLIMITED = 2n ** 60n;
/** Compilers of Rust and Go exceed what an upload may have: deeper blocks, longer functions. */
const BOUNDS: ModuleBounds = {
  ...MODULE_BOUNDS,
  blockDepth: 50_000,
  functionBytes: 64 << 20,
  localsTotal: MODULE_BOUNDS.localsTotal * 100,
};

const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

export interface MeteredProcess {
  /** All that any module has used. */
  readonly fuel: () => number;
  /** Bytes of all modules before and after metering. */
  readonly bytes: { plain: number; metered: number };
}

function viewOf(source: Source): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

export function meterThisProcess(): MeteredProcess {
  // What meters is WebAssembly itself, and compiled for the first module: not by what would meter it.
  instrument(EMPTY_MODULE);
  const fuel = new WebAssembly.Global({ value: 'i64', mutable: true }, UNLIMITED);
  const granted = (): number => 1;
  const nothing = (): void => {};
  const meter: Record<string, WebAssembly.ImportValue> = {
    ...NO_HEADROOM,
    [METER_IMPORTS.fuel]: fuel,
    [METER_IMPORTS.refill]: nothing,
    [METER_IMPORTS.reserveMemory]: granted,
    [METER_IMPORTS.releaseMemory]: nothing,
    [METER_IMPORTS.reserveTable]: granted,
    [METER_IMPORTS.releaseTable]: nothing,
    [METER_IMPORTS.objects]: new WebAssembly.Global({ value: 'i64', mutable: true }, UNLIMITED),
    [METER_IMPORTS.reserveObjects]: nothing,
  };
  const bytes = { plain: 0, metered: 0 };
  const metered = (source: Source): Uint8Array<ArrayBuffer> => {
    const plain = viewOf(source);
    const result = instrument(plain, BOUNDS).bytes as Uint8Array<ArrayBuffer>;
    bytes.plain += plain.length;
    bytes.metered += result.length;
    return result;
  };
  const withMeter = (imports: WebAssembly.Imports = {}): WebAssembly.Imports => ({
    ...imports,
    [METER_MODULE]: meter,
  });
  const engine = WebAssembly;
  class Module extends engine.Module {
    constructor(source: Source) {
      super(metered(source));
    }
  }
  class Instance extends engine.Instance {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, withMeter(imports));
    }
  }
  const compile = async (source: Source): Promise<WebAssembly.Module> => new Module(source);
  const instantiate = async (
    source: Source | WebAssembly.Module,
    imports?: WebAssembly.Imports,
  ): Promise<unknown> => {
    if (source instanceof engine.Module) return new Instance(source, imports);
    const module = new Module(source);
    return { module, instance: new Instance(module, imports) };
  };
  const bodyOf = async (response: Response | Promise<Response>): Promise<ArrayBuffer> =>
    (await response).arrayBuffer();
  Object.assign(WebAssembly, {
    Module,
    Instance,
    compile,
    instantiate,
    compileStreaming: async (response: Response) => compile(await bodyOf(response)),
    instantiateStreaming: async (response: Response, imports?: WebAssembly.Imports) =>
      instantiate(await bodyOf(response), imports),
  });
  return { fuel: () => Number(UNLIMITED - fuel.value), bytes };
}
