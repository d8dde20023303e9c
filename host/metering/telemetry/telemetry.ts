/**
 * What a host tells of itself, through OpenTelemetry's SDK: metrics to whoever scrapes them, and metrics, traces and logs by OTLP where
 * an endpoint is set. It lives in the main thread and is fed in batches, so that nothing of it is on the way of an answer.
 *
 * 1. Nothing here throws at whoever feeds it, and nobody waits: a receiver that is slow or gone costs spans and log records beyond the
 *    SDK's queues, which count what they drop, and nothing else.
 * 2. What is counted is what the ledger gets: both are fed the same batches.
 * 3. Nothing stays registered globally: several hosts live in one process (tests).
 */

import {
  context,
  DiagLogLevel,
  diag,
  logs as globalLogs,
  metrics as globalMetrics,
  type MeterProvider,
} from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  type IMetricReader,
  InstrumentType,
  MetricReader,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, RandomIdGenerator } from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '@opentelemetry/semantic-conventions';
import type { LogRecord } from '../../model/log-record.ts';
import type { RemeteringStatus } from '../../model/remetering.ts';
import { type SpanBatch, spansIn } from '../../model/span-batch.ts';
import type { RecordedSpans, ThreadTelemetry } from '../../model/thread-telemetry.ts';
import { recordsOf, type UsageBatch } from '../../model/usage-batch.ts';
import { exemplarsOf } from './exemplar-sources.ts';
import { Exemplars } from './exemplars.ts';
import { expose } from './exposition.ts';
import type { ExpositionFormat } from './exposition-format.ts';
import { type EventGauges, HostGauges, type LatestBackup } from './host-gauges.ts';
import { emitLog } from './log-export.ts';
import { SeriesNames } from './series-names.ts';
import { type SpanOrigin, spansOf } from './span-tree.ts';
import { SpanWriter } from './span-writer.ts';
import type { TelemetryConfig } from './telemetry-config.ts';
import { TraceExporter } from './trace-exporter.ts';
import { TraceSerializer } from './trace-serializer.ts';
import { UsageMeter } from './usage-meter.ts';
import { WrittenSpan } from './written-span.ts';

const SCOPE = 'mayfly';

/** Triggers x codes of errors: what a function may have of series of one metric. The bound of names is ours (series-names.ts). */
const SERIES_PER_FUNCTION = 4 * 64;

/** How long a host that stops waits for its last exports. */
const LAST_EXPORTS_MS = 3_000;

export interface TelemetryPorts {
  readonly version: string;
  readonly ledgerPending: () => number;
  readonly now: () => number;
  /** For the operator. */
  readonly report: (message: string) => void;
}

/** For scrapes: it collects when it is asked to. */
class ScrapeReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

export class Telemetry implements AsyncDisposable {
  readonly #scraped: MetricReader;
  readonly #sdk: NodeSDK;
  readonly #meters: MeterProvider;
  readonly #meter: UsageMeter;
  readonly #gauges: HostGauges;
  readonly #exemplars = new Exemplars();
  readonly #spans: BatchSpanProcessor | undefined;
  readonly #origin: SpanOrigin;
  readonly #writer: SpanWriter;
  readonly #loggers: LoggerProvider | undefined;

