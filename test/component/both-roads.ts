/** Components written by hand, on our own linker and on jco's glue: metered, and watched as the engine does. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { scanComponent } from '../../host/compiler/component-sections.ts';
import { readLinkPlan } from '../../host/compiler/link-plan.ts';
import { meterModules } from '../../host/compiler/meter-modules.ts';
import { transpileComponent } from '../../host/compiler/transpile.ts';
import type { World } from '../../host/compiler/world.ts';
import type { GuestPorts } from '../../host/component/guest-ports.ts';
import type { LinkedComponent } from '../../host/component/linked-component.ts';
import { PreparedPlan } from '../../host/component/prepared-plan.ts';
import { camelCase } from '../../host/component/record-codec.ts';
import { FuelAccount } from '../../host/instance/fuel-account.ts';
import { Glue } from '../../host/instance/glue.ts';
import { startGlue } from '../../host/instance/glue-guest.ts';
import { Guest } from '../../host/instance/guest.ts';
import { GuestTimers } from '../../host/instance/guest-timers.ts';
import { linkGuest } from '../../host/instance/linked-guest.ts';
import type { LinkPlan } from '../../host/model/link-plan.ts';
import { guestRun } from '../harness/engine-ports.ts';

export type Imports = ReturnType<GuestPorts['imports']>;
type Functions = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** An instance, and what was reported of it. */
export interface Running {
  readonly exports: Functions;
  readonly guest: Guest;
  readonly fuel: FuelAccount;
  readonly traps: unknown[];
  /** On our own road. */
  readonly component: LinkedComponent | undefined;
}

/** A component that was transpiled once. */
export interface BothRoads {
  readonly plan: LinkPlan;
  link(imports?: Imports): Running & { readonly component: LinkedComponent };
  glue(imports?: Imports): Promise<Running>;
}

/** @param handlerInterface the exported interface whose functions are called */
export async function bothRoads(wat: string, handlerInterface: string): Promise<BothRoads> {
  const bytes = await parse(wat);
  scanComponent(bytes);
  const world: World = { handler: 'wasi:cli/run@0.2', handlerInterface, eventInterfaces: {}, imports: [] };
  const transpiled = await transpileComponent(bytes, world);
  const { plan, reason } = readLinkPlan(bytes, world, transpiled.modules);
  if (plan === undefined) throw new Error(reason);
  const metered = meterModules(transpiled.modules);
  const modules = new Map(
    metered.map(({ name, bytes: code }) => [name, new WebAssembly.Module(Uint8Array.from(code))]),
  );
  const states = new Map(metered.map(({ name, state }) => [name, state]));
  const prepared = new PreparedPlan(plan);
  const glue = new Glue(transpiled.glue, 'glue');
  return {
    plan,
    link(imports = {}) {
      const { guest, fuel, traps } = newGuest();
      const { component } = linkGuest(guest, { plan: prepared, modules, states, imports: () => imports });
      return { exports: component.exports, guest, fuel, traps, component };
    },
    async glue(imports = {}) {
      const { guest, fuel, traps } = newGuest();
      const exports = await startGlue(guest, {
        glue,
        modules,
        imports,
        timers: new GuestTimers(),
      });
      return {
        exports: byName(plan, exports[transpiled.exportKey] as Functions),
        guest,
        fuel,
        traps,
        component: undefined,
      };
    },
  };
}

/** jco's names are in camel case. */
function byName({ exports }: LinkPlan, functions: Functions): Functions {
  return Object.fromEntries(exports.map(({ name }) => [name, functions[camelCase(name)]!]));
}

export function newGuest(): { guest: Guest; fuel: FuelAccount; traps: unknown[] } {
  const fuel = new FuelAccount(1_000_000_000);
  const traps: unknown[] = [];
  const guest = new Guest(guestRun({ fuel, onTrap: (error) => void traps.push(error) }));
  return { guest, fuel, traps };
}
