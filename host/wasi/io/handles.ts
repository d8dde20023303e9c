/**
 * Resource handles that one invocation holds. Owned by the invocation; streams, pollables, descriptors and the
 * like report here when they come and go.
 *
 * 1. `live` is the number of resources made for the guest and not dropped by it.
 * 2. `live` never exceeds MAX_LIVE_HANDLES: one more ends the invocation. A handle costs 300-500 bytes of host memory
 *    (the object, and two table entries in the glue), so a flood is held to about 5 MB.
 */
import type { EndFlag, Ending } from '../ending.ts';

/** A busy server-like guest holds some dozens; a garbage-collected language may drop thousands late. */
export const MAX_LIVE_HANDLES = 10_000;

export class Handles {
  readonly #context: Ending;
  #live = 0;

  private constructor(context: Ending) {
    this.#context = context;
  }

  /** The one account of this invocation, whoever asks. */
  static of(context: Ending & { handles?: Handles | undefined }): Handles {
    context.handles ??= new Handles(context);
    return context.handles;
  }

  get live(): number {
    return this.#live;
  }

  /** Once the invocation is over, what waits then waits for ever. */
  get end(): EndFlag {
    return this.#context.end;
  }

  /** Counts a new resource. Throws (and thereby traps the guest) at the bound. */
  open(): void {
    if (this.#live >= MAX_LIVE_HANDLES) {
      throw this.#context.terminate(
        'function_trapped',
        `more than ${MAX_LIVE_HANDLES} resource handles at once`,
      );
    }
    this.#live += 1;
  }

  close(): void {
    this.#live -= 1;
  }
}
