/**
 * The pages of one memory that were written to since they were last discarded, with what belongs there: a list that each
 * rewind works off.
 *
 * 1. A page is its memory's own from the first write to it, which is a page fault of the thread that runs the guest, as
 *    nobody else writes there; it stays so until it is discarded. So where this thread had no fault since the list was
 *    made, of whatever kind and wherever, a scan would give the same list (`isCurrent`).
 * 2. A list that is not kept (`keep`), or was forgotten, is not current.
 * 3. What a list that two scans gave alike puts back lies in one piece, copied from the image, which never changes: reading 62 pages one behind the other
 *    takes 3 µs less of 13 than reading them where they lie in the image.
 */
import type { LoadedMemory } from './memory-image.ts';
import type { RewindPolicy } from './rewind-policy.ts';
import type { TouchedRanges } from './touched-ranges.ts';

/** A view of the image is kept for each range, 200 bytes; with more of them copying takes far longer than scanning. */
const MAX_KEPT_RANGES = 128;

/** Gathering more than this would cost more memory than it saves time. */
const MAX_GATHERED_BYTES = 1024 * 1024;

const NEVER = -1;

export class WrittenPages {
  readonly #image: LoadedMemory;
  readonly #pageFaults: RewindPolicy['pageFaults'];
  /** Parts of the image, and where they belong. */
  #sources: Uint8Array[] = [];
  #targets: number[] = [];
  /** Begin and end of what is zeros, in turn. */
  #zeros: number[] = [];
  /** Begin and end of what was scanned last, in turn. */
  #ranges: number[] = [];
  #bytes = 0;
  #gatheredBytes = 0;
  /** What this thread had of faults when the list was kept. */
  #keptAt = NEVER;

  constructor(image: LoadedMemory, pageFaults: RewindPolicy['pageFaults']) {
    this.#image = image;
    this.#pageFaults = pageFaults;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of the copy of the image that it has to itself (invariant 3). */
  get gatheredBytes(): number {
    return this.#gatheredBytes;
  }

  /** Invariant 1. Asking takes 0.5 µs, a scan 9 µs with QuickJS and 30 with StarlingMonkey. */
  isCurrent(): boolean {
    return this.#keptAt !== NEVER && this.#pageFaults?.() === this.#keptAt;
  }

  /** Lists what a scan has found. */
  list(touched: TouchedRanges): void {
    if (this.#isListed(touched)) {
      if (this.#gatheredBytes === 0 && this.#bytes <= MAX_GATHERED_BYTES) this.#gather();
      return;
    }
    this.forget();
    for (let i = 0; i < touched.count; i++) this.#add(touched.from(i), touched.to(i));
    this.#bytes = touched.bytes;
  }

  #isListed(touched: TouchedRanges): boolean {
    if (touched.count * 2 !== this.#ranges.length || touched.count === 0) return false;
    for (let i = 0; i < touched.count; i++)
      if (this.#ranges[2 * i] !== touched.from(i) || this.#ranges[2 * i + 1] !== touched.to(i)) return false;
    return true;
  }

  /** Invariant 3. */
  #gather(): void {
    const length = this.#sources.reduce((sum, { length }) => sum + length, 0);
    const gathered = new Uint8Array(length);
    let at = 0;
    this.#sources = this.#sources.map((source) => {
      gathered.set(source, at);
      at += source.length;
      return gathered.subarray(at - source.length, at);
    });
    this.#gatheredBytes = length;
  }

  /** Writes what belongs there into the memory's bytes. */
  restore(memory: Uint8Array): void {
    const [sources, targets, zeros] = [this.#sources, this.#targets, this.#zeros];
    for (let i = 0; i < sources.length; i++) memory.set(sources[i]!, targets[i]!);
    for (let i = 0; i < zeros.length; i += 2) memory.fill(0, zeros[i]!, zeros[i + 1]!);
  }

  /** Keeps a list that was just worked off; reading the image for the first time may have been a fault. */
  keep(): void {
    const ranges = this.#sources.length + this.#zeros.length / 2;
    if (this.#pageFaults === undefined || ranges > MAX_KEPT_RANGES) this.forget();
    else this.#keptAt = this.#pageFaults();
  }

  forget(): void {
    this.#keptAt = NEVER;
    this.#bytes = 0;
    this.#gatheredBytes = 0;
    this.#ranges = [];
    this.#sources = [];
    this.#targets = [];
    this.#zeros = [];
  }

  #add(from: number, to: number): void {
    this.#ranges.push(from, to);
    const image = this.#image;
    const begin = Math.max(from, image.from);
    const end = Math.min(to, image.to);
    if (begin >= end) {
      this.#zeros.push(from, to);
      return;
    }
    if (from < begin) this.#zeros.push(from, begin);
    this.#sources.push(image.bytes.subarray(begin - image.from, end - image.from));
    this.#targets.push(begin);
    if (end < to) this.#zeros.push(end, to);
  }
}
