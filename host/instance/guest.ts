/**
 * One instance of a component, whichever road made it: jco's glue (glue-guest.ts) or our own linker
 * (linked-guest.ts). It outlives its invocations where it can be rewound (slot.ts); `begin` and `end` enclose each.
 *
 * Every call from the host into the guest passes through here, because these things hang on it:
 *
 * 1. A trap is seen where it happens. jco's task loop may lose an error between its timers, and guest code may catch
 *    one that a function of the host threw; `onTrap` hears each one first.
 * 2. A guest may be parked (JSPI) only when no JavaScript frame lies on its stack. `plainDepth` counts the
 *    frames that do: exports that are called without `WebAssembly.promising` (realloc, post-return), and
 *    instantiation (start functions). A check of fuel below such a frame goes on without parking, a bounded
 *    number of times, since nobody else is served meanwhile; what it was granted there is taken back behind the
 *    frame, so that the guest is parked at its next check. (Most charges come from host calls, and the first check
 *    behind one is often that of a `cabi_realloc`: such a guest would never be parked otherwise.)
 * 3. After `end()`, no export can be entered and no function of the host called, and what is parked is resumed once
 *    more, with an error: V8 frees neither a parked stack nor its instance (parked-calls.ts). It is quiet once the
 *    last stack has unwound; only then it may begin anew.
 * 4. A guest that is parked for its fuel may be in the middle of anything, its allocator included: nobody enters it
 *    until it goes on. A call that can wait does; one that cannot ends the guest.
 * 5. Every function that core code imports from the host is charged when it is called (host-call-cost.ts). A guest
 *    that waited goes on when it is its turn.
 * 6. What belongs to one invocation hangs on its `Run`. Whoever waits (a promise, a stack) holds the run in which it
 *    began to, and does nothing once that is over.
 * 7. Where its code is entered, goes on or is left, the thread notes it: a guest that comes to no check of fuel is found by that (guest-note.ts).
 */
import { MayflyError } from '../errors/errors.ts';
import { METER_IMPORTS, METER_MODULE } from '../instrument/meter-imports.ts';
import { COMPONENT_CALL, type HostCallKind } from '../model/host-call-kind.ts';
import { EndedError, endedError } from './ended-error.ts';
import { type GuestRun, Run } from './guest-run.ts';
import { CALL_COST, WAITING_CALL_COST } from './host-call-cost.ts';
import { ObjectAccount } from './object-account.ts';
import { createRefill } from './refill.ts';
import { NO_HEADROOM } from './rewind/memory-headroom.ts';
import { PAGE_UNIT, type SpaceAccount, unsignedAmount } from './space-account.ts';

/**
 * Slices that a guest may use in a row where it cannot be parked; others wait 20 to 70 ms then. Legitimate code gets by
 * with a fraction of one, but for a JavaScript engine that collects garbage in `cabi_realloc`. Below three slices for
 * each of nine tenants, which is what a small call may wait (docs/fairness.md).
 */
const MAX_UNPARKED_SLICES = 20;

/** The same while it is instantiated: a start function may set up a language's whole runtime. 0.1 to 0.3 s. */
const MAX_START_SLICES = 100;

export type CoreFunction = (...args: unknown[]) => unknown;

