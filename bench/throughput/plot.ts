import { drawing, logChart } from '../latency/svg.ts';
import { milliseconds } from '../latency/text.ts';
import type { BenchReport } from '../run.ts';

/** Two charts in one drawing: requests per second, and how long a lone caller waits. */
export function plot({ results }: BenchReport): string {
  const systems = Object.entries(results);
  const rates = systems.map(([label, { rps = 0 }]) => ({ label, values: [rps], text: rps.toFixed(0) }));
  const waits = systems.map(([label, { alone50Ms = 0, alone99Ms = 0 }]) => ({
    label,
    values: [alone50Ms, alone99Ms],
    text: `${milliseconds(alone50Ms)}, ${milliseconds(alone99Ms)}`,
  }));
  const [first, middle] = logChart(0, 'Requests per second, eight callers', '/s', rates);
  const [second, height] = logChart(
    middle,
    'One caller: median (blue) and 99th percentile (orange)',
    'ms',
    waits,
  );
  return drawing('Requests per second and latency of a hello', height, [...first, ...second]);
}
