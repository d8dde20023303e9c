import { COMPONENT_CALL, type HostCallKind } from '../model/host-call-kind.ts';
import type {
  CanonicalFunction,
  CanonicalOptions,
  CoreExport,
  FunctionType,
  LinkPlan,
} from '../model/link-plan.ts';
import { CanonicalContext, type Realloc } from './canonical-context.ts';
import type { CodecSet } from './codec-set.ts';
import type { CoreFn, GuestPorts } from './guest-ports.ts';
import type { HostFunction } from './host-function.ts';
import { InstanceState, type StateHolder } from './instance-state.ts';
import type { PreparedPlan } from './prepared-plan.ts';
import type { Signature } from './signature.ts';

/** Finds what a core instance that was made before exports. */
export type CoreExports = (of: CoreExport) => unknown;

/** One component instance while it is linked: what lifting, lowering and the built-ins of it have in common. */
export class ComponentLink {
  readonly plan: LinkPlan;
  readonly ports: GuestPorts;
  readonly codecs: CodecSet;
  readonly #prepared: PreparedPlan;
  readonly holder: StateHolder;
  readonly #find: CoreExports;
  readonly #contexts = new Map<string, CanonicalContext>();

  constructor(prepared: PreparedPlan, ports: GuestPorts, find: CoreExports) {
    this.#prepared = prepared;
    this.plan = prepared.plan;
    this.codecs = prepared.codecs;
    this.ports = ports;
    this.#find = find;
    this.holder = { current: new InstanceState(ports) };
  }

  signature(type: FunctionType): Signature {
    return this.#prepared.signature(type);
  }

  hostFunction(lowered: Extract<CanonicalFunction, { kind: 'lower' }>): HostFunction {
    return this.#prepared.hostFunction(lowered)(this.ports);
  }

  coreFunction(of: CoreExport): CoreFn {
    return this.#find(of) as CoreFn;
  }

  /**
   * One for all functions with the same memory, allocator and encoding: a view of the memory is made once per growth.
   * Their calls never overlap between `begin()` and the last value.
   */
  context(options: CanonicalOptions): CanonicalContext {
    const key = this.#prepared.contextKey(options);
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    const { memory, realloc, stringEncoding } = options;
    const context = new CanonicalContext(this.holder, this.ports, stringEncoding);
    context.attach(
      memory === null ? undefined : (this.#find(memory) as WebAssembly.Memory),
      realloc === null ? undefined : (this.ports.plain(this.coreFunction(realloc)) as Realloc),
    );
    this.#contexts.set(key, context);
    return context;
  }

  /** A core import in which the guest may wait, for the task that it is in. */
  waitingHostCall(fn: CoreFn, kind: HostCallKind = COMPONENT_CALL): unknown {
    return this.ports.waitingHostCall(fn, kind, () => {
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
