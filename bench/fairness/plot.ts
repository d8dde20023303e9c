import type { BenchReport, Figures } from '../run.ts';

const WIDTH = 760;
const ROW = 26;
const LEFT = 190;
const RIGHT = 90;
const STYLE = 'text{font:12px system-ui,sans-serif;fill:#222}.h{font-weight:600}.n{fill:#555}';

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly text: string;
  readonly color: string;
  /** Where a tick marks what was to be reached, or not to be passed. */
  readonly mark?: number;
}

/** Two charts in one drawing: how long a small call takes, and who gets how much of the thread. */
export function plot({ results }: BenchReport): string {
  const alone = results['a small call, thread idle'] ?? {};
  const [besideName, beside] =
    Object.entries(results).find(([name]) => name.startsWith('beside')) ?? (['', {}] as const);
  const mark = beside['boundMs'];
  const waits: Bar[] = (
    [
      ['thread idle', alone],
      [besideName, beside],
    ] as const
  ).flatMap(([name, figures]) =>
    (['p50Ms', 'p99Ms'] as const).map((figure) => ({
      label: `${name}, ${figure.slice(0, 3)}`,
      value: figures[figure] ?? 0,
      text: `${(figures[figure] ?? 0).toFixed(2)} ms`,
      color: figure === 'p50Ms' ? '#4c78a8' : '#f58518',
      ...(mark === undefined ? {} : { mark }),
    })),
  );
  const tenants = Object.entries(results).filter(([name]) => name.startsWith('tenant '));
  const weights = tenants.reduce((sum, [, { weight = 0 }]) => sum + weight, 0);
  const shares = tenants.flatMap(([name, figures]) => shareBars(name, figures, weights));
  const [first, firstHeight] = chart(0, 'A small call (mark: 3 slices of each running tenant)', waits);
  const [second, secondHeight] = chart(firstHeight, 'Shares of one thread (mark: by weight)', shares);
  const height = firstHeight + secondHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    '<title>How long a small call takes, and who gets how much of a thread</title>',
    `<style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>`,
    ...first,
    ...second,
    '</svg>\n',
  ].join('\n');
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

function chart(top: number, title: string, bars: readonly Bar[]): readonly [lines: string[], height: number] {
  const most = Math.max(...bars.map(({ value, mark = 0 }) => Math.max(value, mark)));
  const x = (value: number): string => (LEFT + (value / most) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const lines = [`<text class="h" x="10" y="${top + 22}">${title}</text>`];
  for (const [index, { label, value, text, color, mark }] of bars.entries()) {
    const y = top + 36 + index * ROW;
    lines.push(
      `<text x="${LEFT - 8}" y="${y + 14}" text-anchor="end">${label}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${(Number(x(value)) - LEFT).toFixed(1)}" height="${ROW - 8}" fill="${color}"/>`,
      `<text class="n" x="${Number(x(value)) + 6}" y="${y + 14}">${text}</text>`,
    );
    if (mark !== undefined)
      lines.push(`<path d="M${x(mark)} ${y - 3}v${ROW - 2}" stroke="#d62728" stroke-width="2"/>`);
  }
  return [lines, 36 + bars.length * ROW + 14];
}
