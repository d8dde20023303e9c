/**
 * One instance of a component, from instantiation to its end.
 *
 * Every call from the host into the guest passes through here, because three things hang on it:
 *
 * 1. A trap is seen where it happens. jco's task loop may lose an error between its timers; `onTrap` hears
 *    each one first.
 * 2. A guest may be parked (JSPI) only when no JavaScript frame lies on its stack. `plainDepth` counts the
 *    frames that do: exports that the glue calls without `WebAssembly.promising` (realloc, post-return), and
 *    instantiation (start functions). A check of fuel below such a frame goes on without parking, a bounded
 *    number of times, since nobody else is served meanwhile; what it was granted there is taken back behind the
 *    frame, so that the guest is parked at its next check. (Most charges come from host calls, and the first check
 *    behind one is often that of a `cabi_realloc`: such a guest would never be parked otherwise.)
 * 3. After `end()`, no export can be entered, no timer fires, and what is parked is resumed once more, with an
 *    error: V8 frees neither a parked stack nor its instance (parked-calls.ts).
 * 4. A guest that is parked for its fuel may be in the middle of anything, its allocator included: nobody enters it
 *    until it goes on. A call that can wait does; one that cannot ends the guest.
 * 5. Every function that core code imports from the glue is charged when it is called (host-call-cost.ts). A guest
 *    that waited goes on when it is its turn.
 */

import { MayflyError } from '../errors.ts';
import { METER_IMPORTS, METER_MODULE } from '../instrument/meter-imports.ts';
import type { LoadedArtifact } from './artifact.ts';
import type { FuelAccount } from './fuel-account.ts';
import { GuestTimers } from './guest-timers.ts';
import { CALL_COST, ELEMENT_COST, LENGTH_COST, WAITING_CALL_COST } from './host-call-cost.ts';
import { ParkedCalls } from './parked-calls.ts';
import { createRefill } from './refill.ts';
import { NO_HEADROOM } from './rewind/memory-headroom.ts';
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
  /** Lets the thread do other work; resolves when it is this guest's turn again. */
  readonly yieldThread: () => Promise<void>;
  /**
   * Whether no other guest waits for the thread: then a second slice follows the first at once. A turn of the event
   * loop behind a slice takes up to 15 µs, of which a lone guest would pay one for each millisecond.
   */
  readonly isAlone: () => boolean;
  /** Asked before it goes on after it waited for the host: at once (undefined), or when it is its turn. */
  readonly goOn: () => Promise<void> | undefined;
}

/**
 * Slices that a guest may use in a row where it cannot be parked; others wait 20 to 70 ms then. Legitimate code gets by
 * with a fraction of one, but for a JavaScript engine that collects garbage in `cabi_realloc`. Below three slices for
 * each of nine tenants, which is what a small call may wait (docs/fairness.md).
 */
const MAX_UNPARKED_SLICES = 20;

/** The same while it is instantiated: a start function may set up a language's whole runtime. 0.1 to 0.3 s. */
const MAX_START_SLICES = 100;

type CoreFunction = (...args: unknown[]) => unknown;

