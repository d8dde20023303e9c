import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { against, hostOf } from './against.ts';
import { type FakeHost, sendJson, sendProblem } from './fake-host.ts';
import { type Finished, mayfly } from './run-mayfly.ts';

const BASE = '/v1/tenants/default';
const AT = '2026-11-23T10:00:00.000Z';
const COUNTS = { ready: 2, delayed: 0, inFlight: 1, dead: 3, oldestSentAt: AT };
const QUEUE = {
  tenant: 'default',
  name: 'orders',
  settings: { retentionMs: 60_000, deduplicationMs: 5, deadLetterRetentionMs: 6 },
  counts: COUNTS,
  createdAt: AT,
  updatedAt: AT,
};
const MAPPING = {
  tenant: 'default',
  name: 'handle',
  source: { type: 'queue', queue: 'orders' },
  function: 'hello',
  enabled: true,
  status: { state: 'waiting', waitingFor: { code: 'quota_exceeded', detail: 'fuel' }, inFlight: 0 },
  counts: COUNTS,
};
const SCHEDULE = {
  name: 'nightly',
  function: 'hello',
  enabled: true,
  expression: { type: 'cron', expression: '0 3 * * *', timeZone: 'Europe/Berlin' },
  nextTicks: [AT],
};
const MESSAGE = { id: '01a2-b3', sentAt: AT, attempts: 5, body: 'a\nb', cause: { code: 'function_trapped' } };

function answer(host: FakeHost, route: string, value: unknown, status = 200): void {
  host.routes.set(route.replace(' /', ` ${BASE}/`), (_, response) => sendJson(response, status, value));
}

function bodyOf(host: FakeHost, method: string, path: string): unknown {
  return JSON.parse(String(host.last(method, `${BASE}${path}`)?.body));
}

test('queues are created, listed with their counts, purged and deleted', async (t) => {
  const host = await hostOf(t);
  answer(host, 'PUT /queues/orders', QUEUE, 201);
  answer(host, 'GET /queues', [QUEUE, { ...QUEUE, name: 'dark', counts: undefined }]);
  answer(host, 'DELETE /queues/orders/messages', { count: 7 });
  host.routes.set(`DELETE ${BASE}/queues/orders`, (_, response) => void response.writeHead(204).end());
  const created = await against(host, [
    'queues',
    'create',
    'orders',
    '--retention',
    '1m',
    '--deduplication',
    '500ms',
  ]);
  t.deepEqual([created.code, created.stderr], [0, '']);
  t.regex(created.stdout, /retentionMs = 60000/);
  t.deepEqual(bodyOf(host, 'PUT', '/queues/orders'), { retentionMs: 60_000, deduplicationMs: 500 });
  t.is(
    (await against(host, ['queues', 'list'])).stdout,
    [
      'NAME    READY  DELAYED  IN FLIGHT  DEAD  OLDEST',
      `orders  2      0        1          3     ${AT}`,
      'dark    ?      ?        ?          ?',
      '',
    ].join('\n'),
  );
  t.is((await against(host, ['queues', 'purge', 'orders'])).code, 2, 'only when it is meant');
  t.is((await against(host, ['queues', 'purge', 'orders', '--yes'])).stdout, 'dropped 7 messages\n');
  t.is((await against(host, ['queues', 'delete', 'orders'])).stdout, 'deleted orders\n');
});

test('a signing secret is printed alone, for a script to take', async (t) => {
  const host = await hostOf(t);
  const path = '/queues/orders/signing-secrets';
  answer(host, `POST ${path}`, { id: '0123456789abcdef', createdAt: AT, secret: 'whsec_x' }, 201);
  answer(host, `GET ${path}`, [{ id: '0123456789abcdef', createdAt: AT }]);
  const { stdout, stderr } = await against(host, ['queues', 'sign', 'orders']);
  t.is(stdout, 'whsec_x\n');
  t.true(stderr.includes(`${host.url}/in/default/orders`));
  t.regex((await against(host, ['queues', 'signing-secrets', 'orders'])).stdout, /0123456789abcdef {2}2026/);
  t.is((await against(host, ['queues', 'unsign', 'orders', '../x'])).code, 2);
});

