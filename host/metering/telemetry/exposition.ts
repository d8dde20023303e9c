/**
 * Metrics as Prometheus reads them: its own text format (0.0.4), or OpenMetrics 1.0, which has exemplars. Names follow OpenTelemetry's
 * "Prometheus and OpenMetrics compatibility": dots become underscores, the unit is a suffix, counters end in `_total`.
 *
 * The SDK's own serializer is not used: it has no exemplars, and leaves units out of the names.
 */
import type { Attributes } from '@opentelemetry/api';
import {
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { type Exemplar, type Exemplars, seriesKey } from './exemplars.ts';
import type { ExpositionFormat } from './exposition-format.ts';

/** Of UCUM; what is in braces is an annotation and no unit. */
const UNITS: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes', 'By.s': 'byte_seconds' };

export function expose(
  { resource, scopeMetrics }: ResourceMetrics,
  exemplars: Exemplars,
  format: ExpositionFormat,
): string {
  const isOpen = format === 'openmetrics';
  const families = [targetInfo(resource.attributes, isOpen)];
  for (const { metrics } of scopeMetrics)
    for (const data of metrics) families.push(family(data, exemplars, isOpen));
  return `${families.join('')}${isOpen ? '# EOF\n' : ''}`;
}

export function exposedName(name: string, unit: string): string {
  const suffix = UNITS[unit];
  const base = name.replace(/[^A-Za-z0-9_]/g, '_');
  return suffix === undefined || base.endsWith(suffix) ? base : `${base}_${suffix}`;
}

/** Attributes of the process as a metric to join with, as the compatibility document has it. */
function targetInfo(attributes: Attributes, isOpen: boolean): string {
  const name = isOpen ? 'target' : 'target_info';
  return `${head(name, isOpen ? 'info' : 'gauge', 'The process that the metrics are of.')}target_info${labels(attributes)} 1\n`;
}

function family(data: MetricData, exemplars: Exemplars, isOpen: boolean): string {
  const { name: metric, unit, description } = data.descriptor;
  const name = exposedName(metric, unit);
  const unitLine = isOpen && UNITS[unit] !== undefined ? `# UNIT ${name} ${UNITS[unit]}\n` : '';
  switch (data.dataPointType) {
    case DataPointType.SUM: {
      const sample = data.isMonotonic ? `${name}_total` : name;
      const type = data.isMonotonic ? 'counter' : 'gauge';
      // In its text format Prometheus knows the family by the name of its samples.
      const lines = data.dataPoints.map(
        (point) => `${sample}${labels(point.attributes)} ${text(point.value)}\n`,
      );
      return head(isOpen ? name : sample, type, description) + unitLine + lines.join('');
    }
    case DataPointType.GAUGE: {
      const lines = data.dataPoints.map(
        (point) => `${name}${labels(point.attributes)} ${text(point.value)}\n`,
      );
      return head(name, 'gauge', description) + unitLine + lines.join('');
    }
    case DataPointType.HISTOGRAM: {
      const lines = data.dataPoints.map((point) => {
        const found = isOpen ? exemplars.of(seriesKey(metric, point.attributes)) : undefined;
        return histogram(name, point, found);
      });
      return head(name, 'histogram', description) + unitLine + lines.join('');
    }
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      // Neither format has them; no instrument of ours or of the SDK's is one.
      return '';
  }
}

function histogram(
  name: string,
  { attributes, value }: DataPoint<Histogram>,
  exemplars: readonly (Exemplar | undefined)[] | undefined,
): string {
  const { boundaries, counts } = value.buckets;
  let sum = 0;
  const buckets = counts.map((count, at) => {
    sum += count;
    const le = text(boundaries[at] ?? Number.POSITIVE_INFINITY);
    return `${name}_bucket${labels({ ...attributes, le })} ${sum}${exemplarText(exemplars?.[at])}\n`;
  });
  const all = labels(attributes);
  return `${buckets.join('')}${name}_sum${all} ${text(value.sum ?? 0)}\n${name}_count${all} ${value.count}\n`;
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  const { traceId, spanId, value, timestampMs } = exemplar;
  return ` # ${labels({ trace_id: traceId, span_id: spanId })} ${text(value)} ${(timestampMs / 1_000).toFixed(3)}`;
}

function head(name: string, type: string, about: string): string {
  const help = about.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function labels(attributes: Attributes): string {
  const pairs = Object.entries(attributes).map(([name, value]) => {
    const shown = typeof value === 'string' ? value : JSON.stringify(value);
    const escaped = shown.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    return `${name.replace(/[^A-Za-z0-9_]/g, '_')}="${escaped}"`;
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function text(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
