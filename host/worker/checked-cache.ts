/**
 * What a serving thread was told by the main thread, for as long as a change counter says that it still holds.
 *
 * 1. A value is given out only under the count at which it was asked for, or a later asker's; a change while the
 *    question was under way makes the answer stale at once.
 * 2. Absence is not kept: who asks for what does not exist pushes nothing out.
 */
interface Entry<T> {
  readonly count: number;
  readonly value: T;
}

export class CheckedCache<T> {
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry<T>>();

  /** @param capacity entries kept; the one that was asked for longest ago goes first */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** @param count of the counters that `key` depends on, read by the caller now */
  get(key: string, count: number, ask: () => Promise<T | undefined>): T | undefined | Promise<T | undefined> {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.count === count) return entry.value;
    return this.#fetch(key, count, ask);
  }

  async #fetch(key: string, count: number, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const value = await ask();
    this.#entries.delete(key);
    if (value === undefined) return undefined;
    this.#entries.set(key, { count, value });
    if (this.#entries.size > this.#capacity) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return value;
  }
}
