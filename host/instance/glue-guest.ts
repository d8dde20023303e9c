import { ErrorContext } from '../component/error-context.ts';
import { COMPONENT_CALL, type HostCallKind, kindOfCoreImport } from '../model/host-call-kind.ts';
import type { Glue } from './glue.ts';
import type { CoreFunction, Guest } from './guest.ts';
import type { GuestTimers } from './guest-timers.ts';
import { ELEMENT_COST, LENGTH_COST } from './host-call-cost.ts';
import { type ImportShim, ImportShims } from './import-shims.ts';
import { LiftedBytes } from './lifted-bytes.ts';

/** What V8 takes for one in an array. */
const NUMBER_BYTES = 8;

/** What instantiating a component through jco's glue takes. */
export interface GlueParts {
  readonly glue: Glue;
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
  readonly imports: Record<string, unknown>;
  /** The glue's own, which end with the invocation. */
  readonly timers: GuestTimers;
}

/** Instantiates a component through its glue and gives its exports, as the glue names them. */
export async function startGlue(
  guest: Guest,
  { glue, modules, imports, timers }: GlueParts,
): Promise<Record<string, unknown>> {
  const lifted = new LiftedBytes();
  const seen = new SeenExports(guest, lifted);
  const instantiate = glue.evaluate({
    WebAssembly: seen.facade(),
    setTimeout: (callback, delayMs) => timers.set(callback, delayMs ?? 0, false),
    setInterval: (callback, delayMs) => timers.set(callback, delayMs ?? 0, true),
    clearTimeout: (timer) => timers.clear(timer),
    clearInterval: (timer) => timers.clear(timer),
    queueMicrotask,
    console: SILENT,
    chargeLength(length) {
      guest.charge(length * LENGTH_COST);
      lifted.addLength(length);
    },
    chargeElements(count) {
      guest.charge(count * ELEMENT_COST);
      lifted.addElements(count);
    },
    chargeRead(count) {
      guest.charge(count * LENGTH_COST);
      lifted.begin();
      lifted.addLength(count * NUMBER_BYTES);
    },
    holdArguments: (call) => lifted.hold(call),
    cutMessage: (message) => new ErrorContext(message).debugMessage,
  });
  const exports = await instantiate(
    (name) => {
      const module = modules.get(name);
      if (module === undefined) throw new Error(`artifact has no core module ${name}`);
      return module;
    },
    imports,
    (module, coreImports) => seen.instantiate(module, coreImports),
  );
  guest.started();
  return exports;
}

/** A `WebAssembly.Suspending` of the glue, until it is known under which name a core module imports it. */
class WaitingImport {
  readonly call: CoreFunction;

  constructor(call: CoreFunction) {
    this.call = call;
  }
}

/** Exports of core instances in the wrapping that the glue calls, and what they were before it. */
class SeenExports {
  readonly #guest: Guest;
  /** Wrapped export -> the export itself, so that it can be linked into another core module. */
  readonly #originals = new WeakMap<CoreFunction, CoreFunction>();
  readonly #shims = new ImportShims();
  readonly #lifted: LiftedBytes;

  constructor(guest: Guest, lifted: LiftedBytes) {
    this.#guest = guest;
    this.#lifted = lifted;
  }

  instantiate(
    module: WebAssembly.Module,
    imports: WebAssembly.Imports = {},
  ): { exports: WebAssembly.Exports } {
    const linked: WebAssembly.Imports = {};
    const shim = this.#shims.filledBy(imports);
    for (const [namespace, members] of Object.entries(imports))
      linked[namespace] = this.#unwrapAll(namespace, members, shim);
    const originals = this.#guest.instantiate(module, linked);
    this.#shims.note(originals);
    const exports: Record<string, WebAssembly.ExportValue> = {};
    for (const [name, value] of Object.entries(originals)) {
      exports[name] = typeof value === 'function' ? this.#wrap(value as CoreFunction) : value;
    }
    return { exports };
  }

  #wrap(original: CoreFunction): CoreFunction {
    const wrapped = this.#guest.plain(original);
    this.#originals.set(wrapped, original);
    return wrapped;
  }

  #unwrapAll(
    namespace: string,
    members: WebAssembly.ModuleImports,
    shim: ImportShim | undefined,
  ): WebAssembly.ModuleImports {
    const unwrapped: WebAssembly.ModuleImports = {};
    for (const [name, value] of Object.entries(members)) {
      const original = this.#originals.get(value as CoreFunction);
      const kind = shim?.get(name) ?? kindOfCoreImport(namespace, name);
      if (original !== undefined) this.#shims.imported(original, kind);
      unwrapped[name] = (original ?? this.#hostImport(value, kind)) as WebAssembly.ImportValue;
    }
    return unwrapped;
  }

  #hostImport(value: unknown, kind: HostCallKind): unknown {
    if (value instanceof WaitingImport) return this.#guest.waitingHostCall(this.#bounded(value.call), kind);
    return typeof value === 'function'
      ? this.#guest.hostCall(this.#bounded(value as CoreFunction), kind)
      : value;
  }

  #bounded(call: CoreFunction): CoreFunction {
    return (...args) => {
      this.#lifted.begin();
      return call(...args);
    };
  }

  /** `WebAssembly` for the glue: the real one, but calls that may be parked are made and watched by the guest. */
  facade(): typeof WebAssembly {
    const guest = this.#guest;
    const facade = Object.create(WebAssembly) as Record<string, unknown>;
    facade['promising'] = (wrapped: CoreFunction) => guest.promising(this.#originals.get(wrapped) ?? wrapped);
    facade['Suspending'] = WaitingImport;
    // The glue's own little modules, by which one component calls another one where it may wait.
    facade['Instance'] = function Instance(module: WebAssembly.Module, imports: WebAssembly.Imports = {}) {
      const linked = Object.entries(imports).map(([namespace, members]) => {
        const given = Object.entries(members).map(([name, value]) => {
          const waiting: unknown = value;
          const isWaiting = waiting instanceof WaitingImport;
          return [name, isWaiting ? guest.waitingHostCall(waiting.call, COMPONENT_CALL) : value] as const;
        });
        return [namespace, Object.fromEntries(given) as WebAssembly.ModuleImports] as const;
      });
      return new WebAssembly.Instance(module, Object.fromEntries(linked));
    };
    return facade as unknown as typeof WebAssembly;
  }
}

/** jco reports guest errors on the console as it throws them; the engine reports each once, to its owner. */
const SILENT = { error() {}, debug() {}, warn() {}, log() {} };
