/**
 * The sleeps of one invocation. One listener on the invocation's signal serves them all: a guest that sets a
 * thousand timers must not make Node warn about a thousand listeners.
 *
 * 1. `#pending` holds exactly the sleeps that are neither over nor cancelled.
 * 2. The listener is there as long as any sleep is pending.
 * 3. At most MAX_SLEEPS are pending; one more ends the invocation. Pollables are bounded already (as handles), the
 *    async calls of WASI 0.3 are not.
 */
import type { WasiContext } from '../context.ts';
import { never } from '../io/poll.ts';

/** A timer takes about 1 KiB of host memory. */
const MAX_SLEEPS = 10_000;

export class Sleeps {
  readonly #context: WasiContext;
  readonly #pending = new Set<AbortController>();
  readonly #onAbort = (): void => this.#cancelAll();

  constructor(context: WasiContext) {
    this.#context = context;
  }

  /** Resolves at the monotonic instant; never, once it is cancelled or the invocation is over. */
  start(instantNs: bigint): { readonly over: Promise<void>; cancel(): void } {
    const { clock, signal } = this.#context;
    if (signal.aborted) return { over: never(), cancel: () => {} };
    if (this.#pending.size >= MAX_SLEEPS) {
      // Nothing to throw to: neither `poll` nor `wait-for` has an error case (see `createPoll`).
      this.#context.terminate('function_trapped', `More than ${MAX_SLEEPS} timers at once.`);
      return { over: never(), cancel: () => {} };
    }
    const controller = new AbortController();
    if (this.#pending.size === 0) signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#pending.add(controller);
    const over = clock.sleepUntil(instantNs, controller.signal).then(() => this.#forget(controller));
    return {
      over,
      cancel: () => {
        controller.abort();
        this.#forget(controller);
      },
    };
  }

  #forget(controller: AbortController): void {
    this.#pending.delete(controller);
    if (this.#pending.size === 0) this.#context.signal.removeEventListener('abort', this.#onAbort);
  }

  #cancelAll(): void {
    for (const controller of this.#pending) controller.abort();
    this.#pending.clear();
  }
}
