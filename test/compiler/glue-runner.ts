/** Runs an artifact's glue and modules in this thread, with imports by hand: no engine of ours in between. */
import { compileFunction } from 'node:vm';
import { NO_HEADROOM } from '../../host/instance/rewind/memory-headroom.ts';
import { METER_IMPORTS, METER_MODULE } from '../../host/instrument/meter-imports.ts';

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, unknown>,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
) => Promise<Record<string, Command>>;

/** `wasi:cli/run`, as the glue gives it: an error result is a rejection. */
export interface Command {
  run(): Promise<void>;
}

export interface Running {
  readonly exports: Record<string, Command>;
  /** Fuel used so far. */
  fuelUsed(): bigint;
}

const BUDGET = 10n ** 12n;

export async function runGlue(
  glue: string,
  modules: ReadonlyMap<string, Uint8Array>,
  imports: Record<string, unknown>,
): Promise<Running> {
  const instantiate = compileFunction(glue, [
    'WebAssembly',
    'chargeLength',
    'chargeElements',
    'holdArguments',
  ])(
    WebAssembly,
    () => {},
    () => {},
    (call: () => unknown) => call(),
  ) as Instantiate;
  const fuel = new WebAssembly.Global({ value: 'i64', mutable: true }, BUDGET);
  const meter = {
    ...NO_HEADROOM,
    [METER_IMPORTS.fuel]: fuel,
    [METER_IMPORTS.refill]: () => {},
    [METER_IMPORTS.reserveMemory]: () => 1,
    [METER_IMPORTS.releaseMemory]: () => {},
    [METER_IMPORTS.reserveTable]: () => 1,
    [METER_IMPORTS.releaseTable]: () => {},
    [METER_IMPORTS.objects]: new WebAssembly.Global({ value: 'i64', mutable: true }, 2n ** 60n),
    [METER_IMPORTS.reserveObjects]: () => {},
  };
  const exports = await instantiate(
    (name) => {
      const bytes = modules.get(name);
      if (bytes === undefined) throw new Error(`the glue asks for ${name}, which is not there`);
      return new WebAssembly.Module(Uint8Array.from(bytes));
    },
    imports,
    (module, given) => new WebAssembly.Instance(module, { ...given, [METER_MODULE]: meter }),
  );
  return { exports, fuelUsed: () => BUDGET - fuel.value };
}
