/**
 * Exemplars: for each bucket of a histogram the last recorded trace that fell into it. OpenTelemetry's SDK for JavaScript has none (neither
 * filters nor reservoirs, and its OTLP serializer writes none), so they are kept beside it and appear in the OpenMetrics output alone.
 */
export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  readonly timestampMs: number;
}

export class Exemplars {
  readonly #kept = new Map<string, (Exemplar | undefined)[]>();

  /** @param series of {@link seriesKey}: as many as there are series of the metric */
  note(series: string, bounds: readonly number[], exemplar: Exemplar): void {
    let buckets = this.#kept.get(series);
    if (buckets === undefined) {
      buckets = new Array<Exemplar | undefined>(bounds.length + 1).fill(undefined);
      this.#kept.set(series, buckets);
    }
    const at = bounds.findIndex((bound) => exemplar.value <= bound);
    buckets[at < 0 ? bounds.length : at] = exemplar;
  }

  /** By bucket, the one without an upper bound last. */
  of(series: string): readonly (Exemplar | undefined)[] | undefined {
    return this.#kept.get(series);
  }
}

export function seriesKey(metric: string, attributes: Readonly<Record<string, unknown>>): string {
  const pairs = Object.keys(attributes)
    .sort()
    .map((name) => `${name}=${String(attributes[name])}`);
  return [metric, ...pairs].join('\n');
}
