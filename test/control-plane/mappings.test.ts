import test from 'ava';
import type { StreamView } from '../../host/control-plane/event-ports.ts';
import type { MessageId, QueueName, TenantName } from '../../host/model/ids.ts';
import type { DeadLetter, QueueMessage } from '../../host/model/queue-message.ts';
import { ControlPlaneServer, problemOf } from './control-plane-server.ts';

const MAPPINGS = '/v1/tenants/default/event-source-mappings';
const QUEUE = { type: 'queue', queue: 'orders' };

// biome-ignore lint/suspicious/noExplicitAny: a test reads JSON of many shapes
type Json = any;

async function serverWithQueue(hasStreams = false): Promise<ControlPlaneServer> {
  const server = await ControlPlaneServer.start({ hasStreams });
  await server.publish('hello', 'one');
  await server.sendJson('PUT', '/v1/tenants/default/queues/orders', {});
  return server;
}

test('a mapping is created, shown with what it does, changed, paused and deleted', async (t) => {
  await using server = await serverWithQueue();
  const created = await server.sendJson('PUT', `${MAPPINGS}/handle`, {
    source: QUEUE,
    function: 'hello',
    batchSize: 3,
    destinations: { onSuccess: { type: 'queue', queue: 'results' }, onFailure: null },
  });
  t.is(created.status, 201);
  await server.request('POST', '/v1/tenants/default/queues/orders/messages', { body: 'x' });
  server.status = {
    ...server.status,
    state: 'waiting',
    waitingFor: { code: 'quota_exceeded', detail: 'fuelPerSecond' },
  };
  const shown = (await (await server.request('GET', `${MAPPINGS}/handle`)).json()) as Json;
  t.like(shown, {
    name: 'handle',
    source: QUEUE,
    function: 'hello',
    enabled: true,
    batchSize: 3,
    maximumAttempts: 5,
    status: { state: 'waiting', waitingFor: { code: 'quota_exceeded' } },
    counts: { ready: 1 },
  });
  const paused = await server.sendJson('PATCH', `${MAPPINGS}/handle`, { enabled: false });
  t.like(await paused.json(), { enabled: false, batchSize: 3 });
  const replaced = await server.sendJson('PUT', `${MAPPINGS}/handle`, { source: QUEUE, function: 'hello' });
  t.is(replaced.status, 200);
  t.like(await replaced.json(), { enabled: true, batchSize: 10, destinations: {} });
  t.is(((await (await server.request('GET', MAPPINGS)).json()) as Json).length, 1);
  t.is((await server.request('DELETE', `${MAPPINGS}/handle`)).status, 204);
  t.is((await problemOf(await server.request('GET', `${MAPPINGS}/handle`))).code, 'mapping_not_found');
});

test('what makes no sense is refused, naming the field', async (t) => {
  await using server = await serverWithQueue();
  const put = async (body: object): Promise<[unknown, unknown]> => {
    const problem = await problemOf(await server.sendJson('PUT', `${MAPPINGS}/handle`, body));
    return [problem.code, problem['field']];
  };
  const base = { source: QUEUE, function: 'hello' };
  t.deepEqual(await put({ ...base, batchSize: 0 }), ['invalid_request', 'batchSize']);
  t.deepEqual(await put({ ...base, batchsize: 1 }), ['invalid_request', 'batchsize']);
  t.deepEqual(await put({ ...base, retryBaseMs: 5_000, retryMaximumMs: 1_000 }), [
    'invalid_request',
    'retryBaseMs',
  ]);
  t.deepEqual(await put({ ...base, source: { type: 'sqs', queue: 'x' } }), [
    'invalid_request',
    'source.type',
  ]);
  const [code, field] = await put({
    ...base,
    filters: [{ contentType: ['a'] }, { body: { a: [{ numric: [] }] } }],
  });
  t.is(code, 'invalid_request');
  t.regex(String(field), /^filters\.1/);
  t.is(
    (await put({ ...base, destinations: { onFailure: { type: 'webhook', url: 'ftp://x' } } }))[0],
    'invalid_request',
  );
  t.deepEqual(server.registry.events.mappings.list(), []);
});

