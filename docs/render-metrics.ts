/** docs/telemetry/metrics.md, rendered from the table that the host makes its instruments from. */
import { exposedName } from '../host/metering/telemetry/exposition.ts';
import { METRICS, type MetricDefinition } from '../host/metering/telemetry/instruments.ts';

const HEADER = `# Metrics

Generated from \`host/metering/telemetry/instruments.ts\` by \`node docs/generate.ts\`; do not edit. [telemetry.md](../telemetry.md) says how
they are read, and what \`_other\` is.

The first name is OpenTelemetry's, as it is sent by OTLP; the second one Prometheus', at \`/metrics\`. Units are UCUM's: \`s\`, \`By\` (bytes);
what is in braces is a count. In Prometheus' names, dots of attributes are underscores.
`;

const KINDS = {
  histogram: 'Histograms',
  counter: 'Counters',
  gauge: 'Gauges',
} as const;

/** The whole document, ending in a line end. */
export function renderMetrics(): string {
  const sections = Object.entries(KINDS).map(([kind, title]) => {
    const metrics: [string, MetricDefinition][] = Object.entries(METRICS);
    const rows = metrics.filter(([, metric]) => metric.kind === kind).map(renderRow);
    return `\n## ${title}\n\n| metric | unit | attributes | what it says |\n| --- | --- | --- | --- |\n${rows.join('')}`;
  });
  return `${HEADER}${sections.join('')}`;
}

function renderRow([name, { kind, unit, about, attributes, bounds }]: [string, MetricDefinition]): string {
  const exposed = `${exposedName(name, unit)}${kind === 'counter' ? '_total' : ''}`;
  const labels = attributes.map((attribute) => `\`${attribute}\``).join(', ') || '-';
  const buckets = bounds === undefined ? '' : ` Buckets up to ${bounds.join(', ')}.`;
  return `| \`${name}\`<br>\`${exposed}\` | \`${unit}\` | ${labels} | ${about}${buckets} |\n`;
}
