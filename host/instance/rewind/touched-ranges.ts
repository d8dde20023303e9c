/** Ranges of one memory that were written to, as byte offsets; filled by a kernel's scan, used again and again. */
export class TouchedRanges {
  readonly #offsets: Float64Array;
  /** More than these need not be listed: the scan ends, and says that it is not complete. */
  readonly maxRanges: number;
  readonly maxBytes: number;
  count = 0;
  bytes = 0;

  constructor(maxRanges: number, maxBytes: number) {
    this.maxRanges = maxRanges;
    this.maxBytes = maxBytes;
    this.#offsets = new Float64Array(maxRanges * 2);
  }

  clear(): void {
    this.count = 0;
    this.bytes = 0;
  }

  add(from: number, to: number): void {
    if (this.count === this.maxRanges) throw new RangeError('TouchedRanges: no room');
    this.#offsets[this.count * 2] = from;
    this.#offsets[this.count * 2 + 1] = to;
    this.count++;
    this.bytes += to - from;
  }

  from(index: number): number {
    return this.#offsets[index * 2]!;
  }

  to(index: number): number {
    return this.#offsets[index * 2 + 1]!;
  }
}