test('a message is sent from text, a file or standard input, and its id printed', async (t) => {
  const host = await hostOf(t);
  answer(host, 'POST /queues/orders/messages', { messages: [{ id: 'm1', duplicate: true }] }, 202);
  const sent = await against(host, [
    ...['send', 'orders', '--data', '{"a":1}', '--content-type', 'application/json', '--delay', '2s'],
    ...['--deduplication-key', 'd', '--group-key', 'g', '--attribute', 'color=red'],
  ]);
  t.deepEqual([sent.code, sent.stdout], [0, 'm1 (duplicate)\n']);
  const { headers, body } = host.last('POST', `${BASE}/queues/orders/messages`)!;
  t.is(String(body), '{"a":1}');
  t.like(headers, {
    'content-type': 'application/json',
    'mayfly-delay-ms': '2000',
    'mayfly-deduplication-key': 'd',
    'mayfly-group-key': 'g',
    'mayfly-attribute-color': 'red',
  });
  await against(host, ['send', 'orders', '--data', '@-'], { input: 'from input' });
  t.is(String(host.last('POST', `${BASE}/queues/orders/messages`)?.body), 'from input');
  t.is((await against(host, ['send', 'orders', '--data', '@/nowhere'])).code, 2);
  t.is((await against(host, ['send', '../x', '--data', 'x'])).code, 2);
});

test('lines of a file are sent as a batch each of as many as one request may have', async (t) => {
  const host = await hostOf(t);
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-cli-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'lines.jsonl');
  await writeFile(file, Array.from({ length: 1_001 }, (_, index) => `{"n":${index}}\n`).join(''));
  const lengths: number[] = [];
  host.routes.set(`POST ${BASE}/queues/orders/messages`, ({ body }, response) => {
    const { messages } = JSON.parse(String(body)) as { messages: { body: string }[] };
    lengths.push(messages.length);
    sendJson(response, 202, { messages: messages.map((one) => ({ id: one.body, duplicate: false })) });
  });
  const sent = await against(host, [
    'send',
    'orders',
    '--data',
    `@${file}`,
    '--lines',
    '--json',
    '--group-key',
    'g',
  ]);
  t.deepEqual(lengths, [1_000, 1]);
  const ids = (JSON.parse(sent.stdout) as { messages: { id: string }[] }).messages.map(({ id }) => id);
  t.is(ids.length, 1_001);
  t.is(ids[1_000], '{"n":1000}');
});

test('mappings are created, shown with what they wait for, paused and resumed', async (t) => {
  const host = await hostOf(t);
  answer(host, 'PUT /event-source-mappings/handle', MAPPING, 201);
  answer(host, 'PATCH /event-source-mappings/handle', MAPPING);
  const source = { type: 'redis-stream', key: 'events' };
  const counts = { delayed: 0, inFlight: 1, dead: 7 };
  answer(host, 'GET /event-source-mappings', [MAPPING, { ...MAPPING, name: 'feed', source, counts }]);
  const { code, stderr } = await against(host, [
    ...['mappings', 'create', 'handle', '--queue', 'orders', '--function', 'hello', '--batch-size', '50'],
    ...[
      '--batching-window',
      '2s',
      '--filter',
      '{"body":{"a":["b"]}}',
      '--on-failure',
      'queue:failed',
      '--bisect',
    ],
    ...['--on-success', 'https://example.com/done', '--maximum-attempts', '3'],
  ]);
  t.deepEqual([code, stderr], [0, '']);
  t.deepEqual(bodyOf(host, 'PUT', '/event-source-mappings/handle'), {
    source: { type: 'queue', queue: 'orders' },
    function: 'hello',
    batchSize: 50,
    batchingWindowMs: 2_000,
    maximumAttempts: 3,
    bisectBatchOnError: true,
    filters: [{ body: { a: ['b'] } }],
    destinations: {
      onSuccess: { type: 'webhook', url: 'https://example.com/done' },
      onFailure: { type: 'queue', queue: 'failed' },
    },
  });
  t.regex(
    (await against(host, ['mappings', 'list'])).stdout,
    /handle {2}orders {9}hello {5}waiting {2}2 {6}3 {5}quota_exceeded\nfeed {4}stream events {2}hello {5}waiting {2}\? {6}7 /,
  );
  await against(host, ['mappings', 'pause', 'handle']);
  t.deepEqual(bodyOf(host, 'PATCH', '/event-source-mappings/handle'), { enabled: false });
  await against(host, ['mappings', 'resume', 'handle', '--json']);
  t.deepEqual(bodyOf(host, 'PATCH', '/event-source-mappings/handle'), { enabled: true });
  for (const args of [
    ['mappings', 'create', 'x', '--function', 'hello'],
    ['mappings', 'create', 'x', '--function', 'hello', '--queue', 'a', '--stream', 'b'],
    ['mappings', 'create', 'x', '--function', 'hello', '--queue', 'a', '--filter', '{'],
    ['mappings', 'create', 'x', '--function', 'hello', '--queue', 'a', '--on-failure', 'topic:x'],
    ['mappings', 'configure', 'x'],
  ])
    t.is((await against(host, args)).code, 2, args.join(' '));
});

