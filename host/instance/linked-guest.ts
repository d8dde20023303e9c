import type { GuestPorts } from '../component/guest-ports.ts';
import { LinkedComponent } from '../component/linked-component.ts';
import type { PreparedPlan } from '../component/prepared-plan.ts';
import type { ModuleState } from '../model/module-state.ts';
import type { Guest } from './guest.ts';
import { ELEMENT_COST, LENGTH_COST, WAITING_CALL_COST } from './host-call-cost.ts';
import type { CoreInstance } from './rewind/core-state.ts';
import { MemoryHeadrooms } from './rewind/memory-headroom.ts';

/** What linking a component for a guest takes. */
export interface LinkParts {
  readonly plan: PreparedPlan;
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
  /** What each of them changes while it runs. */
  readonly states: ReadonlyMap<string, ModuleState>;
  /** Of the running invocation, asked for at each call. */
  readonly imports: GuestPorts['imports'];
}

export interface LinkedGuest {
  readonly component: LinkedComponent;
  /** Those that were made of modules, for whoever captures their state. */
  readonly instances: readonly CoreInstance[];
  /** Of their memories; every instance of a component has the same, also one that is used once. */
  readonly headrooms: MemoryHeadrooms;
}

/** Makes an instance of a component by its plan. Throws what a start function of it throws. */
export function linkGuest(guest: Guest, { plan, modules, states, imports }: LinkParts): LinkedGuest {
  const headrooms = new MemoryHeadrooms();
  const instances: CoreInstance[] = [];
  const component = new LinkedComponent(plan, {
    instantiate: (name, coreImports) => {
      const module = modules.get(name);
      const state = states.get(name);
      if (module === undefined || state === undefined) throw new Error(`artifact has no core module ${name}`);
      const given = headrooms.importsFor(state, coreImports);
      const exports = guest.instantiate(module, coreImports, given);
      headrooms.note(state, given, exports);
      instances.push({ state, exports });
      return exports;
    },
    plain: (fn) => guest.plain(fn),
    promising: (fn) => guest.promising(fn),
    hostCall: (fn, kind) => guest.hostCall(fn, kind),
    hostValue: (fn, kind) => guest.hostValue(fn, kind),
    waitingHostCall: (fn, kind, onWait) => guest.waitingHostCall(fn, kind, onWait),
    whenEnterable: (run) => guest.whenEnterable(run),
    chargeYield: () => guest.charge(WAITING_CALL_COST),
    trap: (error) => guest.trap(error),
    chargeLength: (length) => guest.charge(length * LENGTH_COST),
    chargeElements: (count) => guest.charge(count * ELEMENT_COST),
    imports,
  });
  headrooms.grow();
  guest.started();
  return { component, instances, headrooms };
}
