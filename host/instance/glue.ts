/**
 * The glue of one artifact: JavaScript that jco generated, evaluated anew for every instance with the few
 * globals it may touch passed in. That gives each instance timers that end with it and a `WebAssembly` whose
 * calls into the guest are seen (see guest.ts); nothing of one evaluation is reachable from another.
 */
import { compileFunction } from 'node:vm';

/** What the glue sees as globals of these names. */
export interface GlueGlobals {
  readonly WebAssembly: typeof WebAssembly;
  readonly setTimeout: (callback: () => void, delayMs?: number) => unknown;
  readonly setInterval: (callback: () => void, delayMs?: number) => unknown;
  readonly clearTimeout: (timer: unknown) => void;
  readonly clearInterval: (timer: unknown) => void;
  readonly queueMicrotask: (callback: () => void) => void;
  readonly console: Pick<Console, 'error' | 'debug' | 'warn' | 'log'>;
  /** Bytes or numbers that pass between guest and host. */
  readonly chargeLength: (length: number) => void;
  /** Other things that do: strings of a list, records, handles. */
  readonly chargeElements: (count: number) => void;
  /** Bytes of a stream that are about to become an array of numbers. */
  readonly chargeRead: (count: number) => void;
  /** Makes a call of the host that its guest may not wait for. */
  readonly holdArguments: <T>(call: () => Promise<T>) => Promise<T>;
  /** As much of an error context's message as the host keeps. */
  readonly cutMessage: (message: string) => string;
}

/** jco's `instantiate` in its asynchronous form. */
export type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, unknown>,
  instantiateCore: (
    module: WebAssembly.Module,
    imports?: WebAssembly.Imports,
  ) => { exports: WebAssembly.Exports },
) => Promise<Record<string, unknown>> | Record<string, unknown>;

const PARAMETERS = [
  'WebAssembly',
  'setTimeout',
  'setInterval',
  'clearTimeout',
  'clearInterval',
  'queueMicrotask',
  'console',
  'chargeLength',
  'chargeElements',
  'chargeRead',
  'holdArguments',
  'cutMessage',
] as const satisfies readonly (keyof GlueGlobals)[];

export class Glue {
  readonly #evaluate: (...globals: unknown[]) => unknown;

  /**
   * @param script function body that returns `instantiate` (compiler/glue-script.ts writes it)
   * @param label shown in stack traces instead of a path
   */
  constructor(script: string, label: string) {
    this.#evaluate = compileFunction(script, [...PARAMETERS], { filename: label }) as (
      ...globals: unknown[]
    ) => unknown;
  }

  evaluate(globals: GlueGlobals): Instantiate {
    const instantiate = this.#evaluate(...PARAMETERS.map((name) => globals[name]));
    if (typeof instantiate !== 'function')
      throw new TypeError('the glue did not return its instantiate function');
    return instantiate as Instantiate;
  }
}
