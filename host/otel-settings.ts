/**
 * OpenTelemetry's environment variables, by its specification ("Environment Variable Specification", "OTLP Exporter"), as far as a host
 * has use for them: raw -> validated -> resolved, called by config.ts alone. Nothing is exported where no endpoint is set; the
 * specification's default (localhost) would have every host knock on a port that it was never told of.
 */
import type { BatchSettings, OtlpTarget, TelemetryConfig } from './metering/telemetry/telemetry-config.ts';
import type { TraceSampling } from './model/trace-sampling.ts';

type Environment = Readonly<Record<string, string | undefined>>;

type Signal = 'TRACES' | 'METRICS' | 'LOGS';

/** Beside `MAYFLY_*`: every variable of OpenTelemetry that the host reads itself. */
export const OTEL_SETTINGS: readonly { readonly variable: string; readonly about: string }[] = [
  { variable: 'OTEL_SDK_DISABLED', about: 'true: export nothing' },
  { variable: 'OTEL_SERVICE_NAME', about: 'service.name (mayfly)' },
  { variable: 'OTEL_RESOURCE_ATTRIBUTES', about: 'more attributes of the process: a=b,c=d' },
  {
    variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    about: 'OTLP receiver, http/protobuf; nothing is sent without one',
  },
  { variable: 'OTEL_EXPORTER_OTLP_HEADERS', about: 'header fields for it: a=b,c=d' },
  { variable: 'OTEL_EXPORTER_OTLP_PROTOCOL', about: 'http/protobuf, which is the only one' },
  ...(['TRACES', 'METRICS', 'LOGS'] as const).flatMap((signal) => [
    { variable: `OTEL_${signal}_EXPORTER`, about: 'otlp or none (otlp)' },
    { variable: `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`, about: 'the same of this signal, with its path' },
    { variable: `OTEL_EXPORTER_OTLP_${signal}_HEADERS`, about: 'the same of this signal' },
    { variable: `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`, about: 'the same of this signal' },
  ]),
  {
    variable: 'OTEL_TRACES_SAMPLER',
    about: 'always_on, always_off, traceidratio, or one of them behind parentbased_ (parentbased_always_on)',
  },
  { variable: 'OTEL_TRACES_SAMPLER_ARG', about: 'of a ratio: 0 to 1 (1)' },
  { variable: 'OTEL_METRIC_EXPORT_INTERVAL', about: 'milliseconds between exports of metrics (60000)' },
  ...(['BSP', 'BLRP'] as const).flatMap((prefix) => [
    { variable: `OTEL_${prefix}_SCHEDULE_DELAY`, about: 'milliseconds that a batch waits (1000)' },
    { variable: `OTEL_${prefix}_EXPORT_TIMEOUT`, about: 'milliseconds that an export may take (30000)' },
    {
      variable: `OTEL_${prefix}_MAX_QUEUE_SIZE`,
      about: 'what waits at most; more is dropped and counted (16384)',
    },
    { variable: `OTEL_${prefix}_MAX_EXPORT_BATCH_SIZE`, about: 'of one export (2048)' },
  ]),
];

/** Variables that may hold keys. */
export const OTEL_KEY_VARIABLES: readonly string[] = OTEL_SETTINGS.map(({ variable }) => variable).filter(
  (variable) => variable.endsWith('_HEADERS'),
);

/**
 * Ten times those of the specification (2,048 and 512): a thread sends its spans on five times a second, up to 10,000 a second, and an
 * export of 2,048 takes one round trip instead of four.
 */
const QUEUE_SIZE = 16_384;
const BATCH_SIZE = 2_048;

export type OtelConfig = Pick<
  TelemetryConfig,
  'serviceName' | 'resource' | 'metrics' | 'traces' | 'logs' | 'sampling'
>;

