/** Metrics of invocations, from their usage records: what the ledger keeps is what is counted. */
import type { Attributes, Counter, Histogram, Meter } from '@opentelemetry/api';
import { ATTR_ERROR_TYPE } from '@opentelemetry/semantic-conventions';
import {
  ATTR_FAAS_NAME,
  METRIC_FAAS_COLDSTARTS,
  METRIC_FAAS_ERRORS,
  METRIC_FAAS_INIT_DURATION,
  METRIC_FAAS_INVOCATIONS,
  METRIC_FAAS_INVOKE_DURATION,
  METRIC_FAAS_MEM_USAGE,
  METRIC_FAAS_NET_IO,
  METRIC_FAAS_TIMEOUTS,
} from '@opentelemetry/semantic-conventions/incubating';
import { ERROR_TABLE } from '../../errors/errors.ts';
import type { RefusalCount } from '../../model/thread-telemetry.ts';
import type { UsageRecord, UsageTrigger } from '../../model/usage-record.ts';
import type { ExemplarSource } from './exemplar-sources.ts';
import type { Exemplars } from './exemplars.ts';
import { FunctionSeries } from './function-series.ts';
import { METRICS, type MetricName } from './instruments.ts';
import { ATTR_FAULT, ATTR_TENANT } from './invocation-attributes.ts';
import type { SeriesName, SeriesNames } from './series-names.ts';

/** 1 KiB x 1 ms in By.s. */
const BYTE_SECONDS = 1.024;

type CounterName = {
  [N in MetricName]: (typeof METRICS)[N]['kind'] extends 'counter' ? N : never;
}[MetricName];
type HistogramName = {
  [N in MetricName]: (typeof METRICS)[N]['kind'] extends 'histogram' ? N : never;
}[MetricName];

type Series = FunctionSeries<HistogramName>;

export class UsageMeter {
  readonly #names: SeriesNames;
  readonly #exemplars: Exemplars;
  readonly #counters: Readonly<Record<CounterName, Counter>>;
  readonly #histograms: Readonly<Record<HistogramName, Histogram>>;
  /** By series and trigger: the SDK looks at each set of attributes anew, and making them is most of what is left to save. */
  readonly #series = new Map<SeriesName, Map<UsageTrigger, Series>>();

  constructor(meter: Meter, names: SeriesNames, exemplars: Exemplars) {
    this.#names = names;
    this.#exemplars = exemplars;
    const counters: [string, Counter][] = [];
    const histograms: [string, Histogram][] = [];
    for (const [name, metric] of Object.entries(METRICS)) {
      const { unit, about: description } = metric;
      if (metric.kind === 'counter') counters.push([name, meter.createCounter(name, { unit, description })]);
      if (metric.kind === 'histogram') {
        const advice = { explicitBucketBoundaries: [...metric.bounds] };
        histograms.push([name, meter.createHistogram(name, { unit, description, advice })]);
      }
    }
    this.#counters = Object.fromEntries(counters) as Record<CounterName, Counter>;
    this.#histograms = Object.fromEntries(histograms) as Record<HistogramName, Histogram>;
    // From the first scrape on, so that the first of them is seen as an increase.
    this.#counters['mayfly.telemetry.folded'].add(0);
    this.#counters['mayfly.threads.lost'].add(0);
    this.#counters['mayfly.threads.hung'].add(0);
  }

  /** Records of one batch. */
  record(uses: Iterable<UsageRecord>): void {
    const counted = new Set<Series>();
    let folded = 0;
    for (const use of uses) {
      const name = this.#names.of(use.tenant, use.name);
      if (name.isFolded) folded++;
      const series = this.#cached(name, use.trigger);
      series.add(use);
      counted.add(series);
      this.#measure(use, series.attributes);
    }
    for (const series of counted) this.#count(series);
    if (folded > 0) this.#counters['mayfly.telemetry.folded'].add(folded);
  }

