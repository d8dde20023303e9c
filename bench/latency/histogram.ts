/**
 * Latencies on a logarithmic scale: each bucket is 2.2 % wider than the one before, so that a quantile is that
 * exact whether it is 20 µs or 2 s, and a million of them take a few kilobytes and pass between processes.
 */

/** Buckets per doubling. */
const PER_OCTAVE = 32;
/** 2^27 µs: more than two minutes, in which every request of a bench is answered or lost. */
const BUCKETS = 27 * PER_OCTAVE;

export class Histogram {
  readonly counts: number[];

  /** @param counts of another histogram, as it came out of a message */
  constructor(counts: readonly number[] = new Array<number>(BUCKETS).fill(0)) {
    this.counts = [...counts];
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  add(micros: number): void {
    const index = Math.floor(Math.log2(Math.max(micros, 1)) * PER_OCTAVE);
    this.counts[Math.min(index, BUCKETS - 1)]!++;
  }

  addAll(other: Histogram): void {
    for (const [index, count] of other.counts.entries()) this.counts[index]! += count;
  }

  /** Milliseconds that a share of `q` do not exceed; NaN if there are none. */
  quantileMs(q: number): number {
    let left = q * this.total;
    for (const [index, count] of this.counts.entries()) {
      left -= count;
      if (left <= 0 && count > 0) return middleMs(index);
    }
    return Number.NaN;
  }

  /** A coarser view for people: counts of buckets that are a third of a doubling wide, without the empty ends. */
  coarse(perOctave = 3): readonly CoarseBucket[] {
    const merged = new Map<number, number>();
    for (const [index, count] of this.counts.entries()) {
      if (count === 0) continue;
      const coarse = Math.floor((index * perOctave) / PER_OCTAVE);
      merged.set(coarse, (merged.get(coarse) ?? 0) + count);
    }
    const indices = [...merged.keys()];
    if (indices.length === 0) return [];
    const first = Math.min(...indices);
    return Array.from({ length: Math.max(...indices) - first + 1 }, (_, i) => ({
      fromMs: 2 ** ((first + i) / perOctave) / 1_000,
      toMs: 2 ** ((first + i + 1) / perOctave) / 1_000,
      count: merged.get(first + i) ?? 0,
    }));
  }
}

export interface CoarseBucket {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

function middleMs(index: number): number {
  return 2 ** ((index + 0.5) / PER_OCTAVE) / 1_000;
}
