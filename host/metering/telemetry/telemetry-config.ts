import type { TraceSampling } from '../../model/trace-sampling.ts';
import type { SeriesBounds } from './series-names.ts';

/** Where one signal goes, by OTLP over HTTP with Protocol Buffers. */
export interface OtlpTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Of the SDK's batch processors; each as its environment variable (`OTEL_BSP_*`, `OTEL_BLRP_*`) says. */
export interface BatchSettings {
  readonly scheduledDelayMillis: number;
  readonly exportTimeoutMillis: number;
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
}

export interface TelemetryConfig {
  readonly serviceName: string;
  /** Beside it, of the process: `OTEL_RESOURCE_ATTRIBUTES`. */
  readonly resource: Readonly<Record<string, string>>;
  readonly metrics?: OtlpTarget & { readonly intervalMs: number };
  readonly traces?: OtlpTarget & { readonly batch: BatchSettings };
  readonly logs?: OtlpTarget & { readonly batch: BatchSettings };
  readonly sampling: TraceSampling;
  readonly series: SeriesBounds;
  /** Opens `GET /metrics` and nothing else. */
  readonly scrapeToken?: string;
}
