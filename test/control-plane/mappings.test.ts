import test from 'ava';
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
