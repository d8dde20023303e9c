/**
 * The part of `ReadableStream` (https://streams.spec.whatwg.org) that bodies need: default readers, async
 * iteration, `pull` with back-pressure, `from`. No byte readers, `tee` or pipes.
 */
export interface StreamController<T> {
  /** 1 when the stream wants more, 0 when it has some waiting. */
  readonly desiredSize: number;
  enqueue(chunk: T): void;
  close(): void;
  error(reason: unknown): void;
}

export interface StreamSource<T> {
  start?(controller: StreamController<T>): unknown;
  pull?(controller: StreamController<T>): unknown;
  cancel?(reason: unknown): unknown;
}

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'errored'; readonly reason: unknown };

export class ReadableStream<T = Uint8Array> {
  readonly #source: StreamSource<T>;
  readonly #controller: StreamController<T>;
  readonly #queue: T[] = [];
  readonly #started: Promise<unknown>;
  #state: State = { kind: 'open' };
  #waiting: (() => void) | undefined;
  #isLocked = false;
  #isDisturbed = false;

  constructor(source: StreamSource<T> = {}) {
    const stream = this;
    this.#source = source;
    this.#controller = {
      get desiredSize() {
        return stream.#queue.length === 0 ? 1 : 0;
      },
      enqueue: (chunk) => {
        if (this.#state.kind !== 'open') throw new TypeError('cannot enqueue: the stream is no longer open');
        this.#queue.push(chunk);
        this.#wake();
      },
      close: () => this.#become({ kind: 'closed' }),
      error: (reason) => this.#become({ kind: 'errored', reason }),
    };
    this.#started = this.#call(() => source.start?.(this.#controller));
  }

  static from<T>(iterable: AsyncIterable<T> | Iterable<T>): ReadableStream<T> {
    const iterator =
      Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
    return new ReadableStream<T>({
      async pull(controller) {
        const next = await iterator.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel(reason) {
        await iterator.return?.(reason);
      },
    });
  }

  #become(state: State): void {
    if (this.#state.kind === 'open') this.#state = state;
    this.#wake();
  }

  #wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }

  /** What a source throws becomes the stream's error. */
  async #call(step: () => unknown): Promise<void> {
    try {
      await step();
    } catch (reason) {
      this.#queue.length = 0;
      this.#become({ kind: 'errored', reason });
    }
  }

  async #read(): Promise<IteratorResult<T, undefined>> {
    this.#isDisturbed = true;
    await this.#started;
    for (;;) {
      const chunk = this.#queue.shift();
      if (chunk !== undefined) return { done: false, value: chunk };
      if (this.#state.kind === 'errored') throw this.#state.reason;
      if (this.#state.kind === 'closed') return { done: true, value: undefined };
      const woken = new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
      if (this.#source.pull) await this.#call(() => this.#source.pull?.(this.#controller));
      if (this.#queue.length === 0 && this.#state.kind === 'open') await woken;
    }
  }

  get locked(): boolean {
    return this.#isLocked;
  }

  async cancel(reason?: unknown): Promise<void> {
    this.#isDisturbed = true;
    if (this.#state.kind !== 'open') return;
    this.#queue.length = 0;
    this.#become({ kind: 'closed' });
    await this.#source.cancel?.(reason);
  }

  /** Whether anybody has read from it, or given it up. */
  static isDisturbed(stream: ReadableStream): boolean {
    return stream.#isDisturbed;
  }

  /** Locks it for good: what it would give goes elsewhere. */
  static seize(stream: ReadableStream): void {
    stream.#isLocked = true;
    stream.#isDisturbed = true;
  }

  getReader(): ReadableStreamReader<T> {
    if (this.#isLocked) throw new TypeError('the stream is locked to a reader');
    this.#isLocked = true;
    return {
      read: () => this.#read(),
      cancel: (reason) => this.cancel(reason),
      releaseLock: () => {
        this.#isLocked = false;
      },
    };
  }

  async *values(): AsyncGenerator<T, void, undefined> {
    const reader = this.getReader();
    let isComplete = false;
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
      isComplete = true;
    } finally {
      if (!isComplete) await reader.cancel();
      reader.releaseLock();
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return this.values();
  }
}

export interface ReadableStreamReader<T> {
  read(): Promise<IteratorResult<T, undefined>>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}
