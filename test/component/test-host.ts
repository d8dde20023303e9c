/** The host of `built-ins.wat`, driven by the test. */
import type { GuestStreamReader } from '../../host/component/guest-reader.ts';

export class TestHost {
  /** Calls of `wait` in flight: argument -> what settles it. */
  readonly waits = new Map<number, (value: number) => void>();
  /** Chunks that `numbers` gives, in this order; then it ends. */
  chunks: (Uint8Array | Promise<Uint8Array>)[] = [];
  isNumbersClosed = false;
  /** Chunks that are known before `numbers` is asked to wait for them. */
  eagerChunks: Uint8Array[] = [];
  /** What the guest handed over. */
  readonly taken: GuestStreamReader = undefined as never;
  takenFuture: PromiseLike<unknown> & Partial<Disposable> = Promise.resolve();
  texts: AsyncIterable<string> = (async function* () {})();
  isJoinLate = false;
  joinWhen: Promise<void> = Promise.resolve();
  answer: Promise<unknown> = new Promise(() => {});
  #onWait: (() => void) | undefined;

  readonly imports = {
    'test:host/api': {
      wait: (n: number): Promise<number> =>
        new Promise((resolve) => {
          this.waits.set(n, resolve);
          this.#onWait?.();
        }),
      numbers: () => this.#numbers(),
      answer: () => this.answer,
      texts: () => this.texts,
      join: (...values: unknown[]): unknown => {
        const text = values.map(String).join(' ');
        return this.isJoinLate ? this.joinWhen.then(() => text) : text;
      },
      take: (stream: GuestStreamReader) => {
        Object.assign(this, { taken: stream });
      },
      takeFuture: (future: PromiseLike<unknown>) => {
        this.takenFuture = future;
      },
    },
  };

  /** Resolves when `count` calls of `wait` are in flight. */
  async waiting(count: number): Promise<void> {
    while (this.waits.size < count) {
      await new Promise<void>((resolve) => {
        this.#onWait = resolve;
      });
    }
  }

  #numbers(): AsyncIterableIterator<Uint8Array> {
    const chunks = [...this.chunks];
    const iterator = {
      takeNow: (): IteratorResult<Uint8Array> | undefined => {
        const value = this.eagerChunks.shift();
        return value === undefined ? undefined : { done: false, value };
      },
      next: async (): Promise<IteratorResult<Uint8Array>> => {
        const value = await chunks.shift();
        return value === undefined ? { done: true, value } : { done: false, value };
      },
      return: (): Promise<IteratorResult<Uint8Array>> => {
        this.isNumbersClosed = true;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: (): AsyncIterableIterator<Uint8Array> => iterator,
    };
    return iterator;
  }
}