test('how asynchronous invocations of a function are tried is shown, and set', async (t) => {
  const host = await hostOf(t);
  const config = { maximumAttempts: 3, maximumAgeMs: 21_600_000, destinations: {} };
  const counts = { ready: 4, delayed: 0, inFlight: 1, dead: 2, oldestSentAt: null };
  answer(host, 'GET /functions/hello/event-invoke-config', config);
  answer(host, 'GET /functions/hello/events', { counts });
  answer(host, 'PATCH /functions/hello/event-invoke-config', { ...config, maximumAttempts: 2 });
  const shown = await against(host, ['events', 'hello', '--json']);
  t.deepEqual([shown.code, JSON.parse(shown.stdout)], [0, { ...config, counts }]);
  const set = await against(host, [
    ...['events', 'hello', '--maximum-attempts', '2', '--maximum-age', '1h'],
    ...['--on-failure', 'queue:failed', '--on-success', 'none'],
  ]);
  t.regex(set.stdout, /^maximumAttempts = 2$/m);
  t.deepEqual(bodyOf(host, 'PATCH', '/functions/hello/event-invoke-config'), {
    maximumAttempts: 2,
    maximumAgeMs: 3_600_000,
    destinations: { onSuccess: null, onFailure: { type: 'queue', queue: 'failed' } },
  });
  t.is((await against(host, ['events', 'hello', '--on-failure', 'topic:x'])).code, 2);
});

test('schedules are created from a cron expression, a rate or a time, and show when they strike', async (t) => {
  const host = await hostOf(t);
  answer(host, 'PUT /schedules/nightly', SCHEDULE, 201);
  answer(host, 'GET /schedules', [SCHEDULE, { ...SCHEDULE, name: 'off', enabled: false, nextTicks: [] }]);
  const create = (...args: string[]): Promise<Finished> =>
    against(host, ['schedules', 'create', 'nightly', '--function', 'hello', ...args]);
  t.is((await create('--cron', '0 3 * * *', '--time-zone', 'Europe/Berlin', '--missed', 'all')).code, 0);
  t.deepEqual(bodyOf(host, 'PUT', '/schedules/nightly'), {
    expression: { type: 'cron', expression: '0 3 * * *', timeZone: 'Europe/Berlin' },
    function: 'hello',
    missedTicks: 'all',
  });
  await create('--rate', '5m', '--jitter', '30s', '--input', '{"a":1}');
  t.deepEqual(bodyOf(host, 'PUT', '/schedules/nightly'), {
    expression: { type: 'rate', everyMs: 300_000 },
    function: 'hello',
    jitterMs: 30_000,
    input: '{"a":1}',
  });
  await create('--at', AT);
  t.like(bodyOf(host, 'PUT', '/schedules/nightly'), { expression: { type: 'at', at: AT } });
  t.is(
    (await against(host, ['schedules', 'list'])).stdout,
    [
      'NAME     FUNCTION  WHEN                     NEXT                      LAST',
      `nightly  hello     0 3 * * * Europe/Berlin  ${AT}`,
      'off      hello     0 3 * * * Europe/Berlin  paused',
      '',
    ].join('\n'),
  );
  t.is((await create()).code, 2);
  t.is((await create('--rate', '5m', '--cron', '* * * * *')).code, 2);
  t.is((await create('--rate', '5m', '--time-zone', 'UTC')).code, 2);
  t.is((await create('--rate', '5m', '--missed', 'some')).code, 2);
});

