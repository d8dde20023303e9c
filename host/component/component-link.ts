import type { CanonicalOptions, CoreExport, FunctionType, LinkPlan } from '../model/link-plan.ts';
import { CanonicalContext, type Realloc } from './canonical-context.ts';
import type { CodecSet } from './codec-set.ts';
import type { CoreFn, GuestPorts } from './guest-ports.ts';
import { InstanceState, type StateHolder } from './instance-state.ts';
import { Signature } from './signature.ts';

/** Finds what a core instance that was made before exports. */
export type CoreExports = (of: CoreExport) => unknown;

/** One component instance while it is linked: what lifting, lowering and the built-ins of it have in common. */
export class ComponentLink {
  readonly plan: LinkPlan;
  readonly ports: GuestPorts;
  readonly codecs: CodecSet;
  readonly holder: StateHolder;
  readonly #find: CoreExports;
  readonly #contexts = new Map<string, CanonicalContext>();

  constructor(plan: LinkPlan, ports: GuestPorts, codecs: CodecSet, find: CoreExports) {
    this.plan = plan;
    this.ports = ports;
    this.codecs = codecs;
    this.#find = find;
    this.holder = { current: new InstanceState(ports) };
  }

  signature(type: FunctionType): Signature {
    return new Signature(type, this.plan, this.codecs);
  }

  coreFunction(of: CoreExport): CoreFn {
    return this.#find(of) as CoreFn;
  }

  /**
   * One for all functions with the same memory, allocator and encoding: a view of the memory is made once per growth.
   * Their calls never overlap between `begin()` and the last value.
   */
  context({ memory, realloc, stringEncoding }: CanonicalOptions): CanonicalContext {
    const key = JSON.stringify([memory, realloc, stringEncoding]);
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    const context = new CanonicalContext(this.holder, this.ports, stringEncoding);
    context.attach(
      memory === null ? undefined : (this.#find(memory) as WebAssembly.Memory),
      realloc === null ? undefined : (this.ports.plain(this.coreFunction(realloc)) as Realloc),
    );
    this.#contexts.set(key, context);
    return context;
  }

  /** A core import in which the guest may wait, for the task that it is in. */
  waitingHostCall(fn: CoreFn): unknown {
    return this.ports.waitingHostCall(fn, () => {
      const state = this.holder.current;
      const task = state.currentTask;
      return () => {
        state.currentTask = task;
      };
    });
  }

  /** A fresh state; whoever holds the old one sees that it has ended. */
  reset(): void {
    this.holder.current.end();
    this.holder.current = new InstanceState(this.ports);
  }
}
