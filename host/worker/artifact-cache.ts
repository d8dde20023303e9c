import { Link, LinkedList } from '../linked-list.ts';

interface Held<T> {
  readonly key: string;
  readonly value: T;
}

/**
 * Artifacts held in memory under a byte budget, least recently used first out. The main thread keeps compiled
 * modules in one of these, every serving thread its evaluated glue in another.
 */
export class ArtifactCache<T> {
  readonly #load: (key: string) => Promise<T>;
  readonly #sizeOf: (value: T) => number;
  readonly #budgetBytes: number;
  readonly #ready = new Map<string, Link<Held<T>>>();
  /** Least recently used first. */
  readonly #order = new LinkedList<Held<T>>();
  readonly #loading = new Map<string, Promise<T>>();
  #bytes = 0;

  constructor(options: {
    load: (key: string) => Promise<T>;
    sizeOf: (value: T) => number;
    budgetBytes: number;
  }) {
    this.#load = options.load;
    this.#sizeOf = options.sizeOf;
    this.#budgetBytes = options.budgetBytes;
  }

  /** At once when it is there; one load serves all who ask meanwhile, and a failed one is not kept. */
  get(key: string): T | Promise<T> {
    const ready = this.#ready.get(key);
    if (ready !== undefined) {
      this.#order.append(ready);
      return ready.value.value;
    }
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#load(key)
        .then((value) => this.#keep(key, value))
        .finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return loading;
  }

  #keep(key: string, value: T): T {
    const held = new Link<Held<T>>({ key, value });
    this.#ready.set(key, held);
    this.#order.append(held);
    this.#bytes += this.#sizeOf(value);
    for (const oldest of this.#order) {
      if (this.#bytes <= this.#budgetBytes || oldest === held) break;
      this.#order.remove(oldest);
      this.#ready.delete(oldest.value.key);
      this.#bytes -= this.#sizeOf(oldest.value.value);
    }
    return value;
  }
}