  constructor(config: TelemetryConfig, ports: TelemetryPorts) {
    const { series, metrics, traces, logs } = config;
    const attributes = {
      ...config.resource,
      [ATTR_SERVICE_NAME]: config.serviceName,
      [ATTR_SERVICE_VERSION]: ports.version,
    };
    const resource = resourceFromAttributes(attributes);
    reportTo(ports.report);
    const limit = (series.maxTenants * (series.perTenant + 1) + 1) * SERIES_PER_FUNCTION;
    const readers = metricReaders(metrics, limit);
    this.#scraped = readers[0];
    [this.#sdk, this.#meters] = startMetrics(resource, readers);
    const meter = this.#meters.getMeter(SCOPE, ports.version);
    const names = new SeriesNames(series);
    this.#meter = new UsageMeter(meter, names, this.#exemplars);
    this.#gauges = new HostGauges(meter, {
      ledgerPending: ports.ledgerPending,
      functionSeries: () => names.size,
      bounds: series,
      now: ports.now,
    });
    const ids = new RandomIdGenerator();
    const scope = { name: SCOPE, version: ports.version };
    this.#origin = { resource, scope, newSpanId: () => ids.generateSpanId() };
    this.#writer = new SpanWriter(this.#origin.newSpanId);
    if (traces !== undefined)
      this.#spans = this.#spanProcessor(traces, new TraceSerializer(attributes, scope));
    if (logs !== undefined) this.#loggers = this.#loggerProvider(logs, resource);
  }

  attachEvents(events: EventGauges): void {
    this.#gauges.attachEvents(events);
  }

  attachRemetering(status: () => RemeteringStatus): void {
    this.#gauges.attachRemetering(status);
  }

  attachBackups(latestMs: LatestBackup): void {
    this.#gauges.attachBackups(latestMs);
  }

  usage(batch: UsageBatch): void {
    this.#meter.record(recordsOf(batch));
  }

  /** What a serving thread told of itself. */
  thread(thread: number, { refusals, slots, ...recorded }: ThreadTelemetry): void {
    this.#gauges.setSlots(thread, slots);
    for (const refusal of refusals) this.#meter.refused(refusal);
    this.spans(recorded);
  }

  spans({ spans, batch }: RecordedSpans): void {
    if (batch !== undefined) this.#batch(batch);
    for (const span of spans) {
      this.#meter.exemplify(span);
      if (this.#spans !== undefined) for (const made of spansOf(span, this.#origin)) this.#spans.onEnd(made);
    }
  }

  #batch(batch: SpanBatch): void {
    const records = [...spansIn(batch)];
    for (const exemplar of exemplarsOf(batch, records)) this.#meter.exemplify(exemplar);
    if (this.#spans === undefined) return;
    for (const written of this.#writer.write(batch, records))
      for (const span of WrittenSpan.of(written)) this.#spans.onEnd(span);
  }

  /** @param isLost whether nobody asked it to */
  threadEnded(thread: number, isLost: boolean): void {
    this.#gauges.threadEnded(thread);
    if (isLost) this.#meter.threadLost();
  }

  /** It is ended for that, and counted as lost then. */
  threadHung(): void {
    this.#meter.threadHung();
  }

  logs(records: readonly LogRecord[]): void {
    const logger = this.#loggers?.getLogger(SCOPE);
    if (logger !== undefined) for (const record of records) emitLog(logger, record);
  }

  async scrape(format: ExpositionFormat): Promise<string> {
    const { resourceMetrics } = await this.#scraped.collect();
    return expose(resourceMetrics, this.#exemplars, format);
  }

  /** Sends what waits. Resolves when it is out, or lost for want of a receiver. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LAST_EXPORTS_MS);
    const signals = [this.#spans?.shutdown(), this.#loggers?.shutdown(), this.#sdk.shutdown()];
    await Promise.race([Promise.allSettled(signals), late]);
    clearTimeout(timer);
  }

  #spanProcessor(
    { batch, ...target }: NonNullable<TelemetryConfig['traces']>,
    serializer: TraceSerializer,
  ): BatchSpanProcessor {
    const exporter = new TraceExporter(target, serializer);
    return new BatchSpanProcessor({ exporter, ...batch, selfObsMeterProvider: this.#meters });
  }

  #loggerProvider(
    { url, headers, batch }: NonNullable<TelemetryConfig['logs']>,
    resource: Resource,
  ): LoggerProvider {
    const exporter = new OTLPLogExporter({ url, headers });
    const processor = new BatchLogRecordProcessor({ exporter, ...batch, selfObsMeterProvider: this.#meters });
    return new LoggerProvider({ resource, processors: [processor] });
  }
}

/**
 * The one that scrapes ask first. The SDK aggregates anew for each reader, 3 µs an invocation: a scrape asks the reader that exports, as
 * long as that exports running totals, which it does unless `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` says otherwise.
 */
function metricReaders(
  metrics: TelemetryConfig['metrics'],
  limit: number,
): [MetricReader, ...MetricReader[]] {
  const cardinalitySelector = (): number => limit;
  if (metrics === undefined) return [new ScrapeReader({ cardinalitySelector })];
  const exporter = new OTLPMetricExporter({ url: metrics.url, headers: metrics.headers });
  const exporting = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: metrics.intervalMs,
    exportTimeoutMillis: Math.min(metrics.intervalMs, 30_000),
    cardinalityLimits: { default: limit },
  });
  const exportsTotals = Object.values(InstrumentType).every(
    (type) => exporter.selectAggregationTemporality(type) === AggregationTemporality.CUMULATIVE,
  );
  return exportsTotals ? [exporting] : [new ScrapeReader({ cardinalitySelector }), exporting];
}

/**
 * The SDK's own set-up of metrics. It hands out its provider as the API's global one only, which is taken and given back: a
 * second host of this process starts the same way. Spans and log records are added by processors that are made afterwards,
 * since these count what they drop by a meter.
 */
function startMetrics(resource: Resource, metricReaders: IMetricReader[]): [NodeSDK, MeterProvider] {
  const sdk = new NodeSDK({
    resource,
    metricReaders,
    autoDetectResources: false,
    spanProcessors: [],
    logRecordProcessors: [],
    textMapPropagator: null,
  });
  sdk.start();
  const meters = globalMetrics.getMeterProvider();
  globalMetrics.disable();
  globalLogs.disable();
  context.disable();
  return [sdk, meters];
}

/** The SDK speaks of its troubles to one place per process. */
function reportTo(report: (message: string) => void): void {
  const tell = (message: string): void => report(`telemetry: ${message}`);
  const nothing = (): void => {};
  const logger = { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}
