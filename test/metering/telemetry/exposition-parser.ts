/**
 * Prometheus' text format, read by a package that knows nothing of ours. It groups histograms of one label set only, so that theirs
 * are read as the plain samples that they are made of.
 */
import parsePrometheus from 'parse-prometheus-text-format';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly metrics: readonly { readonly value: string; readonly labels?: Readonly<Record<string, string>> }[];
}

export function parseExposition(text: string): Sample[] {
  const families = parsePrometheus(text.replace(/^# TYPE \S+ histogram$/gm, '')) as readonly Family[];
  return families.flatMap(({ name, metrics }) =>
    metrics.map(({ value, labels = {} }) => ({ name, labels, value: Number(value) })),
  );
}
