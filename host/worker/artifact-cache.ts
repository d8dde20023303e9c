/**
 * Artifacts held in memory under a byte budget, least recently used first out. The main thread keeps compiled
 * modules in one of these, every serving thread its evaluated glue in another.
 */
export class ArtifactCache<T> {
  readonly #load: (key: string) => Promise<T>;
  readonly #sizeOf: (value: T) => number;
  readonly #budgetBytes: number;
  readonly #ready = new Map<string, T>();
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
      this.#ready.delete(key);
      this.#ready.set(key, ready);
      return ready;
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
    this.#ready.set(key, value);
    this.#bytes += this.#sizeOf(value);
    for (const [oldest, held] of this.#ready) {
      if (this.#bytes <= this.#budgetBytes || oldest === key) break;
      this.#ready.delete(oldest);
      this.#bytes -= this.#sizeOf(held);
    }
    return value;
  }
}
