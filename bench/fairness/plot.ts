import { type Bar, drawing } from '../drawing/bar-chart.ts';
import type { BenchReport, Figures } from '../run.ts';

const IDLE = 'a small call, thread idle';

/** Two charts in one drawing: how long a small call takes, and who gets how much of the thread. */
export function plot({ results }: BenchReport): string {
  const calls = Object.entries(results).filter(([name]) => name === IDLE || name.startsWith('beside '));
  const waits: Bar[] = calls.flatMap(([name, figures]) =>
    (['p50Ms', 'p99Ms'] as const).map((figure) => ({
      label: `${name === IDLE ? 'thread idle' : name}, ${figure.slice(0, 3)}`,
      value: figures[figure] ?? 0,
      text: `${(figures[figure] ?? 0).toFixed(2)} ms`,
      color: figure === 'p50Ms' ? '#4c78a8' : '#f58518',
      ...(figures['boundMs'] === undefined ? {} : { mark: figures['boundMs'] }),
    })),
  );
  const tenants = Object.entries(results).filter(([name]) => name.startsWith('tenant '));
  const weights = tenants.reduce((sum, [, { weight = 0 }]) => sum + weight, 0);
  const shares = tenants.flatMap(([name, figures]) => shareBars(name, figures, weights));
  return drawing('How long a small call takes, and who gets how much of a thread', [
    ['A small call (mark: 3 slices of each running tenant)', waits],
    ['Shares of one thread (mark: by weight)', shares],
  ]);
}

function shareBars(
  name: string,
  { weight = 0, fuelShare = 0, timeShare = 0 }: Figures,
  weights: number,
): Bar[] {
  const mark = weight / weights;
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
  return [
    {
      label: `${name}, weight ${weight}: fuel`,
      value: fuelShare,
      text: percent(fuelShare),
      color: '#54a24b',
      mark,
    },
    { label: 'time', value: timeShare, text: percent(timeShare), color: '#72b7b2', mark },
  ];
}
