/** Horizontal bars with labels, as parts of an SVG drawing. */

const WIDTH = 760;
const ROW = 26;
const LEFT = 270;
const RIGHT = 90;
const STYLE = 'text{font:12px system-ui,sans-serif;fill:#222}.h{font-weight:600}.n{fill:#555}';

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly text: string;
  readonly color: string;
  /** Where a tick marks what was to be reached, or not to be passed. */
  readonly mark?: number;
}

/** A whole drawing of charts, one below the other. */
export function drawing(
  title: string,
  charts: readonly (readonly [title: string, bars: readonly Bar[]])[],
): string {
  let height = 0;
  const lines = charts.flatMap(([heading, bars]) => {
    const [drawn, taken] = chart(height, heading, bars);
    height += taken;
    return drawn;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    `<title>${title}</title>`,
    `<style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>`,
    ...lines,
    '</svg>\n',
  ].join('\n');
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
