import { drawing, logChart } from '../latency/svg.ts';
import { milliseconds } from '../latency/text.ts';
import type { BenchReport, Figures } from '../run.ts';

/** Two charts in one drawing: until the guest's first instruction, and a whole invocation. */
export function plot({ results }: BenchReport): string {
  const rows = (wanted: (name: string) => boolean) =>
    Object.entries(results)
      .filter(([name]) => wanted(name))
      .map(([label, figures]) => row(label, figures));
  const [first, middle] = logChart(
    0,
    'Until the first instruction: median (blue) and 99th percentile (orange)',
    'µs',
    rows((name) => name === 'floor' || name.includes(' start')),
  );
  const [second, height] = logChart(
    middle,
    'A clean state, a hello, and the state put back or thrown away',
    'µs',
    rows((name) => name.includes(' cycle')),
  );
  return drawing('Starting a guest with a fresh state', height, [...first, ...second]);
}

function row(label: string, { p50Micros = 0, p99Micros = 0 }: Figures) {
  const text = `${milliseconds(p50Micros / 1_000)}, ${milliseconds(p99Micros / 1_000)}`;
  return { label, values: [p50Micros, p99Micros], text };
}
