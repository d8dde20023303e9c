/** What a host tells of itself, as those hear it who are told: OTLP decoded by its published definitions, Prometheus' text by a parser. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test, { type ExecutionContext } from 'ava';
import { betweenLooks } from '../harness/between-looks.ts';
import { cCommand } from '../harness/guests.ts';
import { handlerFrom } from '../harness/handler-from.ts';
import { fuelOf, type Json, startTestHost, type TestHost, testHost } from '../harness/host.ts';
import { OtlpReceiver, type ReceivedSpan } from '../harness/otlp-receiver.ts';
import { SCRAPE_TOKEN, scrape, sumOf } from '../harness/scrape.ts';
import { plainCommand } from '../harness/wat-commands.ts';
import type { Sample } from '../metering/telemetry/exposition-parser.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const SAMPLED = `00-${TRACE}-${CALLER}-01`;

/** Says what it was told of its trace, logs, and asks whoever `to` names. */
const HANDLER = `
export default {
  async fetch(request) {
    console.log('out'); console.error('err');
    const to = new URL(request.url).searchParams.get('to');
    const own = new URL(request.url).searchParams.get('own');
    if (to) await (await fetch(to, { headers: own ? { traceparent: own } : {} })).text();
    return Response.json({ traceparent: request.headers.get('traceparent'), tracestate: request.headers.get('tracestate') });
  },
};`;

const ENVIRONMENT = `
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  const char *parent = getenv("TRACEPARENT"), *state = getenv("TRACESTATE");
  printf("Content-Type: text/plain\\n\\n%s %s", parent ? parent : "-", state ? state : "-");
  return 0;
}`;

let receiver: OtlpReceiver;
let host: TestHost;
let upstream: Server;
let asked: IncomingHttpHeaders[] = [];
let upstreamOrigin = '';
let handler: Uint8Array;