export class Guest {
  readonly #options: GuestOptions;
  readonly #timers = new GuestTimers();
  readonly #parked = new ParkedCalls();
  /** Wrapped export -> the export itself, so that it can be linked into another core module. */
  readonly #originals = new WeakMap<CoreFunction, CoreFunction>();
  readonly #meter: WebAssembly.ModuleImports;
  #plainDepth = 0;
  #isStarting = true;
  /** Slices in a row that were granted where it could not be parked. */
  #unparkedSlices = 0;
  #isInSecondSlice = false;
  /** Stacks of this guest that are parked for their fuel (invariant 4). */
  #preempted = 0;
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
      chargeLength: (length) => this.#options.fuel.charge(length * LENGTH_COST),
      chargeElements: (count) => this.#options.fuel.charge(count * ELEMENT_COST),
    });
    const exports = await instantiate(
      (name) => {
        const module = artifact.modules.get(name);
        if (module === undefined) throw new Error(`artifact has no core module ${name}`);
        return module;
      },
      imports,
      (module, coreImports) => this.#instantiateCore(module, coreImports),
    );
    this.#isStarting = false;
    return exports;
  }

  /** Invariant 3. Idempotent. */
  end(): void {
    this.#ended = true;
    this.#timers.end();
    this.#parked.end(new EndedError());
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
      this.#leavePlainFrame();
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
        typeof value === 'function'
          ? (this.#originals.get(value as CoreFunction) ?? this.#hostCall(value as CoreFunction))
          : value
      ) as WebAssembly.ImportValue;
    }
    return unwrapped;
  }

  /** Invariant 5, for a function of the glue that answers at once. */
  #hostCall(call: CoreFunction): CoreFunction {
    const { fuel } = this.#options;
    return (...args) => {
      fuel.charge(CALL_COST);
      return call(...args);
    };
  }

  /** Invariant 5, for one that the guest may wait in. */
  #waitingHostCall(call: CoreFunction): CoreFunction {
    const { fuel, goOn } = this.#options;
    return (...args) => {
      fuel.charge(WAITING_CALL_COST);
      const result = call(...args);
      if (!(result instanceof Promise)) return result;
      const resumed = result.then((value) => {
        const turn = goOn();
        return turn === undefined ? value : turn.then(() => value);
      });
      return this.#parked.hold(resumed);
    };
  }

  /** A plain call: it cannot be parked (invariant 2). */
  #wrap(original: CoreFunction): CoreFunction {
    const wrapped = (...args: unknown[]): unknown => {
      if (this.#ended) throw new EndedError();
      this.#timers.noteActivity();
      if (this.#preempted > 0) this.#refuseReentry();
      this.#plainDepth++;
      try {
        return original(...args);
      } catch (error) {
        this.#options.onTrap(error);
        throw error;
      } finally {
        this.#leavePlainFrame();
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
      const enter = (args: readonly unknown[]): Promise<unknown> => {
        if (this.#ended) return never();
        if (this.#preempted > 0) return nextTurn().then(() => enter(args));
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
      // Entered at once: jco notes the task that runs right before it calls, and a later entry would find another one's.
      return (...args: unknown[]): Promise<unknown> => enter(args);
    };
    const suspending = (call: CoreFunction): unknown =>
      new WebAssembly.Suspending(this.#waitingHostCall(call) as (...args: unknown[]) => Promise<unknown>);
    facade['Suspending'] = function Suspending(call: CoreFunction): unknown {
      return suspending(call);
    };
    return facade as unknown as typeof WebAssembly;
  }

  /** A string or list for a guest that is parked for its fuel: its allocator cannot be called (invariant 4). */
  #refuseReentry(): never {
    const error = new MayflyError(
      'function_trapped',
      'The host had a value for the guest while it was computing.',
    );
    this.#options.onTrap(error);
    throw error;
  }

  #leavePlainFrame(): void {
    this.#plainDepth--;
    if (this.#plainDepth === 0 && this.#unparkedSlices > 0) this.#options.fuel.retract();
  }

  /** Ends a guest that keeps the thread to itself (invariant 2). */
  #countUnparked(): void {
    this.#unparkedSlices++;
    if (this.#unparkedSlices <= (this.#isStarting ? MAX_START_SLICES : MAX_UNPARKED_SLICES)) return;
    const where = this.#isStarting ? 'start function' : 'cabi_realloc or post-return';
    const detail = `The guest's ${where} runs for too long where it cannot be interrupted.`;
    this.#options.onTrap(new MayflyError('function_trapped', detail));
    this.#options.fuel.poison();
  }

  #createMeter(): WebAssembly.ModuleImports {
    const { fuel, memory, tables, isAlone, isOver, yieldThread } = this.#options;
    const decide = (): boolean => {
      let goesOn = this.#plainDepth > 0;
      if (isOver()) fuel.poison();
      else if (goesOn) this.#countUnparked();
      else if (!this.#isInSecondSlice && isAlone()) {
        this.#isInSecondSlice = true;
        goesOn = true;
      }
      return !fuel.grant() || goesOn;
    };
    const park = (): Promise<void> => {
      this.#unparkedSlices = 0;
      this.#isInSecondSlice = false;
      const turn = yieldThread().then(() => {
        if (isOver()) fuel.poison();
      });
      const parked = this.#parked.hold(turn);
      this.#preempted++;
      // The reaction before V8's own on this promise: nothing runs between it and the guest's going on.
      const goesOn = (): void => void this.#preempted--;
      parked.then(goesOn, goesOn);
      return parked;
    };
    return {
      ...NO_HEADROOM,
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

/** A later turn of the event loop, after the run queue had its own. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A new promise each time: reactions on a shared one that never settles would pile up for good. */
function never(): Promise<never> {
  return new Promise(() => {});
}

/** jco reports guest errors on the console as it throws them; the engine reports each once, to its owner. */
const SILENT = { error() {}, debug() {}, warn() {}, log() {} };