export class Guest {
  /** What its code counts down (instrument/); each invocation's account counts on it. */
  readonly counter: WebAssembly.Global<'i64'>;
  /** The same for objects. */
  readonly #objectCounter: WebAssembly.Global<'i64'> = new WebAssembly.Global(
    { value: 'i64', mutable: true },
    0n,
  );
  /** Made for the first core instance: an instance goes into it (refill.ts). */
  #meter: WebAssembly.ModuleImports | undefined;
  readonly #exports: WebAssembly.Exports[] = [];
  #run: Run;
  #isStarting = true;
  #calledHost = false;

  /** @param first who instantiates it */
  constructor(first: GuestRun) {
    this.counter = first.fuel.counter;
    this.#run = new Run(first);
  }

  /** Start functions have run: from now on it may be parked. */
  started(): void {
    this.#isStarting = false;
  }

  /** Whether initialisation called a function of the host: then its outcome is not the component's alone. */
  get calledHostAtStart(): boolean {
    return this.#calledHost;
  }

  /** Another invocation; the one before has ended and is quiet. */
  begin(run: GuestRun): void {
    if (this.#run.objects !== undefined) this.#objectCounter.value = 0n;
    this.#run = new Run(run);
  }

  /** Invariant 3. Idempotent. */
  end(): void {
    this.#run.hasEnded = true;
    this.#run.parked.end(endedError);
    this.#run.objects?.end();
  }

  /** Those of its core instances; metering exports each one. */
  get memories(): ReadonlySet<WebAssembly.Memory> {
    const memories = new Set<WebAssembly.Memory>();
    for (const exports of this.#exports)
      for (const value of Object.values(exports))
        if (value instanceof WebAssembly.Memory) memories.add(value);
    return memories;
  }

  /** Calls of functions of the host by the invocation that runs, or ran last. */
  get callCounts(): Readonly<Pick<Run, 'immediateCalls' | 'waitingCalls' | 'hostCalls'>> {
    return this.#run;
  }

  /** Whether it was refused objects for want of room in the thread. */
  get lacksObjectSpace(): boolean {
    return this.#run.objects?.lackedThreadSpace ?? false;
  }

  /** Invariant 3, after `end()`: at once where no stack is left, or when the last one has unwound. */
  whenQuiet(callback: () => void): void {
    if (this.#run.entered === 0) callback();
    else this.#run.onQuiet = callback;
  }

  /**
   * A core instance with the meter's imports added; its exports as the engine gives them.
   * @param headroom of its memories, where they have any (rewind/memory-headroom.ts)
   */
  instantiate(
    module: WebAssembly.Module,
    imports: WebAssembly.Imports,
    headroom: WebAssembly.ModuleImports = NO_HEADROOM,
  ): WebAssembly.Exports {
    const run = this.#run;
    this.#meter ??= this.#createMeter();
    const meter = { ...this.#meter, ...headroom };
    const { note, owner } = run.by;
    const depth = note.enter(owner);
    run.plainDepth++;
    try {
      const { exports } = new WebAssembly.Instance(module, { ...imports, [METER_MODULE]: meter });
      this.#exports.push(exports);
      return exports;
    } catch (error) {
      run.by.onTrap(error);
      throw error;
    } finally {
      run.leavePlainFrame();
      note.leave(depth);
    }
  }

  /** Invariant 5, for a function of the host that answers at once. */
  hostCall(call: CoreFunction, kind: HostCallKind = COMPONENT_CALL): CoreFunction {
    return (...args) => {
      const run = this.#callHost(CALL_COST);
      run.immediateCalls++;
      run.hostCalls[kind]!++;
      try {
        return call(...args);
      } catch (error) {
        run.by.onTrap(error);
        throw error;
      }
    };
  }

  /** The same without parameters: with rest parameters V8 makes an array for none, and passes it on by a slower way. */
  hostValue<T>(call: () => T, kind: HostCallKind): () => T {
    return () => {
      const run = this.#callHost(CALL_COST);
      run.immediateCalls++;
      run.hostCalls[kind]!++;
      try {
        return call();
      } catch (error) {
        run.by.onTrap(error);
        throw error;
      }
    };
  }

  /**
   * Invariant 5, for one that the guest may wait in.
   * @param onWait called when its stack is about to be parked; what it gives, right before the stack goes on
   */
  waitingHostCall(
    call: CoreFunction,
    kind: HostCallKind = COMPONENT_CALL,
    onWait?: () => () => void,
  ): unknown {
    const waiting = (...args: unknown[]): unknown => {
      const run = this.#callHost(WAITING_CALL_COST);
      run.waitingCalls++;
      run.hostCalls[kind]!++;
      const { goOn, onTrap, note, owner } = run.by;
      let result: unknown;
      try {
        result = call(...args);
      } catch (error) {
        onTrap(error);
        throw error;
      }
      if (!(result instanceof Promise)) {
        run.noteDetour();
        return result;
      }
      note.pause();
      const onGoOn = onWait?.();
      let isResuming = false;
      const resume = (): void => {
        isResuming = true;
        run.resuming++;
      };
      const whenItMay = (value: unknown): unknown => {
        if (!run.isEnterable)
          return new Promise<void>((resolve) => run.whenEnterable(() => resolve(resume()))).then(() => value);
        resume();
        return value;
      };
      const resumed = result.then(
        (value) => {
          // Its stack has unwound, and what it used was reckoned up: `goOn` is asked for the living.
          if (run.hasEnded) return value;
          const turn = goOn();
          return turn === undefined ? whenItMay(value) : turn.then(() => whenItMay(value));
        },
        (error: unknown) => {
          onTrap(error);
          resume();
          throw error;
        },
      );
      const parked = run.parked.hold(resumed);
      const goesOn = (): void => {
        // Not of one that was ended where it waited.
        if (isResuming) run.resuming--;
        note.goOn(owner);
        onGoOn?.();
        run.offerEntries();
      };
      parked.then(goesOn, goesOn);
      return parked;
    };
    return new WebAssembly.Suspending(waiting as (...args: unknown[]) => Promise<unknown>);
  }

  /**
   * Runs what may enter the guest, or call its allocator, when no stack of it is parked for its fuel or about to go on
   * (invariant 4): at once, or in its turn. Not after the end.
   */
  whenEnterable(enter: () => void): void {
    this.#run.whenEnterable(enter);
  }

  /** What was passed between guest and host. */
  charge(fuel: number): void {
    this.#run.by.fuel.charge(fuel);
  }

  /** One that cannot be told on a stack of the guest. */
  trap(error: unknown): void {
    this.#run.by.onTrap(error);
  }

  /** An export that is called below a frame of JavaScript: it cannot be parked (invariant 2). */
  plain(original: CoreFunction): CoreFunction {
    return (...args: unknown[]): unknown => {
      const run = this.#run;
      if (run.hasEnded) throw new EndedError();
      run.by.onEnter?.();
      if (run.preempted > 0) refuseReentry(run);
      const { note, owner } = run.by;
      const depth = note.enter(owner);
      run.plainDepth++;
      try {
        return original(...args);
      } catch (error) {
        run.by.onTrap(error);
        throw error;
      } finally {
        run.leavePlainFrame();
        note.leave(depth);
      }
    };
  }

  /** An export that may be parked. Its promise never settles if the invocation ends before it is entered. */
  promising(original: CoreFunction): (...args: unknown[]) => Promise<unknown> {
    const promising = WebAssembly.promising(original) as (...args: unknown[]) => Promise<unknown>;
    const enter = (run: Run, args: readonly unknown[]): Promise<unknown> => {
      if (run.hasEnded) return never();
      if (run.preempted > 0) return nextTurn().then(() => enter(run, args));
      run.by.onEnter?.();
      const { note, owner } = run.by;
      const depth = note.enter(owner);
      const { plainDepth } = run;
      run.plainDepth = 0;
      run.entered++;
      try {
        const result = promising(...args);
        result.then(
          () => run.left(),
          (error: unknown) => {
            run.by.onTrap(error);
            run.left();
          },
        );
        return result;
      } finally {
        run.plainDepth = plainDepth;
        note.leave(depth);
      }
    };
    // Entered at once: jco notes the task that runs right before it calls, and a later entry would find another one's.
    return (...args: unknown[]): Promise<unknown> => enter(this.#run, args);
  }

  /** The run in which a function of the host is called. */
  #callHost(cost: number): Run {
    const run = this.#run;
    if (run.hasEnded) throw new EndedError();
    if (this.#isStarting) this.#calledHost = true;
    run.by.fuel.charge(cost);
    return run;
  }

  /** Ends a guest that keeps the thread to itself (invariant 2), or fills its heap meanwhile. */
  #countUnparked(run: Run): void {
    run.unparkedSlices++;
    const where = this.#isStarting ? 'start function' : 'cabi_realloc or post-return';
    if (run.unparkedSlices > (this.#isStarting ? MAX_START_SLICES : MAX_UNPARKED_SLICES)) {
      const detail = `The guest's ${where} runs for too long where it cannot be interrupted.`;
      run.by.onTrap(new MayflyError('function_trapped', detail));
    } else if (!run.hasOnlyComputed && run.by.mustEnd()) {
      const detail = `The thread ran short of memory for host objects while the guest's ${where} could not be interrupted.`;
      run.by.onTrap(new MayflyError('thread_out_of_memory', detail));
    } else return;
    run.by.fuel.poison();
  }

  #createMeter(): WebAssembly.ModuleImports {
    const decide = (): boolean => {
      const run = this.#run;
      const { fuel, isOver, keepsThread, note } = run.by;
      note.beat();
      const isParkable = run.plainDepth === 0;
      if (isOver()) fuel.poison();
      else if (!isParkable) this.#countUnparked(run);
      return !fuel.grant() || !isParkable || keepsThread(run.hasOnlyComputed);
    };
    const park = (): Promise<void> => {
      const run = this.#run;
      run.unparkedSlices = 0;
      run.preempted++;
      run.by.note.pause();
      return run.parked.park(run.by.yieldThread);
    };
    const goOn = (): void => {
      const run = this.#run;
      run.preempted--;
      run.noteResumption();
      if (run.by.isOver()) run.by.fuel.poison();
      run.offerEntries();
    };
    const memory = (): SpaceAccount => this.#run.by.memory;
    const tables = (): SpaceAccount => this.#run.by.tables;
    return {
      [METER_IMPORTS.fuel]: this.counter,
      [METER_IMPORTS.refill]: createRefill(decide, park, goOn),
      [METER_IMPORTS.reserveMemory]: (pages: bigint) =>
        Number(memory().reserve(unsignedAmount(pages, PAGE_UNIT))),
      [METER_IMPORTS.releaseMemory]: (pages: bigint) => memory().release(unsignedAmount(pages, PAGE_UNIT)),
      [METER_IMPORTS.reserveTable]: (entries: bigint) => Number(tables().reserve(unsignedAmount(entries, 1))),
      [METER_IMPORTS.releaseTable]: (entries: bigint) => tables().release(unsignedAmount(entries, 1)),
      [METER_IMPORTS.objects]: this.#objectCounter,
      [METER_IMPORTS.reserveObjects]: () => {
        const run = this.#run;
        run.objects ??= new ObjectAccount(run.by.memory, this.#objectCounter);
        if (run.hasEnded) run.objects.end();
        run.objects.reserve();
      },
    };
  }
}

/** A string or list for a guest that is parked for its fuel: its allocator cannot be called (invariant 4). */
function refuseReentry({ by }: Run): never {
  const error = new MayflyError(
    'function_trapped',
    'The host had a value for the guest while it was computing.',
  );
  by.onTrap(error);
  throw error;
}

/** A later turn of the event loop, after the run queue had its own. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A new promise each time: reactions on a shared one that never settles would pile up for good. */
function never(): Promise<never> {
  return new Promise(() => {});
}
