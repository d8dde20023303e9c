import type { GuestPorts } from '../component/guest-ports.ts';
import { LinkedComponent } from '../component/linked-component.ts';
import type { PreparedPlan } from '../component/prepared-plan.ts';
import type { Guest } from './guest.ts';
import { ELEMENT_COST, LENGTH_COST, WAITING_CALL_COST } from './host-call-cost.ts';

/** What linking a component for a guest takes. */
export interface LinkParts {
  readonly plan: PreparedPlan;
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
  /** Of the running invocation, asked for at each call. */
  readonly imports: GuestPorts['imports'];
  readonly charge: (fuel: number) => void;
}

/** Makes an instance of a component by its plan. Throws what a start function of it throws. */
export function linkGuest(guest: Guest, { plan, modules, imports, charge }: LinkParts): LinkedComponent {
  const component = new LinkedComponent(plan, {
    instantiate: (name, coreImports) => {
      const module = modules.get(name);
      if (module === undefined) throw new Error(`artifact has no core module ${name}`);
      return guest.instantiate(module, coreImports);
    },
    plain: (fn) => guest.plain(fn),
    promising: (fn) => guest.promising(fn),
    hostCall: (fn) => guest.hostCall(fn),
    waitingHostCall: (fn, onWait) => guest.waitingHostCall(fn, onWait),
    whenEnterable: (run) => guest.whenEnterable(run),
    chargeYield: () => charge(WAITING_CALL_COST),
    trap: (error) => guest.trap(error),
    chargeLength: (length) => charge(length * LENGTH_COST),
    chargeElements: (count) => charge(count * ELEMENT_COST),
    imports,
  });
  guest.started();
  return component;
}
