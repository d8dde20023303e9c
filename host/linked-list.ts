/**
 * A list from which any element can be taken out at once, for what comes and goes with every request.
 *
 * A `Map` or a `Set` is no such thing: V8 gives it a new table after every few additions, puts the new one in the old
 * generation if the map has got there, and the table that is thrown away keeps alive what is still written in it,
 * until the next collection of that generation. With requests in a few such maps, 14 % of all objects outlived each
 * collection of the young generation, and were copied twice (docs/decisions/0027-what-a-request-costs.md).
 *
 * A link that was taken out holds no other one, for the same reason.
 */
export class Link<T> {
  readonly value: T;
  before: Link<T> | undefined = undefined;
  after: Link<T> | undefined = undefined;
  isIn = false;

  constructor(value: T) {
    this.value = value;
  }
}

export class LinkedList<T> {
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): Link<T> | undefined {
    return this.#first;
  }

  /** Puts it at the end, also one that is in the list already. */
  append(link: Link<T>): void {
    if (link.isIn) {
      if (link === this.#last) return;
      this.remove(link);
    }
    link.isIn = true;
    link.before = this.#last;
    if (this.#last === undefined) this.#first = link;
    else this.#last.after = link;
    this.#last = link;
    this.#size++;
  }

  /** @param link of this list; without effect once it has been taken out */
  remove(link: Link<T>): void {
    if (!link.isIn) return;
    const { before, after } = link;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    link.isIn = false;
    link.before = undefined;
    link.after = undefined;
    this.#size--;
  }

  /** From the first one on. The one that was just given may be taken out meanwhile, those behind it may not. */
  *[Symbol.iterator](): IterableIterator<Link<T>> {
    let link = this.#first;
    while (link !== undefined) {
      const { after } = link;
      yield link;
      link = after;
    }
  }
}