/** @throws what `fail` makes of a text for the operator */
export function resolveOtel(env: Environment, fail: (message: string) => Error): OtelConfig {
  const metrics = target(env, 'METRICS', fail);
  const traces = target(env, 'TRACES', fail);
  const logs = target(env, 'LOGS', fail);
  const intervalMs = count(env, 'OTEL_METRIC_EXPORT_INTERVAL', 60_000, fail);
  return {
    serviceName: env['OTEL_SERVICE_NAME'] || 'mayfly',
    resource: pairs(env, 'OTEL_RESOURCE_ATTRIBUTES', fail),
    ...(metrics === undefined ? {} : { metrics: { ...metrics, intervalMs } }),
    ...(traces === undefined ? {} : { traces: { ...traces, batch: batch(env, 'BSP', fail) } }),
    ...(logs === undefined ? {} : { logs: { ...logs, batch: batch(env, 'BLRP', fail) } }),
    sampling: sampling(env, traces !== undefined, fail),
  };
}

function target(env: Environment, signal: Signal, fail: (message: string) => Error): OtlpTarget | undefined {
  const exporter = env[`OTEL_${signal}_EXPORTER`] || 'otlp';
  if (exporter !== 'otlp' && exporter !== 'none')
    throw fail(`OTEL_${signal}_EXPORTER is '${exporter}'; it must be otlp or none`);
  if (exporter === 'none' || env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  const common = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const name = env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`];
  const text = name || (common && `${common.replace(/\/$/, '')}/v1/${signal.toLowerCase()}`);
  if (!text) return undefined;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw fail(`'${text}' is not an address of OTLP over HTTP; it must begin with http:// or https://`);
  const protocol = env[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] || env['OTEL_EXPORTER_OTLP_PROTOCOL'];
  if (protocol && protocol !== 'http/protobuf')
    throw fail(`OTLP is sent as http/protobuf, not as '${protocol}'`);
  const headers = {
    ...pairs(env, 'OTEL_EXPORTER_OTLP_HEADERS', fail),
    ...pairs(env, `OTEL_EXPORTER_OTLP_${signal}_HEADERS`, fail),
  };
  return { url: url.href, headers };
}

function sampling(env: Environment, isOn: boolean, fail: (message: string) => Error): TraceSampling {
  const name = env['OTEL_TRACES_SAMPLER'] || 'parentbased_always_on';
  const [, parent, root] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ?? [];
  if (root === undefined) throw fail(`OTEL_TRACES_SAMPLER is '${name}', which is none of the samplers here`);
  const isParentBased = parent !== undefined;
  if (root !== 'traceidratio') return { isOn, isParentBased, ratio: root === 'always_on' ? 1 : 0 };
  const ratio = Number(env['OTEL_TRACES_SAMPLER_ARG'] || 1);
  if (!(ratio >= 0 && ratio <= 1)) throw fail('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1');
  return { isOn, isParentBased, ratio };
}

function batch(env: Environment, prefix: 'BSP' | 'BLRP', fail: (message: string) => Error): BatchSettings {
  const setting = (name: string, fallback: number): number =>
    count(env, `OTEL_${prefix}_${name}`, fallback, fail);
  const maxQueueSize = setting('MAX_QUEUE_SIZE', QUEUE_SIZE);
  return {
    scheduledDelayMillis: setting('SCHEDULE_DELAY', 1_000),
    exportTimeoutMillis: setting('EXPORT_TIMEOUT', 30_000),
    maxQueueSize,
    maxExportBatchSize: Math.min(setting('MAX_EXPORT_BATCH_SIZE', BATCH_SIZE), maxQueueSize),
  };
}

function count(env: Environment, name: string, fallback: number, fail: (message: string) => Error): number {
  const text = env[name] || String(fallback);
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw fail(`${name} is '${text}'; it must be a whole number above 0`);
  return Number(text);
}

/** `a=b,c=d`, the values percent-encoded (W3C Baggage). */
function pairs(env: Environment, name: string, fail: (message: string) => Error): Record<string, string> {
  const entries = (env[name] ?? '').split(',').filter((text) => text.trim() !== '');
  return Object.fromEntries(
    entries.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw fail(`${name} is a list of name=value with commas between them`);
      try {
        return [text.slice(0, at).trim(), decodeURIComponent(text.slice(at + 1).trim())];
      } catch {
        throw fail(`${name} has a value that is not percent-encoded as it should be`);
      }
    }),
  );
}
