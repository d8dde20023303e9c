import type { WasiContext } from '../context.ts';
import type { Handles } from './handles.ts';
import { Readiness } from './readiness.ts';

/** Longer lists end the guest: `poll` looks at every entry, and no guest can hold more live pollables. */
const MAX_POLLED = 10_000;

/** Of a blocking call that must not return: its invocation is over, or is being ended from outside. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => {});
}

/** Resource `wasi:io/poll#pollable` (WASI 0.2). */
export class Pollable {
  readonly #readiness: Readiness;
  readonly #handles: Handles | undefined;
  #onDrop: (() => void) | undefined;
  #dropped = false;

  private constructor(readiness: Readiness, handles: Handles | undefined, onDrop: (() => void) | undefined) {
    this.#readiness = readiness;
    this.#handles = handles;
    this.#onDrop = onDrop;
  }

  /**
   * @param isReady cheap, never throws
   * @param wait resolves once `isReady()`, never rejects; called only when somebody waits
   */
  static from(
    isReady: () => boolean,
    wait: () => Promise<void>,
    handles?: Handles,
    onDrop?: () => void,
  ): Pollable {
    return Pollable.of(new Readiness(isReady, wait), handles, onDrop);
  }

  /** Several pollables of one stream share its readiness. */
  static of(readiness: Readiness, handles?: Handles, onDrop?: () => void): Pollable {
    handles?.open();
    return new Pollable(readiness, handles, onDrop);
  }

  ready(): boolean {
    return this.#readiness.isReady();
  }

  /** Must not throw: its WIT type has no error, and jco would leave the guest hanging (see `createPoll`). */
  block(): void | Promise<void> {
    // jco hands a bare object of this prototype to a guest that made a handle up; it waits for its deadline.
    if (!(#readiness in this)) return never();
    const readiness = this.#readiness;
    if (readiness.isReady()) return undefined;
    const end = this.#handles?.end;
    return new Promise<void>((resolve) => {
      readiness.add(() => {
        if (end?.aborted !== true) resolve();
      });
    });
  }

  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#handles?.close();
    this.#onDrop?.();
    this.#onDrop = undefined;
  }

  /** What `poll` waits on; `undefined` for a handle that the guest made up. Not for guests: hence static. */
  static readinessOf(pollable: Pollable): Readiness | undefined {
    return #readiness in pollable ? pollable.#readiness : undefined;
  }
}

export type Poll = (pollables: readonly Pollable[]) => Uint32Array | Promise<Uint32Array>;

/**
 * `wasi:io/poll#poll`: the indexes of those that are ready, waiting for the first if none is. An empty list
 * and a made-up handle end the guest. They cannot be thrown: the function's WIT type has no error case, and a
 * suspending import of that kind that throws leaves the export's promise pending for ever. So the invocation
 * is ended from outside, and the call never returns.
 */
export function createPoll(context: WasiContext): Poll {
  function trap(detail: string): Promise<Uint32Array> {
    context.terminate('function_trapped', detail);
    return never();
  }

  return (pollables) => {
    if (pollables.length === 0) return trap('wasi:io/poll: the list of pollables is empty');
    if (pollables.length > MAX_POLLED) return trap(`wasi:io/poll: more than ${MAX_POLLED} pollables`);
    const watched: Readiness[] = [];
    for (const pollable of pollables) {
      const readiness = Pollable.readinessOf(pollable);
      if (readiness === undefined) return trap('wasi:io/poll: unknown pollable handle');
      watched.push(readiness);
    }
    const ready = readyIndexes(watched);
    if (ready.length > 0) return ready;
    return new Promise<Uint32Array>((resolve) => {
      function wake(): void {
        for (const readiness of watched) readiness.delete(wake);
        if (context.end.aborted) return;
        const indexes = readyIndexes(watched);
        // What woke us may have been taken by an earlier waiter in the same turn.
        if (indexes.length > 0) resolve(indexes);
        else for (const readiness of watched) readiness.add(wake);
      }
      for (const readiness of watched) readiness.add(wake);
    });
  };
}

/** What most polls give, which watch one thing that is ready. Nobody writes to it. */
const ONLY_FIRST: Uint32Array = Uint32Array.of(0);

function readyIndexes(watched: readonly Readiness[]): Uint32Array {
  if (watched.length === 1 && watched[0]!.isReady()) return ONLY_FIRST;
  const indexes: number[] = [];
  for (let index = 0; index < watched.length; index++) if (watched[index]!.isReady()) indexes.push(index);
  return new Uint32Array(indexes);
}
