import type { ByteSource } from './bytes.ts';

const resolved = Promise.resolve();

/** Bytes that are all there already. Chunks are views of the given array, which must not change any more. */
export class BufferSource implements ByteSource {
  #rest: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#rest = bytes;
  }

  read(maxBytes: number): Uint8Array | 'end' {
    if (this.#rest.length === 0) return 'end';
    const chunk = this.#rest.subarray(0, maxBytes);
    this.#rest = this.#rest.subarray(chunk.length);
    return chunk;
  }

  isReady(): boolean {
    return true;
  }

  ready(): Promise<void> {
    return resolved;
  }

  close(): void {
    this.#rest = this.#rest.subarray(this.#rest.length);
  }
}

/** A source without bytes, such as the standard input of an HTTP function. It has no state: share it. */
export const EMPTY_SOURCE: ByteSource = new BufferSource(new Uint8Array(0));
