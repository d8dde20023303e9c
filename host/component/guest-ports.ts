import type { HostCallKind } from '../model/host-call-kind.ts';

/** A function between core code and the host: numbers, BigInts (i64) and nothing else. */
export type CoreFn = (...args: unknown[]) => unknown;

/**
 * What linking a component needs of the instance that it is linked for: every way into the guest and out of it passes
 * there, where it is charged, watched and parked. `instance/` implements it.
 */
export interface GuestPorts {
  /** Instantiates a core module of the artifact, with the meter's imports added; gives its exports as they are. */
  instantiate(moduleName: string, imports: WebAssembly.Imports): WebAssembly.Exports;
  /** A core export that is called where the guest cannot be parked (realloc, post-return). */
  plain(fn: CoreFn): CoreFn;
  /** A core export that the host enters as a task: may be parked. Resolves with its results, rejects with its trap. */
  promising(fn: CoreFn): (...args: unknown[]) => Promise<unknown>;
  /** A core import that answers at once. It counts as a canonical built-in unless it is of another `kind`. */
  hostCall(fn: CoreFn, kind?: HostCallKind): CoreFn;
  /** The same of one without parameters, such as a clock: nothing is made for its arguments. */
  hostValue<T>(fn: () => T, kind: HostCallKind): () => T;
  /**
   * A core import in which the guest may wait: a `WebAssembly.Suspending`. `fn` gives a value or a promise of one.
   * `onWait` is called when the stack begins to wait; what it gives is called right before the stack goes on, with nothing
   * of the guest running in between. Like an entry, going on waits while another stack is parked for its fuel.
   */
  waitingHostCall(fn: CoreFn, kind?: HostCallKind, onWait?: () => () => void): unknown;
  /**
   * Runs `run`, which may enter the guest or call its allocator: at once, or as soon as none of its stacks is parked for
   * its fuel, in the order of the calls. Never after the invocation has ended.
   */
  whenEnterable(run: () => void): void;
  /** The guest let others go first, and is about to be entered again: charged like a call in which it waits. */
  chargeYield(): void;
  /** The guest broke a rule, or the host failed it, where no call of it is there to throw at. */
  trap(error: unknown): void;
  /** Bytes or numbers that were copied between guest and host. */
  chargeLength(length: number): void;
  /** What else passed between them: other elements of lists, records, handles. */
  chargeElements(count: number): void;
  /**
   * What the running invocation gives its guest: interface -> name -> function or class. Looked up at each call, since
   * a linked component outlives its invocations.
   */
  imports(): Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