test('dead letters of a queue or of a function are listed, tried again and dropped', async (t) => {
  const host = await hostOf(t);
  answer(host, 'GET /queues/orders/dead-letters', { messages: [MESSAGE] });
  answer(host, 'GET /functions/hello/events/dead-letters', { messages: [] });
  answer(host, 'POST /queues/orders/dead-letters/redrive', { count: 1 });
  answer(host, 'DELETE /functions/hello/events/dead-letters', { count: 2 });
  t.is(
    (await against(host, ['dead-letters', 'list', 'orders'])).stdout,
    `ID       SENT                      ATTEMPTS  CAUSE             BODY\n01a2-b3  ${AT}  5         function_trapped  a b\n`,
  );
  t.is((await against(host, ['dead-letters', 'list', '--function', 'hello'])).stdout, 'no dead letters\n');
  await against(host, ['dead-letters', 'redrive', 'orders', '--id', 'x', '--id', 'y']);
  t.deepEqual(bodyOf(host, 'POST', '/queues/orders/dead-letters/redrive'), { ids: ['x', 'y'] });
  t.is((await against(host, ['dead-letters', 'redrive', 'orders'])).stdout, '1 ready to be tried again\n');
  t.deepEqual(bodyOf(host, 'POST', '/queues/orders/dead-letters/redrive'), {});
  t.is((await against(host, ['dead-letters', 'purge', '--function', 'hello'])).code, 2);
  t.is(
    (await against(host, ['dead-letters', 'purge', '--function', 'hello', '--yes'])).stdout,
    'dropped 2\n',
  );
  answer(host, 'GET /event-source-mappings/feed/dead-letters', { messages: [MESSAGE] });
  answer(host, 'POST /event-source-mappings/feed/dead-letters/redrive', { count: 3 });
  answer(host, 'DELETE /event-source-mappings/feed/dead-letters', { count: 4 });
  t.regex((await against(host, ['dead-letters', 'list', '--mapping', 'feed'])).stdout, /function_trapped/);
  const redriven = await against(host, ['dead-letters', 'redrive', '--mapping', 'feed', '--id', 'x']);
  t.is(redriven.stdout, '3 ready to be tried again\n');
  t.deepEqual(bodyOf(host, 'POST', '/event-source-mappings/feed/dead-letters/redrive'), { ids: ['x'] });
  const purged = await against(host, ['dead-letters', 'purge', '--mapping', 'feed', '--yes']);
  t.is(purged.stdout, 'dropped 4\n');
  t.is((await against(host, ['dead-letters', 'list', 'orders', '--mapping', 'feed'])).code, 2);
  t.is((await against(host, ['dead-letters', 'list', '--mapping', '../x'])).code, 2);
  t.is((await against(host, ['dead-letters', 'list'])).code, 2, 'of which');
  t.is((await against(host, ['dead-letters', 'list', 'orders', '--function', 'hello'])).code, 2);
});

test('an invocation is left to the host, and exit codes tell what came of it', async (t) => {
  const host = await hostOf(t);
  const route = `POST ${BASE}/functions/hello/invocations`;
  host.routes.set(route, (_, response) => sendJson(response, 202, { id: 'm1', duplicate: false }));
  const accepted = await against(host, ['invoke', 'hello', '--async', '--data', 'x']);
  t.deepEqual([accepted.code, accepted.stdout], [0, 'm1\n']);
  t.is(host.received.at(-1)?.headers['mayfly-invocation-type'], 'Event');
  t.is((await against(host, ['invoke', 'hello', '--async', '--path', '/'])).code, 2);
  host.routes.set(route, (_, response) => sendProblem(response, 'queue_unavailable', 'away'));
  t.is((await against(host, ['invoke', 'hello', '--async'])).code, 6);
  host.routes.set(`GET ${BASE}/queues/orders`, (_, response) =>
    sendProblem(response, 'queue_not_found', 'no'),
  );
  const missing = await against(host, ['queues', 'describe', 'orders', '--json']);
  t.is(missing.code, 3);
  t.is((JSON.parse(missing.stderr) as { code: string }).code, 'queue_not_found');
});

test('every command explains itself with an example', async (t) => {
  for (const args of [
    ['queues'],
    ['queues', 'create'],
    ['send'],
    ['mappings', 'create'],
    ['schedules', 'create'],
    ['dead-letters', 'redrive'],
    ['invoke'],
  ]) {
    const { code, stdout } = await mayfly([...args, '--help']);
    t.is(code, 0);
    t.regex(stdout, new RegExp(`Example:\\n {2}mayfly ${args[0]}`));
    t.regex(stdout, /Exit codes:/);
  }
});