test.before(async () => {
  receiver = await OtlpReceiver.start();
  host = await startTestHost({
    env: {
      MAYFLY_METRICS_TOKEN: SCRAPE_TOKEN,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=ours',
      OTEL_METRIC_EXPORT_INTERVAL: '200',
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_BLRP_SCHEDULE_DELAY: '50',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    },
  });
  upstream = createServer((incoming, outgoing) => {
    asked.push(incoming.headers);
    outgoing.writeHead(incoming.url === '/missing' ? 404 : 200).end('answer');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const authority = `127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  upstreamOrigin = `http://${authority}`;
  handler = await handlerFrom(HANDLER);
  await host.deploy('handler', handler, { allowedHosts: [authority] });
  await host.deploy(
    'traps',
    await parse(plainCommand('(memory 1) (func (export "run") (result i32) unreachable)')),
  );
});
test.after.always(async () => {
  await host?.dispose();
  await receiver?.[Symbol.asyncDispose]();
  upstream?.closeAllConnections();
  upstream?.close();
});

/** The span of an invocation, once it has come. */
function spanOf(invocationId: unknown): Promise<ReceivedSpan> {
  return receiver.until(() =>
    receiver.spans.find(({ attributes }) => attributes['faas.invocation.id'] === invocationId),
  );
}

/** A scrape that has counted so many of a function's invocations. */
async function scrapeOnce(t: ExecutionContext, name: string, count: number): Promise<Sample[]> {
  t.timeout(60_000);
  for (;;) {
    const samples = await scrape(host);
    const ended = ['faas_invocations_total', 'faas_errors_total', 'faas_timeouts_total'];
    const sum = ended.reduce((all, metric) => all + sumOf(samples, metric, { faas_name: name }), 0);
    if (sum >= count) return samples;
    await betweenLooks();
  }
}

test.serial(
  "a caller's trace goes on: into the guest, its requests, its log, and back to a span of the host",
  async (t) => {
    t.timeout(60_000);
    asked = [];
    const query = `?to=${encodeURIComponent(`${upstreamOrigin}/path?secret=1`)}`;
    const answer = await host.call('handler', `/here${query}`, {
      headers: { traceparent: SAMPLED, tracestate: 'vendor=1' },
    });
    const id = answer.headers['mayfly-invocation-id'];
    const span = await spanOf(id);
    t.like(span, { traceId: TRACE, parentSpanId: CALLER, kind: 2, name: 'default/handler', status: 0 });
    t.like(span.attributes, {
      'mayfly.tenant': 'default',
      'faas.name': 'handler',
      'faas.version': '1',
      'faas.trigger': 'http',
      'mayfly.outcome': 'returned',
      'mayfly.fuel': Number(fuelOf(answer)),
      'http.request.method': 'GET',
      'url.path': '/here',
      'http.response.status_code': 200,
    });
    t.true(span.endNs > span.startNs);
    const seen = JSON.parse(answer.text);
    t.is(
      seen.traceparent,
      `00-${TRACE}-${span.spanId}-01`,
      'the guest hangs its own spans below the invocation',
    );
    t.is(seen.tracestate, 'vendor=1');

    const client = receiver.spans.find(
      ({ parentSpanId, kind }) => parentSpanId === span.spanId && kind === 3,
    );
    t.like(client, { traceId: TRACE, name: 'GET' });
    t.like(client?.attributes, {
      'http.response.status_code': 200,
      'url.full': `${upstreamOrigin}/path`,
      'server.address': '127.0.0.1',
    });
    t.is(asked[0]?.['traceparent'], `00-${TRACE}-${client?.spanId}-01`);
    t.is(asked[0]?.['tracestate'], 'vendor=1');

    const lines = await receiver.until(() => {
      const mine = receiver.logs.filter(({ attributes }) => attributes['faas.invocation.id'] === id);
      return mine.length < 2 ? undefined : mine;
    });
    t.deepEqual(lines.map(({ body, severity }) => [body, severity]).sort(), [
      ['err', 13],
      ['out', 9],
    ]);
    for (const line of lines) t.like(line, { traceId: TRACE, spanId: span.spanId });
    t.like(receiver.resource, { 'service.name': 'mayfly', 'deployment.environment.name': 'test' });
    t.is(receiver.headers['x-tenant'], 'ours');

    const { json } = await host.api(`/functions/handler/logs?trace=${TRACE}&level=warn`);
    t.deepEqual(
      json.map((line: Json) => [line.message, line.traceId, line.spanId]),
      [['err', TRACE, span.spanId]],
    );
  },
);

test.serial(
  'a guest that sets its own traceparent keeps it, and what its request failed with is told',
  async (t) => {
    t.timeout(60_000);
    asked = [];
    const own = `00-${TRACE}-1111111111111111-01`;
    const to = encodeURIComponent(`${upstreamOrigin}/missing`);
    const answer = await host.call('handler', `/?to=${to}&own=${own}`, { headers: { traceparent: SAMPLED } });
    t.is(asked[0]?.['traceparent'], own);
    const span = await spanOf(answer.headers['mayfly-invocation-id']);
    const client = receiver.spans.find(
      ({ parentSpanId, kind }) => parentSpanId === span.spanId && kind === 3,
    );
    t.like(client, { status: 2 });
    t.like(client?.attributes, { 'error.type': '404' });
  },
);

test.serial('a caller that does not sample is passed on as it is, and leaves no span', async (t) => {
  const unsampled = `00-${TRACE}-2222222222222222-00`;
  const before = receiver.spans.length;
  const answer = await host.call('handler', '/', { headers: { traceparent: unsampled } });
  t.is(JSON.parse(answer.text).traceparent, unsampled);
  // The next one's span comes after it would have.
  const next = await host.call('handler', '/', { headers: { traceparent: SAMPLED } });
  await spanOf(next.headers['mayfly-invocation-id']);
  const ids = receiver.spans.slice(before).map(({ attributes }) => attributes['faas.invocation.id']);
  t.false(ids.includes(String(answer.headers['mayfly-invocation-id'])));
});

test.serial(
  'a trace begins here where nobody began one, and what is no context is as good as none',
  async (t) => {
    t.timeout(60_000);
    for (const headers of [
      {},
      { traceparent: `00-${'0'.repeat(32)}-${CALLER}-01`, tracestate: 'vendor=1' },
    ]) {
      const answer = await host.call('handler', '/', { headers });
      const span = await spanOf(answer.headers['mayfly-invocation-id']);
      t.is(span.parentSpanId, '');
      t.regex(span.traceId, /^(?!0{32})[0-9a-f]{32}$/);
      t.deepEqual(JSON.parse(answer.text), {
        traceparent: `00-${span.traceId}-${span.spanId}-01`,
        tracestate: null,
      });
    }
  },
);

test.serial("an error is the span's and is counted by its code", async (t) => {
  const answer = await host.call('traps');
  t.is(answer.status, 502);
  const span = await spanOf(answer.headers['mayfly-invocation-id']);
  t.is(span.status, 2);
  t.like(span.attributes, {
    'mayfly.outcome': 'function_trapped',
    'error.type': 'function_trapped',
    'mayfly.fault': 'function',
  });
  const samples = await scrapeOnce(t, 'traps', 1);
  t.is(sumOf(samples, 'faas_errors_total', { faas_name: 'traps', error_type: 'function_trapped' }), 1);
  t.is(sumOf(samples, 'faas_invocations_total', { faas_name: 'traps' }), 0);
});

test.serial('a command reads its trace from the environment', async (t) => {
  t.timeout(60_000);
  await host.deploy('environment', await cCommand(ENVIRONMENT));
  const answer = await host.call('environment', '/', {
    headers: { traceparent: SAMPLED, tracestate: 'a=b' },
  });
  const span = await spanOf(answer.headers['mayfly-invocation-id']);
  t.is(answer.text, `00-${TRACE}-${span.spanId}-01 a=b`);
});

test.serial('metrics, ledger and replies agree, on every thread and by every road', async (t) => {
  t.timeout(120_000);
  await host.deploy('counted', handler);
  const answers = await Promise.all(Array.from({ length: 20 }, () => host.call('counted')));
  const fuel = answers.reduce((sum, answer) => sum + Number(fuelOf(answer)), 0);
  const samples = await scrapeOnce(t, 'counted', 20);
  const of = { mayfly_tenant: 'default', faas_name: 'counted', faas_trigger: 'http' };
  t.is(sumOf(samples, 'faas_invocations_total', of), 20);
  t.is(sumOf(samples, 'mayfly_fuel_total', of), fuel);
  t.is(sumOf(samples, 'faas_invoke_duration_seconds_count', of), 20);
  const { json } = await host.api('/usage?level=record&function=counted');
  t.is(json.rows.length, 20);
  t.is(
    json.rows.reduce((sum: number, row: Json) => sum + Number(row.fuel), 0),
    fuel,
  );
  const point = await receiver.until(() =>
    receiver.points.find(
      ({ metric, attributes, value }) =>
        metric === 'mayfly.fuel' && attributes['faas.name'] === 'counted' && value === fuel,
    ),
  );
  t.is(point.unit, '{fuel}');
  const duration = receiver.points.find(
    ({ metric, attributes }) => metric === 'faas.invoke_duration' && attributes['faas.name'] === 'counted',
  );
  t.like(duration, { unit: 's', value: 20 });
});

test.serial('of many invocations each is told once, whatever batches they travel in', async (t) => {
  t.timeout(120_000);
  const many = await OtlpReceiver.start();
  t.teardown(() => many[Symbol.asyncDispose]());
  const busy = await testHost(t, {
    env: {
      ...many.spansAlone,
      MAYFLY_THREADS: '1',
      MAYFLY_METRICS_TOKEN: SCRAPE_TOKEN,
      // Batches of the SDK that begin and end within those that a thread wrote.
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '70',
    },
  });
  await busy.deploy(
    'ok',
    await parse(plainCommand('(memory 1) (func (export "run") (result i32) (i32.const 0))')),
  );
  const told: string[] = [];
  // A long path fills what a thread writes into before its time is up.
  for (const path of ['/', `/${'a'.repeat(3_000)}`]) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => busy.call('ok', path)));
    told.push(...answers.map(({ headers }) => String(headers['mayfly-invocation-id'])));
  }
  const ended = (): ReceivedSpan[] => many.spans.filter(({ name }) => name === 'default/ok');
  await many.until(() => (ended().length >= told.length ? true : undefined));
  t.deepEqual(
    ended()
      .map(({ attributes }) => attributes['faas.invocation.id'])
      .sort(),
    told.sort(),
  );
  t.is(new Set(many.spans.map(({ spanId }) => spanId)).size, many.spans.length);
  // The SDK counts an export once it is answered.
  const processed = async (): Promise<number> =>
    sumOf(await scrape(busy), 'otel_sdk_processor_span_processed_total', {});
  let counted = await processed();
  while (counted < many.spans.length) {
    await betweenLooks();
    counted = await processed();
  }
  t.is(counted, many.spans.length);
});

