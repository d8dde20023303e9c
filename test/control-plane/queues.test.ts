import test from 'ava';
import type { QueueId } from '../../host/model/queue.ts';
import { MESSAGE_BATCH } from '../../host/model/queue-message.ts';
import type { Settlement } from '../../host/store/queues/queue-engine.ts';
import { ControlPlaneServer, functionPath, problemOf } from './control-plane-server.ts';

const ORDERS = '/v1/tenants/default/queues/orders';
const QUEUE = { kind: 'queue', tenant: 'default', name: 'orders' } as QueueId;
const EVENTS = { kind: 'function', tenant: 'default', name: 'hello' } as QueueId;

// biome-ignore lint/suspicious/noExplicitAny: a test reads JSON of many shapes
type Json = any;

async function serverWithQueue(): Promise<ControlPlaneServer> {
  const server = await ControlPlaneServer.start();
  await server.sendJson('PUT', ORDERS, {});
  return server;
}

async function json(server: ControlPlaneServer, path: string): Promise<Json> {
  const response = await server.request('GET', path);
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Hands everything out and settles it as a consumer would. */
async function settleAll(server: ControlPlaneServer, queue: QueueId, kind: 'done' | 'dead'): Promise<void> {
  const options = { maxMessages: 100, maxBytes: 1e9, visibilityMs: 60_000, maxClaims: 1 };
  const [claim] = await server.queues.claim(queue, options);
  const cause = { code: 'function_trapped', detail: 'unreachable' };
  await server.queues.settle(
    claim!,
    claim!.messages.map(({ id }) => (kind === 'dead' ? { id, kind, cause } : { id, kind }) as Settlement),
  );
}

test('what is sent is seen, and counted where it is', async (t) => {
  await using server = await serverWithQueue();
  const headers = { 'content-type': 'application/json', 'mayfly-group-key': 'g' };
  const sent = await server.request('POST', `${ORDERS}/messages`, { headers, body: '{"a":1}' });
  t.is(sent.status, 202);
  const { messages } = (await sent.json()) as Json;
  t.is(messages.length, 1);
  t.false(messages[0].duplicate);
  await server.request('POST', `${ORDERS}/messages`, { body: new Uint8Array([255, 0]) });
  await server.request('POST', `${ORDERS}/messages`, {
    headers: { 'mayfly-delay-ms': '60000' },
    body: 'later',
  });
  t.like((await json(server, ORDERS)).counts, { ready: 2, delayed: 1, inFlight: 0, dead: 0 });
  t.like((await json(server, '/v1/tenants/default/queues'))[0], { name: 'orders', counts: { ready: 2 } });
  const page = await json(server, `${ORDERS}/messages`);
  t.like(page.messages[0], {
    id: messages[0].id,
    body: '{"a":1}',
    contentType: 'application/json',
    groupKey: 'g',
    attempts: 0,
  });
  t.is(page.messages[1].bodyBase64, '/wA=');
  const delayed = await json(server, `${ORDERS}/messages?state=delayed`);
  t.is(delayed.messages[0].body, 'later');
  t.true(Date.parse(delayed.messages[0].deliverAt) > Date.parse(delayed.messages[0].sentAt));
});

test('a page is as long as asked, and says where the next one begins', async (t) => {
  await using server = await serverWithQueue();
  const messages = Array.from({ length: 5 }, (_, index) => ({ body: `${index}` }));
  const headers = { 'content-type': MESSAGE_BATCH };
  await server.request('POST', `${ORDERS}/messages`, { headers, body: JSON.stringify({ messages }) });
  const bodies: string[] = [];
  let next: string | undefined;
  do {
    const after: string = next === undefined ? '' : `&after=${encodeURIComponent(next)}`;
    const page: Json = await json(server, `${ORDERS}/messages?limit=2${after}`);
    t.true(page.messages.length <= 2);
    bodies.push(...page.messages.map(({ body }: Json) => body));
    next = page.next;
  } while (next !== undefined);
  t.deepEqual(bodies, ['0', '1', '2', '3', '4']);
});

test('a page of large messages ends early, and the next one goes on', async (t) => {
  await using server = await serverWithQueue();
  const body = 'x'.repeat(1024 * 1024);
  for (let i = 0; i < 9; i++) await server.request('POST', `${ORDERS}/messages`, { body });
  const first = await json(server, `${ORDERS}/messages?limit=10`);
  t.is(first.messages.length, 8);
  const rest = await json(server, `${ORDERS}/messages?limit=10&after=${encodeURIComponent(first.next)}`);
  t.is(rest.messages.length, 1);
  t.not(rest.messages[0].id, first.messages[7].id);
});

test('the same deduplication key, or the same CloudEvent, is kept once', async (t) => {
  await using server = await serverWithQueue();
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't', data: 1 };
  const post = async (headers: Record<string, string>, body: string): Promise<Json> =>
    (await server.request('POST', `${ORDERS}/messages`, { headers, body })).json();
  const structured = await post({ 'content-type': 'application/cloudevents+json' }, JSON.stringify(event));
  const binary = await post(
    { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' },
    '1',
  );
  t.deepEqual(binary.messages, [{ id: structured.messages[0].id, duplicate: true }]);
  const batch = await post(
    { 'content-type': 'application/cloudevents-batch+json' },
    JSON.stringify([event, { ...event, id: '2' }]),
  );
  t.deepEqual(
    batch.messages.map(({ duplicate }: Json) => duplicate),
    [true, false],
  );
  t.is((await json(server, ORDERS)).counts.ready, 2);
});

test('dead letters show their cause, are tried again and dropped, and the audit log says so', async (t) => {
  await using server = await serverWithQueue();
  for (const body of ['a', 'b', 'c']) await server.request('POST', `${ORDERS}/messages`, { body });
  await settleAll(server, QUEUE, 'dead');
  const { messages } = await json(server, `${ORDERS}/dead-letters`);
  t.like(messages[0], { body: 'a', attempts: 1, cause: { code: 'function_trapped', detail: 'unreachable' } });
  t.truthy(messages[0].deadAt);
  const one = await server.sendJson('POST', `${ORDERS}/dead-letters/redrive`, { ids: [messages[1].id] });
  t.deepEqual(await one.json(), { count: 1 });
  t.like((await json(server, ORDERS)).counts, { ready: 1, dead: 2 });
  t.is((await json(server, `${ORDERS}/messages`)).messages[0].attempts, 0);
  const all = await server.sendJson('POST', `${ORDERS}/dead-letters/redrive`, {});
  t.deepEqual(await all.json(), { count: 2 });
  await settleAll(server, QUEUE, 'dead');
  t.deepEqual(await (await server.request('DELETE', `${ORDERS}/dead-letters`)).json(), { count: 3 });
  t.deepEqual(await (await server.request('DELETE', `${ORDERS}/messages`)).json(), { count: 0 });
  const audit = await json(server, '/v1/tenants/default/audit?limit=4');
  t.deepEqual(
    audit.map(({ action, target, after }: Json) => [action, target, after]),
    [
      ['queue.purge', 'orders', { what: 'waiting', count: 0 }],
      ['queue.purge', 'orders', { what: 'dead', count: 3 }],
      ['queue.redrive', 'orders', { count: 2 }],
      ['queue.redrive', 'orders', { count: 1 }],
    ],
  );
});

test('an asynchronous invocation waits in the event queue of its function, also once that is deleted', async (t) => {
  await using server = await serverWithQueue();
  await server.publish('hello', 'one');
  const invoke = (type: string, name = 'hello'): Promise<Response> =>
    server.request('POST', `${functionPath(name)}/invocations`, {
      headers: { 'x-amz-invocation-type': type, 'content-type': 'application/json' },
      body: '{"n":1}',
    });
  const accepted = await invoke('Event');
  t.is(accepted.status, 202);
  const { id } = (await accepted.json()) as Json;
  t.is((await invoke('DryRun')).status, 204);
  t.is(await (await invoke('RequestResponse')).text(), 'answer');
  t.is((await problemOf(await invoke('Event', 'nope'))).code, 'function_not_found');
  t.is((await problemOf(await invoke('DryRun', 'nope'))).code, 'function_not_found');
  const events = `${functionPath('hello')}/events`;
  t.like(await json(server, events), { status: { state: 'idle' }, counts: { ready: 1 } });
  t.like((await json(server, `${events}/messages`)).messages, [{ id, body: '{"n":1}' }]);
  await settleAll(server, EVENTS, 'dead');
  await server.request('DELETE', functionPath('hello'));
  t.is((await json(server, `${events}/dead-letters`)).messages[0].id, id);
  t.is((await json(server, events)).counts.dead, 1);
  const redriven = await server.sendJson('POST', `${events}/dead-letters/redrive`, {});
  t.deepEqual(await redriven.json(), { count: 1 });
  t.deepEqual(await (await server.request('DELETE', `${events}/messages`)).json(), { count: 1 });
});

test('a queue that is deleted, and one of a deleted tenant, has nothing of its predecessor', async (t) => {
  await using server = await serverWithQueue();
  await server.request('POST', `${ORDERS}/messages`, { body: 'old' });
  t.is((await server.request('DELETE', ORDERS)).status, 204);
  t.is((await problemOf(await server.request('GET', ORDERS))).code, 'queue_not_found');
  t.is(
    (await problemOf(await server.request('POST', `${ORDERS}/messages`, { body: 'x' }))).code,
    'queue_not_found',
  );
  t.deepEqual(server.registry.events.queues.removals(), [QUEUE]);
});

test('while the store is away sends are refused as retryable, and definitions can still be seen', async (t) => {
  await using server = await serverWithQueue();
  await server.publish('hello', 'one');
  await server.queues[Symbol.asyncDispose]();
  const problem = await problemOf(await server.request('POST', `${ORDERS}/messages`, { body: 'x' }));
  t.like(problem, { code: 'queue_unavailable', status: 503, retryable: true });
  const queue = await json(server, ORDERS);
  t.is(queue.name, 'orders');
  t.false('counts' in queue);
  const event = { headers: { 'mayfly-invocation-type': 'event' }, body: 'x' };
  const invoked = await server.request('POST', `${functionPath('hello')}/invocations`, event);
  t.is((await problemOf(invoked)).code, 'queue_unavailable');
  t.is(invoked.headers.get('retry-after'), '1');
});

test('a key without the scope has nothing of a message read', async (t) => {
  await using server = await serverWithQueue();
  const { key } = await server.createKey('default', 'reader', ['read']);
  const never = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(1_000));
      return new Promise(() => {});
    },
  });
  const response = await server.request('POST', `${ORDERS}/messages`, { key, body: never });
  t.is((await problemOf(response)).code, 'forbidden');
});
