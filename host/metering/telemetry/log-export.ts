import { type Logger, ROOT_CONTEXT, SeverityNumber, TraceFlags, trace } from '@opentelemetry/api';
import {
  ATTR_FAAS_INVOCATION_ID,
  ATTR_FAAS_NAME,
  ATTR_FAAS_VERSION,
  ATTR_LOG_IOSTREAM,
} from '@opentelemetry/semantic-conventions/incubating';
import type { LogRecord } from '../../model/log-record.ts';
import { ATTR_TENANT } from './invocation-attributes.ts';

const SEVERITIES: Readonly<Record<LogRecord['level'], SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};

/** A line of a function's log as an OpenTelemetry log record, tied to its invocation and trace. */
export function emitLog(logger: Logger, record: LogRecord): void {
  const { tenant, name, version, invocationId, timestampMs, level, source, message, traceId, spanId } =
    record;
  const isTraced = traceId !== undefined && spanId !== undefined;
  logger.emit({
    timestamp: timestampMs,
    severityNumber: SEVERITIES[level],
    severityText: level,
    body: message,
    attributes: {
      [ATTR_TENANT]: tenant,
      [ATTR_FAAS_NAME]: name,
      [ATTR_FAAS_VERSION]: String(version),
      [ATTR_FAAS_INVOCATION_ID]: invocationId,
      'mayfly.log.source': source,
      ...(source === 'host' ? {} : { [ATTR_LOG_IOSTREAM]: source }),
    },
    ...(isTraced
      ? { context: trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED }) }
      : {}),
  });
}
