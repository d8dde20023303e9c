import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
} from '@opentelemetry/otlp-exporter-base/node-http';
import { TraceExporterMetricsHelper } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import type { OtlpTarget } from './telemetry-config.ts';
import type { TraceSerializer } from './trace-serializer.ts';

/** The SDK's exporter of traces (`OTLPTraceExporter`) with another serializer: settings, transport, retries and timeouts are its own. */
export class TraceExporter extends OTLPExporterBase<ReadableSpan[]> implements SpanExporter {
  constructor({ url, headers }: OtlpTarget, serializer: TraceSerializer) {
    const options = convertLegacyHttpOptions({ url, headers }, 'TRACES', 'v1/traces', {
      'Content-Type': 'application/x-protobuf',
    });
    super(
      createOtlpHttpExportDelegate(
        options,
        serializer,
        'otlp_http_span_exporter',
        TraceExporterMetricsHelper,
        undefined,
      ),
    );
  }
}
