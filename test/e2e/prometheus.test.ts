/** Prometheus' own server scrapes a host: what it read, its exemplars, and the alert rules and queries that ship with Mayfly. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { type Json, testHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { OtlpReceiver } from '../harness/otlp-receiver.ts';
import { Prometheus, promtool } from '../harness/prometheus.ts';
import { plainCommand } from '../harness/wat-commands.ts';

const TOKEN = 'token-for-scrapers-0123';
const RULES = fileURLToPath(new URL('../../docs/telemetry/alerts.yaml', import.meta.url));
const DASHBOARD = new URL('../../docs/telemetry/dashboard.json', import.meta.url);

test('Prometheus scrapes a host, and reads values, exemplars, rules and queries', async (t) => {
  t.timeout(180_000);
  await using receiver = await OtlpReceiver.start();
  const host = await testHost(t, {
    env: {
      MAYFLY_METRICS_TOKEN: TOKEN,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.origin}/v1/traces`,
      // Nothing lies ready, so that there are cold starts to see.
      MAYFLY_IDLE_MEMORY_BYTES: '0',
    },
  });
  await host.deploy(
    'ok',
    await parse(plainCommand('(memory 1) (func (export "run") (result i32) (i32.const 0))')),
  );
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  for (let n = 0; n < 3; n++)
    await host.call('ok', '/', { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } });

  const target = new URL(host.origin).host;
  await using prometheus = await Prometheus.start({ target, token: TOKEN, rules: RULES });
  const query = 'faas_invocations_total{mayfly_tenant="default",faas_name="ok",faas_trigger="http"}';
  await prometheus.until(async () => {
    const { result } = await prometheus.api('query', { query });
    return result[0]?.value[1] === '3';
  });
  const { activeTargets } = await prometheus.api('targets');
  t.like(activeTargets[0], { health: 'up', lastError: '' });
  const { result: quantile } = await prometheus.api('query', {
    query: 'histogram_quantile(0.5, sum by (le) (faas_invoke_duration_seconds_bucket{faas_name="ok"}))',
  });
  t.true(Number(quantile[0].value[1]) > 0);

  const seconds = Date.now() / 1_000;
  const exemplars = await prometheus.api('query_exemplars', {
    query: 'faas_invoke_duration_seconds_bucket{faas_name="ok"}',
    start: String(seconds - 600),
    end: String(seconds + 60),
  });
  t.is(exemplars[0]?.exemplars[0].labels.trace_id, traceId);

  await prometheus.until(async () => {
    const { groups } = await prometheus.api('rules');
    return groups.flatMap(({ rules }: Json) => rules).every(({ health }: Json) => health === 'ok');
  });
  // Whatever the dashboard asks has an answer on a host on which each kind of thing happens.
  const operator = new Operator(host);
  await haveTrouble(operator);
  let unanswered = await dashboardQueries();
  t.teardown(() => unanswered.length > 0 && t.log('no answer to', ...unanswered));
  await prometheus.until(async () => {
    for (const name of Object.keys(TROUBLE)) await operator.call('busy', name);
    await operator.call('limited', 'fine');
    const asked = unanswered.map(
      async (query) => (await prometheus.api('query', { query })).result.length > 0,
    );
    const answers = await Promise.all(asked);
    unanswered = unanswered.filter((_, at) => !answers[at]);
    return unanswered.length === 0;
  });
  t.deepEqual(host.reports, []);

  const headers = { authorization: `Bearer ${TOKEN}` };
  const { text } = await host.request('/metrics', { headers });
  const checked = promtool(['check', 'metrics'], text);
  t.is(checked.text, '');
  t.is(checked.status, 0);
});

const TROUBLE = {
  fine: '(i32.const 0)',
  fails: 'unreachable',
  slow: '(loop $again (br $again)) (i32.const 0)',
};

/** A tenant whose functions fail and run out of time, and whose queue has a dead letter and one that waits; and one that is refused. */
async function haveTrouble(operator: Operator): Promise<void> {
  const deploy = async (tenant: string, name: keyof typeof TROUBLE): Promise<unknown> => {
    const wat = plainCommand(`(memory 1) (func (export "run") (result i32) ${TROUBLE[name]})`);
    return operator.deploy(tenant, name, await parse(wat), { timeoutMs: 50 });
  };
  await operator.tenant('busy');
  for (const name of Object.keys(TROUBLE)) await deploy('busy', name as keyof typeof TROUBLE);
  // Apart, or else the others would hardly be called: a query of a growth wants two errors that a scrape lies between.
  await operator.tenant('limited', { requestsPerSecond: 1, requestBurst: 1 });
  await deploy('limited', 'fine');
  for (const queue of ['orders', 'forgotten']) {
    await operator.api('PUT', `/tenants/busy/queues/${queue}`, {});
    await operator.api('POST', `/tenants/busy/queues/${queue}/messages`, { order: 17 });
  }
  const source = { type: 'queue', queue: 'orders' };
  const mapping = { source, function: 'fails', maximumAttempts: 1 };
  await operator.api('PUT', '/tenants/busy/event-source-mappings/orders', mapping);
}

async function dashboardQueries(): Promise<string[]> {
  const { panels } = JSON.parse(await readFile(DASHBOARD, 'utf8')) as Json;
  const targets = panels.flatMap((panel: Json) => panel.targets ?? []);
  return targets.map(({ expr }: Json) =>
    expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(tenant|function)/g, '.*'),
  );
}
