import type { Histogram } from './histogram.ts';

const WIDTH = 50;
/** Eighths of a character cell. */
const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/**
 * A histogram as lines for a terminal. Time is on a logarithmic scale, and so are the bars: one request in ten
 * thousand still shows.
 */
export function histogramLines(title: string, histogram: Histogram): readonly string[] {
  const { total } = histogram;
  if (total === 0) return [`${title}: nothing was measured`];
  const buckets = histogram.coarse();
  const scale = WIDTH / Math.log2(1 + Math.max(...buckets.map(({ count }) => count)));
  const quantiles = [0.5, 0.9, 0.99, 0.999].map(
    (q) => `p${q * 100} ${milliseconds(histogram.quantileMs(q))}`,
  );
  return [
    `${title}: ${total} measured, ${quantiles.join(', ')}`,
    ...buckets.map(({ fromMs, count }) => {
      const share = ((count / total) * 100).toFixed(count * 1_000 < total ? 3 : 1);
      return `${milliseconds(fromMs).padStart(10)} ${bar(Math.log2(1 + count) * scale)} ${share} %`;
    }),
  ];
}

function bar(length: number): string {
  const eighths = Math.round(length * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + PARTS[eighths % 8];
}

export function milliseconds(value: number): string {
  return value < 1 ? `${(value * 1_000).toFixed(0)} µs` : `${value.toPrecision(3)} ms`;
}
