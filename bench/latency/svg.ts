const WIDTH = 760;
const LEFT = 250;
const RIGHT = 110;
const ROW = 26;

export interface LogRow {
  readonly label: string;
  /** Each a dot of its own colour, joined by a line. */
  readonly values: readonly number[];
  readonly text: string;
}

/** Dots on a logarithmic scale, a row for each system: the shape in which a factor of a thousand is still readable. */
export function logChart(
  top: number,
  title: string,
  unit: string,
  rows: readonly LogRow[],
): [string[], number] {
  const all = rows.flatMap(({ values }) => values).filter((value) => value > 0);
  const first = Math.floor(Math.log10(Math.min(...all)));
  const last = Math.max(Math.ceil(Math.log10(Math.max(...all))), first + 1);
  const x = (value: number): number =>
    LEFT + ((Math.log10(value) - first) / (last - first)) * (WIDTH - LEFT - RIGHT);
  const bottom = top + 50 + rows.length * ROW;
  const lines = [`<text class="h" x="10" y="${top + 20}">${title}</text>`];
  for (let power = first; power <= last; power++) {
    const at = x(10 ** power).toFixed(1);
    lines.push(
      `<path d="M${at} ${top + 46}V${bottom}" stroke="#ddd"/>`,
      `<text class="n" x="${at}" y="${top + 40}" text-anchor="middle">${10 ** power} ${unit}</text>`,
    );
  }
  for (const [index, { label, values, text }] of rows.entries()) {
    const y = top + 62 + index * ROW;
    const known = values.filter((value) => value > 0);
    if (known.length === 0) continue;
    const [from, to] = [x(Math.min(...known)).toFixed(1), x(Math.max(...known))];
    lines.push(
      `<text x="${LEFT - 10}" y="${y + 4}" text-anchor="end">${label}</text>`,
      `<path d="M${from} ${y}H${to.toFixed(1)}" stroke="#999"/>`,
      ...known.map((value, i) => `<circle cx="${x(value).toFixed(1)}" cy="${y}" r="5" fill="${COLORS[i]}"/>`),
      `<text class="n" x="${(to + 10).toFixed(1)}" y="${y + 4}">${text}</text>`,
    );
  }
  return [lines, bottom + 16];
}

const COLORS = ['#4c78a8', '#f58518', '#d62728'];

export function drawing(title: string, height: number, lines: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    `<title>${title}</title>`,
    '<style>text{font:12px system-ui,sans-serif;fill:#222}.h{font-weight:600}.n{fill:#555}</style>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...lines,
    '</svg>\n',
  ].join('\n');
}