test("a stream of the host's Redis is the operator's to give", async (t) => {
  const body = { source: { type: 'redis-stream', key: 'feed' }, function: 'hello' };
  {
    await using server = await serverWithQueue(false);
    const problem = await problemOf(await server.sendJson('PUT', `${MAPPINGS}/feed`, body));
    t.like(problem, { code: 'invalid_request', field: 'source' });
  }
  await using server = await serverWithQueue(true);
  const { key } = await server.createKey('default', 'all', ['admin']);
  const refused = await server.request('PUT', `${MAPPINGS}/feed`, {
    key,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  t.is((await problemOf(refused)).code, 'forbidden');
  const made = (await (await server.sendJson('PUT', `${MAPPINGS}/feed`, body)).json()) as Json;
  t.deepEqual(made.source, {
    type: 'redis-stream',
    key: 'feed',
    consumerGroup: 'mayfly:default:feed',
    startingPosition: 'latest',
  });
  t.false('counts' in made);
  // What reads it is the tenant's.
  const paused = await server.request('PATCH', `${MAPPINGS}/feed`, {
    key,
    headers: { 'content-type': 'application/json' },
    body: '{"enabled":false}',
  });
  t.is(paused.status, 200);
});

const CAUSE = { code: 'item_failed', detail: 'no luck' };

/** Stands in for what Redis has of a stream; what it was asked. */
function fakeStream(asked: unknown[]): StreamView {
  const letter: DeadLetter = {
    id: '019a0000-0000-7000-8000-000000000000' as MessageId,
    body: Buffer.from('a'),
    contentType: 'text/plain',
    attributes: { 'redis-stream-id': '1-1' },
    sentAtMs: 1,
    attempts: 5,
    cause: CAUSE,
    deadAtMs: 2,
  };
  return {
    counts: async () => ({
      ready: undefined,
      delayed: 1,
      inFlight: 0,
      dead: 1,
      oldestSentAtMs: undefined,
    }),
    deadLetters: {
      peek: async (page) => {
        asked.push(page);
        return { messages: [letter], next: '2-0' };
      },
      redrive: async (ids) => {
        asked.push(ids);
        return 1;
      },
      purge: async () => 4,
    },
  };
}

test('what a mapping has given up of a stream is looked at, tried again and dropped, with an audit entry each', async (t) => {
  await using server = await serverWithQueue(true);
  const body = { source: { type: 'redis-stream', key: 'feed' }, function: 'hello' };
  await server.sendJson('PUT', `${MAPPINGS}/feed`, body);
  const letters = `${MAPPINGS}/feed/dead-letters`;
  t.like(await problemOf(await server.request('GET', letters)), { code: 'queue_unavailable' });

  const asked: unknown[] = [];
  server.stream = fakeStream(asked);
  const shown = (await (await server.request('GET', `${MAPPINGS}/feed`)).json()) as Json;
  t.deepEqual(shown.counts, { delayed: 1, inFlight: 0, dead: 1 });
  const page = (await (await server.request('GET', `${letters}?limit=3&after=1-0`)).json()) as Json;
  t.like(page.messages[0], { body: 'a', attempts: 5, cause: CAUSE, deadAt: '1970-01-01T00:00:00.002Z' });
  t.is(page.next, '2-0');
  const { id } = page.messages[0];
  const redriven = await server.sendJson('POST', `${letters}/redrive`, { ids: [id] });
  t.deepEqual(await redriven.json(), { count: 1 });
  await server.sendJson('POST', `${letters}/redrive`, {});
  t.deepEqual(asked, [{ limit: 3, after: '1-0' }, [id], undefined]);
  t.deepEqual(await (await server.request('DELETE', letters)).json(), { count: 4 });
  const audit = (await (await server.request('GET', '/v1/tenants/default/audit?limit=3')).json()) as Json;
  t.deepEqual(
    audit.map(({ action, target, after }: Json) => [action, target, after]),
    [
      ['queue.purge', 'mapping/feed', { what: 'dead', count: 4 }],
      ['queue.redrive', 'mapping/feed', { count: 1 }],
      ['queue.redrive', 'mapping/feed', { count: 1 }],
    ],
  );
});

test('dead letters of a mapping that reads a queue are those of the queue', async (t) => {
  await using server = await serverWithQueue();
  await server.sendJson('PUT', `${MAPPINGS}/handle`, { source: QUEUE, function: 'hello' });
  await server.request('POST', '/v1/tenants/default/queues/orders/messages', { body: 'x' });
  const queue = { kind: 'queue', tenant: 'default' as TenantName, name: 'orders' as QueueName } as const;
  const options = { maxMessages: 1, maxBytes: 100, visibilityMs: 60_000, maxClaims: 1 };
  const [claim] = await server.queues.claim(queue, options);
  const [{ id }] = claim!.messages as [QueueMessage];
  await server.queues.settle(claim!, [{ id, kind: 'dead', cause: CAUSE }]);
  const letters = `${MAPPINGS}/handle/dead-letters`;
  const page = (await (await server.request('GET', letters)).json()) as Json;
  t.like(page.messages[0], { id, body: 'x', cause: CAUSE });
  t.deepEqual(await (await server.sendJson('POST', `${letters}/redrive`, {})).json(), { count: 1 });
  t.like(await server.queues.counts(queue), { ready: 1, dead: 0 });
  t.is(
    (await problemOf(await server.request('GET', `${MAPPINGS}/nope/dead-letters`))).code,
    'mapping_not_found',
  );
});
