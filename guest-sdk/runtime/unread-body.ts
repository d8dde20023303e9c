import { concatBytes } from './encoding.ts';
import { ReadableStream } from './readable-stream.ts';

/** Bytes as they arrive from the host; `drop` tells their sender to stop. */
export interface ByteStream {
  next(): Promise<IteratorResult<Uint8Array>>;
  drop(): void;
}

/**
 * A body that still lies with the host. Nothing is asked of the host before somebody reads, and then its chunks are
 * taken as they come: a `ReadableStream` around them is made for those who want one.
 */
export class UnreadBody {
  readonly #open: () => ByteStream;
  #stream: ByteStream | undefined;

  /** @param open called at most once */
  constructor(open: () => ByteStream) {
    this.#open = open;
  }

  /** The next chunk; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    this.#stream ??= this.#open();
    const next = await this.#stream.next();
    if (!next.done) return next.value;
    this.#stream.drop();
    return undefined;
  }

  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) chunks.push(chunk);
    return chunks.length === 1 ? (chunks[0] as Uint8Array) : concatBytes(chunks);
  }

  drop(): void {
    this.#stream ??= this.#open();
    this.#stream.drop();
  }

  toStream(): ReadableStream {
    return new ReadableStream({
      pull: async (controller) => {
        const chunk = await this.next();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => this.drop(),
    });
  }
}
