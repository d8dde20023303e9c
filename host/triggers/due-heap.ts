/** What is due first comes out first: a binary heap. Putting in and taking out take the logarithm of how many there are. */
export class DueHeap<T> {
  readonly #items: { readonly atMs: number; readonly value: T }[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** When the first is due; undefined where there is none. */
  get firstMs(): number | undefined {
    return this.#items[0]?.atMs;
  }

  push(atMs: number, value: T): void {
    const items = this.#items;
    let at = items.length;
    items.push({ atMs, value });
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent]!.atMs <= items[at]!.atMs) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** The first, if it is due by then. */
  popUntil(nowMs: number): T | undefined {
    const [first] = this.#items;
    if (first === undefined || first.atMs > nowMs) return undefined;
    const last = this.#items.pop()!;
    if (this.#items.length > 0) {
      this.#items[0] = last;
      this.#sink();
    }
    return first.value;
  }

  clear(): void {
    this.#items.length = 0;
  }

  #sink(): void {
    const items = this.#items;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = at;
      if (left < items.length && items[left]!.atMs < items[least]!.atMs) least = left;
      if (right < items.length && items[right]!.atMs < items[least]!.atMs) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(one: number, other: number): void {
    const items = this.#items;
    [items[one], items[other]] = [items[other]!, items[one]!];
  }
}
