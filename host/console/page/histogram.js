/** Counts by bucket: percentiles read off them, and how a plot shows them. */
import { Plot } from './plot.js';
import { count, duration } from './quantity.js';

/**
 * The upper bound of the bucket that a percentile lies in; undefined where nothing was counted.
 * @param {readonly number[]} counts
 * @param {readonly number[]} bounds
 * @param {number} fraction
 */
export function percentile(counts, bounds, fraction) {
  const all = counts.reduce((sum, one) => sum + one, 0);
  if (all === 0) return undefined;
  let seen = 0;
  const index = counts.findIndex((one) => {
    seen += one;
    return seen >= fraction * all;
  });
  return bounds[index] ?? Number.POSITIVE_INFINITY;
}

/** @param {number | undefined} us */
const upTo = (us) =>
  us === undefined ? '–' : us === Number.POSITIVE_INFINITY ? 'beyond' : `≤ ${duration(us)}`;

/** @param {readonly number[]} counts @param {readonly number[]} bounds */
export function describeCounts(counts, bounds) {
  const all = counts.reduce((sum, one) => sum + one, 0);
  if (all === 0) return 'none in the last hour';
  const [half, most, nearly] = [0.5, 0.95, 0.99].map((fraction) =>
    upTo(percentile(counts, bounds, fraction)),
  );
  return `${count(all)} · half ${half} · 95 % ${most} · 99 % ${nearly}`;
}

export class Histogram {
  #plot;
  #bounds = /** @type {readonly number[]} */ ([]);

  /**
   * @param {string} title
   * @param {string} colour
   * @param {AbortSignal} signal
   */
  constructor(title, colour, signal) {
    this.#plot = new Plot(
      {
        title,
        series: [{ title: 'Invocations', colour, format: count }],
        x: 'buckets',
        shape: 'bars',
        formatX: (index) => {
          const bound = Number.isInteger(index) ? this.#bounds[index] : undefined;
          return bound === undefined ? '' : duration(bound);
        },
      },
      signal,
    );
    this.element = this.#plot.element;
  }

  /**
   * @param {readonly number[]} counts
   * @param {readonly number[]} bounds
   */
  show(counts, bounds) {
    this.#bounds = bounds;
    // From the first bucket with something in it to the last, and some to each side.
    const first = Math.max(0, counts.findIndex((one) => one > 0) - 2);
    const last = Math.min(bounds.length - 1, counts.findLastIndex((one) => one > 0) + 2);
    const indices = bounds.map((_, index) => index).slice(first, Math.max(last, first + 5) + 1);
    this.#plot.show([indices, indices.map((index) => counts[index] ?? 0)], describeCounts(counts, bounds));
  }
}
