/**
 * A component, linked by its plan: core modules instantiated, their imports made of the host's functions, their exports
 * of functions that the host can call.
 *
 * 1. What is made here reaches everything of an invocation at each call anew: its imports through the ports, handles
 *    and the like through the state of the component instance. So linking is done once, however many invocations follow.
 * 2. `reset()` replaces that state. Memories, globals and tables are put back by whoever instantiates them (the ports).
 * 3. Only what the plan says is linked: it was read from a component that jco's validator accepted, so types fit.
 */
import type { EventHandlerName } from '../model/artifact.ts';
import type {
  CoreExport,
  CoreFunctionIndex,
  CoreInstance,
  CoreItem,
  LiftedFunction,
  LinkPlan,
} from '../model/link-plan.ts';
import { builtIn } from './built-ins.ts';
import { ComponentLink } from './component-link.ts';
import type { GuestPorts } from './guest-ports.ts';
import { adaptFunction, type GuestFunction, liftFunction } from './lift.ts';
import { liftAsync } from './lift-async.ts';
import { dropResource, lowerFunction } from './lower.ts';
import { lowerAsync } from './lower-async.ts';
import type { PreparedPlan } from './prepared-plan.ts';

const NO_EXPORTS: NonNullable<LinkPlan['eventExports']> = {};

export class LinkedComponent {
  readonly exports: Readonly<Record<string, GuestFunction>>;
  readonly eventExports: Readonly<Partial<Record<EventHandlerName, GuestFunction>>>;
  readonly #plan: LinkPlan;
  readonly #links: readonly ComponentLink[];
  readonly #coreFunctions: unknown[] = [];
  /** In the order of the plan, made of modules or put together. */
  readonly #instances: Readonly<Record<string, unknown>>[] = [];

  /** @throws what a start function of the guest throws */
  constructor(prepared: PreparedPlan, ports: GuestPorts) {
    const { plan } = prepared;
    this.#plan = plan;
    this.#links = Array.from(
      { length: plan.components },
      () => new ComponentLink(prepared, ports, (of) => this.#find(of)),
    );
    for (const step of plan.coreInstances) this.#instances.push(this.#instantiate(step, ports));
    this.exports = Object.fromEntries(plan.exports.map((lifted) => [lifted.name, this.#lift(lifted)]));
    this.eventExports = Object.fromEntries(
      Object.entries(plan.eventExports ?? NO_EXPORTS).map(([name, lifted]) => [name, this.#lift(lifted)]),
    );
  }

  #lift(lifted: LiftedFunction): GuestFunction {
    const isAsync = lifted.type.isAsync || lifted.options.isAsync;
    return (isAsync ? liftAsync : liftFunction)(this.#links[lifted.component]!, lifted);
  }

  /** Invariant 2. */
  reset(): void {
    for (const link of this.#links) link.reset();
  }

  #instantiate(step: CoreInstance, ports: GuestPorts): Readonly<Record<string, unknown>> {
    if (step.kind === 'exports')
      return Object.fromEntries(step.items.map(([name, item]) => [name, this.#item(item)]));
    const imports = Object.fromEntries(
      step.arguments.map(([namespace, index]) => [namespace, this.#instances[index]!]),
    );
    return ports.instantiate(step.module, imports as WebAssembly.Imports);
  }

  #item(item: CoreItem): unknown {
    return item.kind === 'export' ? this.#find(item.of) : this.#coreFunction(item.function);
  }

  #find({ instance, name }: CoreExport): unknown {
    const found = this.#instances[instance]?.[name];
    if (found === undefined) throw new Error(`core instance ${instance} has no export ${name}`);
    return found;
  }

  #coreFunction(index: CoreFunctionIndex): unknown {
    this.#coreFunctions[index] ??= this.#makeCoreFunction(index);
    return this.#coreFunctions[index];
  }

  #makeCoreFunction(index: CoreFunctionIndex): unknown {
    const made = this.#plan.coreFunctions[index]!;
    const link = this.#links[made.component]!;
    switch (made.kind) {
      case 'lower':
        return made.options.isAsync ? lowerAsync(link, made) : lowerFunction(link, made);
      case 'adapter':
        return adaptFunction(link, this.#links[made.callee.component]!, made);
      case 'resource.drop':
        return dropResource(link, made);
      default:
        return builtIn(link, made);
    }
  }
}
