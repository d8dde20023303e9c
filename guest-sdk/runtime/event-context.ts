import { Context } from './span.ts';

/** The third argument of `queue` and `scheduled`. */
export class EventContext extends Context {
  readonly #pending: Promise<unknown>[] = [];

  /** The event is over once the promise is settled; if it rejects, the event has failed. Nothing runs after that. */
  waitUntil(promise: unknown): void {
    const pending = Promise.resolve(promise);
    // Whoever waits hears of it in `settled`; until then it is not unhandled.
    pending.catch(() => {});
    this.#pending.push(pending);
  }

  /** What is added meanwhile is waited for, too. */
  async settled(): Promise<void> {
    for (let at = 0; at < this.#pending.length; at++) await this.#pending[at];
  }
}

/** What the host is told of an error. */
export function errorText(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
