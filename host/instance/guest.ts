/**
 * One instance of a component, from instantiation to its end.
 *
 * Every call from the host into the guest passes through here, because three things hang on it:
 *
 * 1. A trap is seen where it happens. jco's task loop may lose an error between its timers; `onTrap` hears
 *    each one first.
 * 2. A guest may be parked (JSPI) only when no JavaScript frame lies on its stack. `plainDepth` counts the
 *    frames that do: exports that the glue calls without `WebAssembly.promising` (realloc, post-return). A
 *    check of fuel below such a frame goes on without parking.
 * 3. After `end()`, no export can be entered, no timer fires, and what is parked is never resumed: the stacks
 *    become garbage with the instance.
 */
import { METER_IMPORTS, METER_MODULE } from '../instrument/meter-imports.ts';
import type { LoadedArtifact } from './artifact.ts';
import type { FuelAccount } from './fuel-account.ts';
import { GuestTimers } from './guest-timers.ts';
import { createRefill } from './refill.ts';
import { PAGE_UNIT, type SpaceAccount, unsignedAmount } from './space-account.ts';

export interface GuestOptions {
  readonly artifact: LoadedArtifact;
  readonly imports: Record<string, unknown>;
  readonly fuel: FuelAccount;
  readonly memory: SpaceAccount;
  readonly tables: SpaceAccount;
  /** Hears every error that leaves the guest's code, once per frame it passes. */
  readonly onTrap: (error: unknown) => void;
  /** Whether wall-clock time is up or the caller is gone: asked between slices, also where parking is impossible. */
  readonly isOver: () => boolean;
  /** Lets the thread do other work; resolves when it is this guest's turn again. Given the fuel used since the last time. */
  readonly yieldThread: (fuel: number) => Promise<void>;
}

type CoreFunction = (...args: unknown[]) => unknown;

export class Guest {
  readonly #options: GuestOptions;
  readonly #timers = new GuestTimers();
  /** Wrapped export -> the export itself, so that it can be linked into another core module. */
  readonly #originals = new WeakMap<CoreFunction, CoreFunction>();
  readonly #meter: WebAssembly.ModuleImports;
  #plainDepth = 0;
  #ended = false;

  constructor(options: GuestOptions) {
    this.#options = options;
    this.#meter = this.#createMeter();
  }

  /** Instantiates the component and gives its exports, as the glue names them. */
  async start(): Promise<Record<string, unknown>> {
    const { artifact, imports } = this.#options;
    const instantiate = artifact.glue.evaluate({
      WebAssembly: this.#facade(),
      setTimeout: (callback, delayMs) => this.#timers.set(callback, delayMs ?? 0, false),
      setInterval: (callback, delayMs) => this.#timers.set(callback, delayMs ?? 0, true),
      clearTimeout: (timer) => this.#timers.clear(timer),
      clearInterval: (timer) => this.#timers.clear(timer),
      queueMicrotask,
      console: SILENT,
    });
    return await instantiate(
      (name) => {
        const module = artifact.modules.get(name);
        if (module === undefined) throw new Error(`artifact has no core module ${name}`);
        return module;
      },
      imports,
      (module, coreImports) => this.#instantiateCore(module, coreImports),
    );
  }

  /** Invariant 3. Idempotent. */
  end(): void {
    this.#ended = true;
    this.#timers.end();
  }

  #instantiateCore(
    module: WebAssembly.Module,
    imports: WebAssembly.Imports = {},
  ): { exports: WebAssembly.Exports } {
    const linked: WebAssembly.Imports = { [METER_MODULE]: this.#meter };
    for (const [namespace, members] of Object.entries(imports)) linked[namespace] = this.#unwrapAll(members);
    let instance: WebAssembly.Instance;
    this.#plainDepth++;
    try {
      instance = new WebAssembly.Instance(module, linked);
    } catch (error) {
      this.#options.onTrap(error);
      throw error;
    } finally {
      this.#plainDepth--;
    }
    const exports: Record<string, WebAssembly.ExportValue> = {};
    for (const [name, value] of Object.entries(instance.exports)) {
      exports[name] = typeof value === 'function' ? this.#wrap(value as CoreFunction) : value;
    }
    return { exports };
  }

  #unwrapAll(members: WebAssembly.ModuleImports): WebAssembly.ModuleImports {
    const unwrapped: WebAssembly.ModuleImports = {};
    for (const [name, value] of Object.entries(members)) {
      unwrapped[name] = (
        typeof value === 'function' ? (this.#originals.get(value as CoreFunction) ?? value) : value
      ) as WebAssembly.ImportValue;
    }
    return unwrapped;
  }

  /** A plain call: it cannot be parked (invariant 2). */
  #wrap(original: CoreFunction): CoreFunction {
    const wrapped = (...args: unknown[]): unknown => {
      if (this.#ended) throw new EndedError();
      this.#timers.noteActivity();
      this.#plainDepth++;
      try {
        return original(...args);
      } catch (error) {
        this.#options.onTrap(error);
        throw error;
      } finally {
        this.#plainDepth--;
      }
    };
    this.#originals.set(wrapped, original);
    return wrapped;
  }

  /** `WebAssembly` for the glue: the real one, but calls that may be parked are made and watched by us. */
  #facade(): typeof WebAssembly {
    const facade = Object.create(WebAssembly) as Record<string, unknown>;
    facade['promising'] = (wrapped: CoreFunction) => {
      const promising = WebAssembly.promising(this.#originals.get(wrapped) ?? wrapped) as (
        ...args: unknown[]
      ) => Promise<unknown>;
      return (...args: unknown[]): Promise<unknown> => {
        if (this.#ended) return never();
        this.#timers.noteActivity();
        const depth = this.#plainDepth;
        this.#plainDepth = 0;
        try {
          const result = promising(...args);
          result.catch(this.#options.onTrap);
          return result;
        } finally {
          this.#plainDepth = depth;
        }
      };
    };
    return facade as unknown as typeof WebAssembly;
  }

  #createMeter(): WebAssembly.ModuleImports {
    const { fuel, memory, tables, isOver, yieldThread } = this.#options;
    let reported = 0;
    const decide = (): boolean => {
      if (isOver()) fuel.poison();
      return !fuel.grant() || this.#plainDepth > 0;
    };
    const park = (): Promise<void> => {
      const used = fuel.used - reported;
      reported += used;
      return yieldThread(used).then(() => {
        if (this.#ended) return never();
        if (isOver()) fuel.poison();
        return undefined;
      });
    };
    return {
      [METER_IMPORTS.fuel]: fuel.counter,
      [METER_IMPORTS.refill]: createRefill(decide, park),
      [METER_IMPORTS.reserveMemory]: (pages: bigint) =>
        Number(memory.reserve(unsignedAmount(pages, PAGE_UNIT))),
      [METER_IMPORTS.releaseMemory]: (pages: bigint) => memory.release(unsignedAmount(pages, PAGE_UNIT)),
      [METER_IMPORTS.reserveTable]: (entries: bigint) => Number(tables.reserve(unsignedAmount(entries, 1))),
      [METER_IMPORTS.releaseTable]: (entries: bigint) => tables.release(unsignedAmount(entries, 1)),
    };
  }
}

/** Thrown into glue that calls a guest which has ended; nobody waits for what it would do. */
class EndedError extends Error {
  override readonly name = 'EndedError';
}

/** A new promise each time: reactions on a shared one that never settles would pile up for good. */
function never(): Promise<never> {
  return new Promise(() => {});
}

/** jco reports guest errors on the console as it throws them; the engine reports each once, to its owner. */
const SILENT = { error() {}, debug() {}, warn() {}, log() {} };