test.serial('exemplars of OpenMetrics lead from a bucket to a trace that fell into it', async (t) => {
  const answer = await host.call('handler');
  const { traceId, spanId } = await spanOf(answer.headers['mayfly-invocation-id']);
  const headers = {
    authorization: `Bearer ${SCRAPE_TOKEN}`,
    accept: 'application/openmetrics-text;version=1.0.0',
  };
  const { text, headers: fields } = await host.request('/metrics', { headers });
  t.is(fields['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  t.true(text.endsWith('# EOF\n'));
  const line = text.split('\n').find((each) => each.includes(`span_id="${spanId}"`));
  const pattern =
    /^\w+_seconds_bucket\{[^}]*le="([^"]+)"\} \d+ # \{trace_id="(\w+)",span_id="\w+"\} (\S+) \S+$/;
  const [, bound, trace, value] = pattern.exec(line ?? '') ?? [];
  t.is(trace, traceId);
  t.true(Number(value) <= (bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound)));
});

test.serial(
  'metrics are for the operator and for the scraper, and the token opens nothing else',
  async (t) => {
    const status = async (path: string, token?: string) => {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await host.request(path, { headers })).status;
    };
    t.is(await status('/metrics'), 401);
    t.is(await status('/metrics', 'token-for-scrapers-0124'), 401);
    t.is(await status('/metrics', SCRAPE_TOKEN), 200);
    t.is(await status('/metrics', host.running.adminKey.key), 200);
    t.is(await status('/v1/tenants', SCRAPE_TOKEN), 401);
    const { json } = await host.api('/keys', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'reader', scopes: ['read'] }),
    });
    t.is(await status('/metrics', json.secret ?? json.key), 403);
  },
);

test('a host whose receiver is gone serves as before, tells its operator, and stops', async (t) => {
  t.timeout(120_000);
  const gone = await OtlpReceiver.start();
  const { origin } = gone;
  await gone[Symbol.asyncDispose]();
  const lonely = await startTestHost({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: origin,
      OTEL_BSP_SCHEDULE_DELAY: '10',
      MAYFLY_METRICS_TOKEN: SCRAPE_TOKEN,
    },
  });
  try {
    await lonely.deploy(
      'ok',
      await parse(plainCommand('(memory 1) (func (export "run") (result i32) (i32.const 0))')),
    );
    t.is((await lonely.call('ok')).status, 200);
  } finally {
    await lonely.dispose();
  }
  t.true(
    lonely.reports.every((report) => report.startsWith('telemetry:')),
    lonely.reports.join('\n'),
  );
});
