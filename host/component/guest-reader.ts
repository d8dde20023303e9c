/** The host as reader: a stream or future that a guest handed over. Shapes are those of jco's runtime. */
import {
  COPY,
  type CopyListener,
  type CopyResult,
  type DestinationBuffer,
  type Elements,
  type ReadableSide,
} from './channel.ts';
import type { InstanceState } from './instance-state.ts';

/** A read in flight; it takes what comes first, and no more. */
class HostBuffer implements DestinationBuffer, CopyListener {
  readonly owner = undefined;
  remaining: number;
  values: Elements | undefined;
  readonly #settle: (values: Elements | undefined, result: CopyResult) => void;

  constructor(count: number, settle: (values: Elements | undefined, result: CopyResult) => void) {
    this.remaining = count;
    this.#settle = settle;
  }

  write(values: Elements): void {
    this.values = values;
    this.remaining = 0;
  }

  onCopy(reclaim: () => void): void {
    reclaim();
    this.#settle(this.values, COPY.completed);
  }

  onDone(result: CopyResult): void {
    this.#settle(this.values, result);
  }
}

export interface StreamChunk {
  /** A Uint8Array of bytes, a typed array of other numbers, an array else; undefined if there was nothing. */
  readonly value: Elements | undefined;
  readonly done: boolean;
}

/** A guest's stream: read until `done`, or dispose of it. What is read is the reader's own. */
export class GuestStreamReader implements Disposable {
  /** What `read` gives is the reader's own. */
  readonly givesCopies = true;
  readonly #state: InstanceState;
  readonly #side: ReadableSide;
  #isReading = false;
  #isOver = false;
  #ahead: Promise<StreamChunk> | undefined;

  constructor(state: InstanceState, side: ReadableSide) {
    this.#state = state;
    this.#side = side;
  }

  /**
   * Begins the first read before anybody wants it. A guest whose write finds a reader in waiting goes on at once: it
   * need not leave, and be called back.
   */
  readAhead(count: number): void {
    this.#ahead = this.#read(count);
  }

  /** Up to `count` elements, when there are some. Never settles if the invocation ends before. */
  read({ count }: { readonly count: number }): Promise<StreamChunk> {
    const ahead = this.#ahead;
    if (ahead === undefined) return this.#read(count);
    this.#ahead = undefined;
    return ahead.then((chunk) => {
      const { value, done } = chunk;
      if (value === undefined || value.length <= count) return chunk;
      this.#ahead = Promise.resolve({ value: part(value, count, value.length), done });
      return { value: part(value, 0, count), done: false };
    });
  }

  #read(count: number): Promise<StreamChunk> {
    if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
    if (this.#isReading) return Promise.reject(new TypeError('a read of this stream is in flight'));
    this.#isReading = true;
    return new Promise((resolve) => {
      const buffer = new HostBuffer(count, (value, result) => {
        this.#isReading = false;
        if (result !== COPY.completed) this.#isOver = true;
        resolve({ value, done: result !== COPY.completed });
      });
      this.#state.whenEnterable(() => this.#side.read(buffer, buffer));
    });
  }

  /** Tells the guest that nobody reads any more. */
  [Symbol.dispose](): void {
    this.#state.whenEnterable(() => {
      if (this.#isOver) return;
      this.#isOver = true;
      if (this.#isReading) this.#side.cancel();
      this.#side.drop();
    });
  }

  /** Gives the stream back, to be handed to a guest as it is; undefined once it was read from. */
  static release(reader: GuestStreamReader): ReadableSide | undefined {
    if (reader.#isReading || reader.#isOver || reader.#ahead !== undefined) return undefined;
    reader.#isOver = true;
    return reader.#side;
  }
}

function part(values: Elements, from: number, to: number): Elements {
  return values instanceof Uint8Array
    ? values.subarray(from, to)
    : Array.prototype.slice.call(values, from, to);
}

/** A guest's future: a lazy thenable, which is read by the first `then`. */
export class GuestFutureReader implements PromiseLike<unknown>, Disposable {
  readonly #state: InstanceState;
  readonly #side: ReadableSide;
  #value: Promise<unknown> | undefined;
  #isOver = false;

  constructor(state: InstanceState, side: ReadableSide) {
    this.#state = state;
    this.#side = side;
  }

  /** Begins to read before anybody wants the value, as the one of a stream does. */
  readAhead(): void {
    this.#value ??= this.#read();
  }

  // biome-ignore lint/suspicious/noThenProperty: what jco gives is a thenable
  then<Value = unknown, Reason = never>(
    onValue?: ((value: unknown) => Value | PromiseLike<Value>) | null,
    onError?: ((error: unknown) => Reason | PromiseLike<Reason>) | null,
  ): Promise<Value | Reason> {
    this.#value ??= this.#read();
    return this.#value.then(onValue, onError);
  }

  /** Nobody will read it: the guest's write is answered by `dropped`. */
  [Symbol.dispose](): void {
    if (this.#isOver || this.#value !== undefined) return;
    this.#isOver = true;
    this.#state.whenEnterable(() => this.#side.drop());
  }

  static release(reader: GuestFutureReader): ReadableSide | undefined {
    if (reader.#isOver || reader.#value !== undefined) return undefined;
    reader.#isOver = true;
    return reader.#side;
  }

  #read(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) {
        reject(new TypeError('the future was given away'));
        return;
      }
      const buffer = new HostBuffer(1, (values) => {
        resolve(values?.[0]);
        this.#side.drop();
      });
      this.#state.whenEnterable(() => this.#side.read(buffer, buffer));
    });
  }
}
