/** What waits, of tenants that take turns: one of each in a round, its oldest. What several wait for is taken once. */
export class Turns<T> {
  /** In the order of their turns. */
  readonly #lines = new Map<string, Set<T>>();
  readonly #waiting = new Set<T>();

  get size(): number {
    return this.#waiting.size;
  }

  /** @param tenants nobody's have a line of their own */
  wait(tenants: readonly string[], item: T): void {
    this.#waiting.add(item);
    for (const tenant of tenants.length === 0 ? [''] : tenants) {
      const line = this.#lines.get(tenant);
      if (line === undefined) this.#lines.set(tenant, new Set([item]));
      else line.add(item);
    }
  }

  /** Undefined if nothing waits. */
  take(): T | undefined {
    for (const [tenant, line] of this.#lines) {
      this.#lines.delete(tenant);
      for (const item of line) {
        line.delete(item);
        // Another one's turn may have come before.
        if (!this.#waiting.delete(item)) continue;
        if (line.size > 0) this.#lines.set(tenant, line);
        return item;
      }
    }
    return undefined;
  }
}
