import type { LiveFunction } from '../model/function-version.ts';
import { type UsageBatch, UsageBatchWriter } from '../model/usage-batch.ts';
import type { InvocationUse } from '../model/usage-record.ts';

/** How long a record waits on its thread, and how many do: what a thread that dies takes along. */
export const USAGE_WINDOW_MS = 200;
export const USAGE_WINDOW_RECORDS = 1_000;

/** Gathers the usage records of this thread, and sends them on in batches. */
export class UsageRelay {
  readonly #send: (batch: UsageBatch) => void;
  readonly #writer = new UsageBatchWriter(USAGE_WINDOW_RECORDS);
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (batch: UsageBatch) => void) {
    this.#send = send;
  }

  append(live: LiveFunction, fuelModel: string, use: InvocationUse): void {
    this.#writer.append(live, fuelModel, use);
    if (this.#writer.isFull) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), USAGE_WINDOW_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writer.length > 0) this.#send(this.#writer.take());
  }
}