  #measure(use: UsageRecord, attributes: Attributes): void {
    const histograms = this.#histograms;
    histograms['mayfly.queue_duration'].record(use.queueUs / 1e6, attributes);
    // What never had an instance executed nothing: it would only make the percentiles look better.
    if (use.start === 'none') return;
    histograms[METRIC_FAAS_INVOKE_DURATION].record(use.execUs / 1e6, attributes);
    histograms[METRIC_FAAS_MEM_USAGE].record(use.peakMemoryBytes, attributes);
    const { requestBytes, responseBytes, outboundSentBytes, outboundReceivedBytes } = use;
    histograms[METRIC_FAAS_NET_IO].record(
      requestBytes + responseBytes + outboundSentBytes + outboundReceivedBytes,
      attributes,
    );
    if (use.start === 'cold') histograms[METRIC_FAAS_INIT_DURATION].record(use.initUs / 1e6, attributes);
  }

  #count(series: Series): void {
    const counters = this.#counters;
    const { attributes, returned, timedOut, failed, executed, coldStarts } = series;
    if (returned > 0) counters[METRIC_FAAS_INVOCATIONS].add(returned, attributes);
    if (timedOut > 0) counters[METRIC_FAAS_TIMEOUTS].add(timedOut, attributes);
    for (const [code, count] of failed) {
      const failure = { [ATTR_ERROR_TYPE]: code, [ATTR_FAULT]: ERROR_TABLE[code].fault };
      counters[METRIC_FAAS_ERRORS].add(count, { ...attributes, ...failure });
    }
    if (coldStarts > 0) counters[METRIC_FAAS_COLDSTARTS].add(coldStarts, attributes);
    if (executed > 0) {
      counters['mayfly.fuel'].add(series.fuel, attributes);
      counters['mayfly.memory_time'].add(series.memoryTimeKiBMs * BYTE_SECONDS, attributes);
      counters['mayfly.egress'].add(series.egressBytes, attributes);
    }
    series.clear();
  }

  refused({ tenant, name, code, count }: RefusalCount): void {
    const series = this.#names.of(tenant, name);
    if (series.isFolded) this.#counters['mayfly.telemetry.folded'].add(count);
    this.#counters['mayfly.refusals'].add(count, {
      [ATTR_TENANT]: series.tenant,
      [ATTR_FAAS_NAME]: series.name,
      [ATTR_ERROR_TYPE]: code,
    });
  }

  threadLost(): void {
    this.#counters['mayfly.threads.lost'].add(1);
  }

  threadHung(): void {
    this.#counters['mayfly.threads.hung'].add(1);
  }

  /** Links the buckets that a recorded invocation fell into to its trace. */
  exemplify({
    tenant,
    name,
    trigger,
    traceId,
    spanId,
    endMs,
    execUs,
    initUs,
    queueUs,
    start,
  }: ExemplarSource): void {
    const { keys } = this.#cached(this.#names.of(tenant, name), trigger);
    const note = (metric: HistogramName, us: number): void => {
      const exemplar = { traceId, spanId, value: us / 1e6, timestampMs: endMs };
      this.#exemplars.note(keys[metric], METRICS[metric].bounds, exemplar);
    };
    note('mayfly.queue_duration', queueUs);
    if (start !== 'none') note(METRIC_FAAS_INVOKE_DURATION, execUs);
    if (start === 'cold') note(METRIC_FAAS_INIT_DURATION, initUs);
  }

  #cached(name: SeriesName, trigger: UsageTrigger): Series {
    let byTrigger = this.#series.get(name);
    if (byTrigger === undefined) {
      byTrigger = new Map();
      this.#series.set(name, byTrigger);
    }
    let series = byTrigger.get(trigger);
    if (series === undefined) {
      series = new FunctionSeries(name, trigger, Object.keys(this.#histograms) as HistogramName[]);
      byTrigger.set(trigger, series);
    }
    return series;
  }
}
