/** `node bench/fuel/plot.ts RESULTS.json PLOT.svg`: the overhead of each program as bars. */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { BenchReport } from '../run.ts';

const ROW = 18;
const LEFT = 130;
/** Width of a whole unit of overhead: 100 %. */
const UNIT = 900;

function bars({ results }: BenchReport): readonly { name: string; ratio: number }[] {
  return Object.entries(results)
    .flatMap(([name, { ratioOfBest }]) => (ratioOfBest === undefined ? [] : [{ name, ratio: ratioOfBest }]))
    .sort((a, b) => a.ratio - b.ratio);
}

export function plot(report: BenchReport): string {
  const rows = bars(report).map(({ name, ratio }, i) => {
    const y = i * ROW + 24;
    const width = Math.max((ratio - 1) * UNIT, 1);
    return `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${name}</text>
<rect x="${LEFT}" y="${y + 2}" width="${width.toFixed(0)}" height="${ROW - 5}" fill="#5b8c5a"/>
<text x="${(LEFT + width + 6).toFixed(0)}" y="${y + 12}">${((ratio - 1) * 100).toFixed(1)} %</text>`;
  });
  const height = rows.length * ROW + 34;
  const lines = [0.1, 0.35].map((at) => {
    const x = LEFT + at * UNIT;
    return `<line x1="${x}" y1="20" x2="${x}" y2="${height - 6}" stroke="#c33" stroke-dasharray="3 3"/>
<text x="${x}" y="14" text-anchor="middle">${at * 100} %</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + 0.5 * UNIT + 60}" height="${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
${[...lines, ...rows].join('\n')}
</svg>
`;
}

if (import.meta.main) {
  const [from, to] = parseArgs({ allowPositionals: true }).positionals;
  if (from === undefined || to === undefined) throw new Error('give RESULTS.json and PLOT.svg');
  await writeFile(to, plot(JSON.parse(await readFile(from, 'utf8')) as BenchReport));
}
