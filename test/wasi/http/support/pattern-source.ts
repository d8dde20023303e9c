import type { ByteSource } from '../../../../host/wasi/io/bytes.ts';

/** So many bytes in which a lost, doubled or swapped chunk would show: 251 is no divisor of any chunk size. */
export class PatternSource implements ByteSource {
  readonly #total: number;
  taken = 0;

  constructor(totalBytes: number) {
    this.#total = totalBytes;
  }

  static byteAt(offset: number): number {
    return offset % 251;
  }

  read(maxBytes: number): Uint8Array | 'end' {
    if (this.taken === this.#total) return 'end';
    const start = this.taken;
    this.taken += Math.min(maxBytes, this.#total - start);
    return Uint8Array.from({ length: this.taken - start }, (_, index) => PatternSource.byteAt(start + index));
  }

  isReady(): boolean {
    return true;
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.taken = this.#total;
  }
}
