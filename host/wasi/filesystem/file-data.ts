/**
 * The bytes of one file, in pages that exist once something was written into them.
 *
 * 1. A missing page reads as zeroes; so does everything between the last page and `size`.
 * 2. `#budget` has been charged PAGE_BYTES for every page that exists.
 * 3. In an existing last page everything beyond `size` is zero, so that growing the file uncovers zeroes.
 *
 * Pages rather than one growing buffer: a write costs what it writes, whatever the file's size or offset, so no host
 * call of a guest can be made to copy or clear megabytes. By their numbers, in no array: cutting a file of one page at the
 * end of 256 MiB looked at 65,536 places then, 1.7 ms for two calls.
 */
import { fail } from './error-code.ts';
import type { SpaceBudget } from './space-budget.ts';

/** Small enough that 4,000 one-byte files fit the default of `tmpBytes`. */
export const PAGE_BYTES = 4096;

/** One call moves at most this much; guests come back for the rest. */
const MAX_TRANSFER_BYTES = 1024 * 1024;

export class FileData {
  readonly #budget: SpaceBudget;
  readonly #pages = new Map<number, Uint8Array>();
  /** No page lies at this number or behind it. */
  #pagesEnd = 0;
  #size = 0;

  constructor(budget: SpaceBudget) {
    this.#budget = budget;
  }

  get size(): number {
    return this.#size;
  }

  /** A copy of up to `length` bytes at `offset`; shorter at the end of the file, empty behind it. */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, MAX_TRANSFER_BYTES, this.#size - offset)));
    for (let at = 0; at < bytes.length; ) {
      const position = offset + at;
      const inPage = position % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - inPage, bytes.length - at);
      const page = this.#pages.get(Math.floor(position / PAGE_BYTES));
      if (page !== undefined) bytes.set(page.subarray(inPage, inPage + count), at);
      at += count;
    }
    return bytes;
  }

  /**
   * Writes at `offset` and gives the number of bytes taken, which is less than given when space runs out on
   * the way or the call is too large. Throws `insufficient-space` when there is none for the first byte.
   */
  write(offset: number, bytes: Uint8Array): number {
    const length = Math.min(bytes.length, MAX_TRANSFER_BYTES, this.#budget.limitBytes - offset);
    if (bytes.length === 0) return 0;
    if (length <= 0) fail('insufficient-space');
    let at = 0;
    while (at < length) {
      const position = offset + at;
      const inPage = position % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - inPage, length - at);
      const page = this.#pageForWriting(Math.floor(position / PAGE_BYTES));
      if (page === undefined) break;
      page.set(bytes.subarray(at, at + count), inPage);
      at += count;
    }
    if (at === 0) fail('insufficient-space');
    this.#size = Math.max(this.#size, offset + at);
    return at;
  }

  /** Cuts, or extends with zeroes that take no space. */
  resize(size: number): void {
    if (size > this.#budget.limitBytes) fail('insufficient-space');
    if (size < this.#size) this.#cut(size);
    this.#size = size;
  }

  /** Gives its space back; the file is empty then. */
  clear(): void {
    this.resize(0);
  }

  #pageForWriting(index: number): Uint8Array | undefined {
    const existing = this.#pages.get(index);
    if (existing !== undefined) return existing;
    if (!this.#budget.take(PAGE_BYTES)) return undefined;
    const page = new Uint8Array(PAGE_BYTES);
    this.#pages.set(index, page);
    this.#pagesEnd = Math.max(this.#pagesEnd, index + 1);
    return page;
  }

  #cut(size: number): void {
    const keptPages = Math.ceil(size / PAGE_BYTES);
    const pages = this.#pages;
    if (this.#pagesEnd - keptPages > pages.size) {
      for (const index of pages.keys()) if (index >= keptPages) this.#drop(index);
    } else {
      for (let index = keptPages; index < this.#pagesEnd; index += 1) this.#drop(index);
    }
    this.#pagesEnd = Math.min(this.#pagesEnd, keptPages);
    if (size % PAGE_BYTES !== 0) pages.get(keptPages - 1)?.fill(0, size % PAGE_BYTES);
  }

  #drop(index: number): void {
    if (this.#pages.delete(index)) this.#budget.giveBack(PAGE_BYTES);
  }
}
