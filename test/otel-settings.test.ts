import test from 'ava';
import { ConfigError, KEY_VARIABLES, resolveConfig } from '../host/config.ts';

const telemetry = (env: Record<string, string>) => resolveConfig(env, '/somewhere').telemetry;
const refusal = (env: Record<string, string>): string => {
  try {
    telemetry(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('it was not refused');
};

test('nothing is sent where no endpoint is set', (t) => {
  t.deepEqual(telemetry({}), {
    serviceName: 'mayfly',
    resource: {},
    sampling: { isOn: false, isParentBased: true, ratio: 1 },
    series: { maxTenants: 200, perTenant: 100 },
  });
});

test('an endpoint is completed by the path of each signal; one of a signal is taken as it is', (t) => {
  const { metrics, traces, logs } = telemetry({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/base/',
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'https://logs.example/in',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc, x-a=1',
    OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'x-a=2',
    OTEL_METRIC_EXPORT_INTERVAL: '5000',
    OTEL_BSP_MAX_QUEUE_SIZE: '100',
  });
  t.like(metrics, { url: 'http://collector:4318/base/v1/metrics', intervalMs: 5_000 });
  t.is(traces?.url, 'http://collector:4318/base/v1/traces');
  t.like(traces?.batch, { maxQueueSize: 100, maxExportBatchSize: 100 });
  t.is(logs?.url, 'https://logs.example/in');
  t.deepEqual(traces?.headers, { authorization: 'Bearer abc', 'x-a': '1' });
  t.deepEqual(logs?.headers, { authorization: 'Bearer abc', 'x-a': '2' });
});

test('a signal can be left out, or all of them', (t) => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
  const some = telemetry({ ...env, OTEL_TRACES_EXPORTER: 'none' });
  t.is(some.traces, undefined);
  t.false(some.sampling.isOn);
  t.not(some.metrics, undefined);
  const none = telemetry({ ...env, OTEL_SDK_DISABLED: 'true' });
  t.deepEqual([none.metrics, none.traces, none.logs], [undefined, undefined, undefined]);
});

test('samplers have the names of the specification', (t) => {
  const sampling = (sampler: string, arg?: string) => {
    const ratio = arg === undefined ? {} : { OTEL_TRACES_SAMPLER_ARG: arg };
    const { isParentBased, ratio: share } = telemetry({ OTEL_TRACES_SAMPLER: sampler, ...ratio }).sampling;
    return [isParentBased, share];
  };
  t.deepEqual(sampling('always_on'), [false, 1]);
  t.deepEqual(sampling('always_off'), [false, 0]);
  t.deepEqual(sampling('traceidratio', '0.25'), [false, 0.25]);
  t.deepEqual(sampling('parentbased_always_off'), [true, 0]);
  t.deepEqual(sampling('parentbased_traceidratio'), [true, 1]);
  t.deepEqual(sampling(''), [true, 1]);
});

test('what a host cannot do is refused at the start', (t) => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
  t.regex(refusal({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }), /http\/protobuf/);
  t.regex(refusal({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }), /http:\/\//);
  t.regex(refusal({ OTEL_TRACES_SAMPLER: 'jaeger_remote' }), /none of the samplers/);
  t.regex(refusal({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }), /0 to 1/);
  t.regex(refusal({ OTEL_TRACES_EXPORTER: 'zipkin' }), /otlp or none/);
  t.regex(refusal({ OTEL_METRIC_EXPORT_INTERVAL: '-1' }), /above 0/);
  t.regex(refusal({ OTEL_RESOURCE_ATTRIBUTES: 'novalue' }), /name=value/);
  t.regex(refusal({ MAYFLY_METRICS_TOKEN: 'short' }), /MAYFLY_METRICS_TOKEN/);
});

test('what may hold keys is taken out of the environment', (t) => {
  for (const name of [
    'OTEL_EXPORTER_OTLP_HEADERS',
    'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    'MAYFLY_METRICS_TOKEN',
  ])
    t.true(KEY_VARIABLES.includes(name), name);
});
