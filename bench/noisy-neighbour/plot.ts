import { type Bar, drawing } from '../drawing/bar-chart.ts';
import type { BenchReport } from '../run.ts';

/** How long calls of the victim take by themselves and beside each flood, and what a refusal costs. */
export function plot({ results }: BenchReport): string {
  const victims = Object.entries(results).filter(([name]) => name.startsWith('victim, '));
  const waits = victims.flatMap(([name, figures], index): Bar[] => {
    // The quiet rounds come before those that are held against them.
    const quiet = victims[index - (index % 2)]?.[1]['p99Ms'] ?? 0;
    return (['p50Ms', 'p99Ms'] as const).map((figure) => ({
      label: `${name.replace('victim, ', '')}, ${figure.slice(0, 3)}`,
      value: figures[figure] ?? 0,
      text: `${(figures[figure] ?? 0).toFixed(2)} ms`,
      color: figure === 'p50Ms' ? '#4c78a8' : '#f58518',
      ...(figure === 'p99Ms' && index % 2 === 1 ? { mark: 2 * quiet } : {}),
    }));
  });
  const { helloUs = 0, refusalUs = 0 } = results['processor time of a call'] ?? {};
  return drawing('What a tenant notices of another one that asks for a hundred times its quota', [
    ['A small call of the victim (mark: twice its p99 without the flood)', waits],
    [
      'What a call costs of the thread that serves it',
      [
        { label: 'served', value: helloUs, text: `${helloUs.toFixed(0)} µs`, color: '#54a24b' },
        { label: 'refused', value: refusalUs, text: `${refusalUs.toFixed(0)} µs`, color: '#e45756' },
      ],
    ],
  ]);
}
