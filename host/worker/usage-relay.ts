import type { LiveFunction } from '../model/function-version.ts';
import { type UsageBatch, UsageBatchWriter } from '../model/usage-batch.ts';
import type { InvocationUse } from '../model/usage-record.ts';

/** How long a record waits on its thread, and how many do: what a thread that dies takes along. */
export const USAGE_WINDOW_MS = 200;
export const USAGE_WINDOW_RECORDS = 1_000;

/** How long another's record of an invocation may take to be first. */
const LATE_MS = 1_000;

/** Gathers the usage records of this thread, and sends them on in batches. */
export class UsageRelay {
  readonly #sink: (batch: UsageBatch) => void;
  readonly #writer = new UsageBatchWriter(USAGE_WINDOW_RECORDS);
  #timer: NodeJS.Timeout | undefined;
  readonly #late = new Set<() => void>();

  constructor(send: (batch: UsageBatch) => void) {
    this.#sink = send;
  }

  append(live: LiveFunction, fuelModel: string, use: InvocationUse): void {
    this.#writer.append(live, fuelModel, use);
    if (this.#writer.isFull) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), USAGE_WINDOW_MS);
  }

  /**
   * For an invocation that another process may still tell of, and better: the ledger keeps the first record of its id. One
   * that lives tells within its window.
   */
  appendLate(live: LiveFunction, use: InvocationUse): void {
    const append = (): void => {
      clearTimeout(timer);
      this.#late.delete(append);
      this.append(live, '', use);
    };
    const timer = setTimeout(append, LATE_MS);
    this.#late.add(append);
  }

  flush(): void {
    for (const append of this.#late) append();
    this.#send();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writer.length > 0) this.#sink(this.#writer.take());
  }
}
