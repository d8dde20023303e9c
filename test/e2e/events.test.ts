/** Queues, mappings, schedules and asynchronous invocations on a real host, through its API alone, and over its restarts. */
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { buildHandler } from '../../guest-sdk/build/handler.ts';
import { resolveConfig } from '../../host/config.ts';
import { betweenLooks } from '../harness/between-looks.ts';
import { type Json, TestHost } from '../harness/host.ts';

const GUEST = `
export default {
  queue(batch) {
    for (const message of batch.messages) {
      const text = message.text();
      if (text.startsWith('bad')) message.retry({ reason: 'it is bad' });
      else console.log('queue ' + batch.queue + ' ' + text);
    }
  },
  scheduled(event) {
    console.log('tick ' + event.schedule + ' ' + event.text());
  },
  async fetch(request) {
    const text = await request.text();
    console.log('event ' + text);
    return new Response('made of ' + text);
  },
};
`;

let folder: string;
let component: Uint8Array;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-events-'));
  const source = join(folder, 'guest.ts');
  await writeFile(source, GUEST);
  ({ component } = await buildHandler(source));
  const env = {
    MAYFLY_PORT: '0',
    MAYFLY_THREADS: '1',
    MAYFLY_DATA_DIR: join(folder, 'host'),
    MAYFLY_SECRETS_KEY: randomBytes(32).toString('base64'),
  };
  host = new EventHost(resolveConfig(env, folder));
  await host.start();
});
test.after.always(async () => {
  await host.dispose();
  await rm(folder, { recursive: true, force: true });
});

class EventHost extends TestHost {
  /** A change, or what its problem says. */
  async change(method: string, path: string, body: Json = {}): Promise<Json> {
    const { status, json } = await this.api(path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  async send(queue: string, body: string, headers: Record<string, string> = {}): Promise<Json> {
    const { status, json } = await this.api(`/queues/${queue}/messages`, { method: 'POST', headers, body });
    if (status !== 202) throw new Error(`send: ${status} ${JSON.stringify(json)}`);
    return json.messages[0];
  }

  async read(path: string): Promise<Json> {
    const { status, json } = await this.api(path);
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  /** What is at `path`, once it is as wanted. */
  async until(path: string, isWanted: (json: Json) => boolean): Promise<Json> {
    for (;;) {
      const json = await this.read(path);
      if (isWanted(json)) return json;
      await betweenLooks();
    }
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}

let host: EventHost;

/** A function of its own for each test; all of them are the same artifact, which is made once. */
async function deployed(name: string): Promise<EventHost> {
  await host.deploy(name, component);
  return host;
}

const QUICK = { maximumAttempts: 2, retryBaseMs: 1, retryMaximumMs: 1 };

test.serial(
  'a message is handled; one that fails becomes a dead letter after its attempts, and is tried again',
  async (t) => {
    await deployed('queue');
    await host.change('PUT', '/queues/orders');
    await host.send('orders', 'one');
    t.like((await host.read('/queues/orders')).counts, { ready: 1 }, 'nobody handles it yet');
    await host.change('PUT', '/event-source-mappings/orders', {
      source: { type: 'queue', queue: 'orders' },
      function: 'queue',
      ...QUICK,
    });
    t.deepEqual(await host.logs('queue', 1), ['queue orders one']);
    const { id } = await host.send('orders', 'bad');
    await host.send('orders', 'two');
    const { messages } = await host.until('/queues/orders/dead-letters', (page) => page.messages.length > 0);
    t.like(messages, [{ id, body: 'bad', attempts: 2, cause: { detail: 'it is bad' } }]);
    t.deepEqual(await host.logs('queue', 2), ['queue orders one', 'queue orders two']);
    t.deepEqual(await host.change('POST', '/queues/orders/dead-letters/redrive'), { count: 1 });
    const again = await host.until('/queues/orders/dead-letters', (page) => page.messages.length > 0);
    t.like(again.messages, [{ id, attempts: 2 }]);
    const { status, counts } = await host.until(
      '/event-source-mappings/orders',
      ({ status: { inFlight, counts: all } }) => inFlight === 0 && all.dead === 2,
    );
    t.like(status.counts, { succeeded: 2, dead: 2 });
    t.like(counts, { ready: 0, delayed: 0, inFlight: 0, dead: 1 });
    t.deepEqual(host.reports, []);
  },
);

test.serial(
  'what is accepted survives the host, and a mapping that was paused goes on where it was',
  async (t) => {
    await deployed('restarted');
    await host.change('PUT', '/queues/kept', { retentionMs: 600_000 });
    await host.change('PUT', '/event-source-mappings/kept', {
      source: { type: 'queue', queue: 'kept' },
      function: 'restarted',
      enabled: false,
      ...QUICK,
    });
    for (const body of ['a', 'b']) await host.send('kept', body, { 'mayfly-group-key': 'g' });
    await host.send('kept', 'much later', { 'mayfly-delay-ms': '3600000' });
    await host.restart();
    t.like(await host.read('/event-source-mappings/kept'), {
      enabled: false,
      status: { state: 'paused' },
      counts: { ready: 2, delayed: 1 },
    });
    const resumed = host.change('PATCH', '/event-source-mappings/kept', { enabled: true });
    t.is((await resumed).enabled, true);
    t.deepEqual(await host.logs('restarted', 2), ['queue kept a', 'queue kept b']);
    await host.restart();
    t.like(await host.until('/queues/kept', ({ counts }) => counts.inFlight === 0), {
      settings: { retentionMs: 600_000 },
      counts: { ready: 0, delayed: 1, dead: 0 },
    });
    t.is((await host.logs('restarted', 2)).length, 2);
    t.deepEqual(host.reports, []);
  },
);

test.serial('an asynchronous invocation is accepted, made, and its outcome passed on', async (t) => {
  await deployed('async');
  await host.change('PUT', '/queues/results');
  await host.change('PATCH', '/functions/async/event-invoke-config', {
    destinations: { onSuccess: { type: 'queue', queue: 'results' } },
  });
  const { status, json } = await host.api('/functions/async/invocations', {
    method: 'POST',
    headers: { 'mayfly-invocation-type': 'Event', 'content-type': 'text/plain' },
    body: 'clay',
  });
  t.is(status, 202);
  t.deepEqual(await host.logs('async', 1), ['event clay']);
  const { messages } = await host.until('/queues/results/messages', (page) => page.messages.length > 0);
  const record = JSON.parse(messages[0].body);
  t.is(record.responsePayload, 'made of clay');
  t.regex(json.id, /^[0-9a-f-]{36}$/);
  t.like(record, { requestPayload: 'clay', requestContext: { condition: 'Success' } });
  const { counts } = await host.until('/functions/async/events', (events) => events.counts.inFlight === 0);
  t.like(counts, { ready: 0, delayed: 0, dead: 0 });
  t.deepEqual(host.reports, []);
});

test.serial(
  'events of a function that is deleted wait, over a restart, for another one of its name',
  async (t) => {
    await deployed('deleted');
    await host.change('PUT', '/queues/patient-orders');
    const mapping = { source: { type: 'queue', queue: 'patient-orders' }, function: 'deleted', ...QUICK };
    await host.change('PUT', '/event-source-mappings/patient-orders', mapping);
    t.is((await host.api('/functions/deleted', { method: 'DELETE' })).status, 204);
    await host.send('patient-orders', 'patient');
    const waiting = await host.until(
      '/event-source-mappings/patient-orders',
      // Given back once that is written.
      ({ status, counts }) => status.state === 'waiting' && counts.inFlight === 0,
    );
    t.is(waiting.status.waitingFor.code, 'function_not_found');
    const { ready, delayed, dead } = waiting.counts;
    t.deepEqual([ready + delayed, dead], [1, 0]);
    await host.restart();
    await host.deploy('deleted', component);
    t.deepEqual(await host.logs('deleted', 1), ['queue patient-orders patient']);
    t.deepEqual(host.reports, []);
  },
);

test.serial('a schedule strikes, and what it missed while no host ran is made up for once', async (t) => {
  await deployed('scheduled');
  const soon = new Date(Date.now() + 2_500).toISOString();
  await host.change('PUT', '/schedules/once', {
    function: 'scheduled',
    expression: { type: 'at', at: soon },
    input: 'wake up',
    contentType: 'text/plain',
  });
  t.deepEqual(await host.logs('scheduled', 1), ['tick once wake up']);
  t.like(await host.until('/schedules/once', ({ lastTick }) => lastTick !== undefined), {
    lastTick: soon,
    nextTicks: [],
  });
  const later = new Date(Date.now() + 2_500).toISOString();
  await host.change('PUT', '/schedules/missed', {
    function: 'scheduled',
    expression: { type: 'at', at: later },
    input: 'late',
    contentType: 'text/plain',
  });
  await host.stop();
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, Date.parse(later) - Date.now())));
  await host.start();
  t.deepEqual(await host.logs('scheduled', 2), ['tick once wake up', 'tick missed late']);
  await host.restart();
  t.is((await host.logs('scheduled', 2)).length, 2);
  t.deepEqual(host.reports, []);
});

test.serial('a webhook with a good signature is handled, one with a bad signature is not', async (t) => {
  await deployed('ingress');
  await host.change('PUT', '/queues/hooks');
  await host.change('PUT', '/event-source-mappings/hooks', {
    source: { type: 'queue', queue: 'hooks' },
    function: 'ingress',
  });
  const { secret } = await host.change('POST', '/queues/hooks/signing-secrets');
  const post = async (id: string, body: string, key: string): Promise<number> => {
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const hmac = createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'));
    const signature = hmac.update(`${id}.${timestamp}.${body}`).digest('base64');
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    };
    return (await host.request('/in/default/hooks', { method: 'POST', headers, body })).status;
  };
  t.is(await post('1', 'forged', `whsec_${Buffer.alloc(32).toString('base64')}`), 401);
  t.is(await post('2', 'genuine', secret), 202);
  t.is(await post('2', 'genuine', secret), 202);
  await host.restart();
  t.is(await post('3', 'after a restart', secret), 202);
  t.deepEqual(await host.logs('ingress', 2), ['queue hooks genuine', 'queue hooks after a restart']);
  t.deepEqual(host.reports, []);
});

test.serial('a tenant that is deleted leaves nothing to a later one of its name', async (t) => {
  const operator = { authorization: `Bearer ${host.running.adminKey.key}` };
  const call = async (method: string, path: string, body?: string): Promise<number> =>
    (await host.request(path, { method, headers: operator, ...(body === undefined ? {} : { body }) })).status;
  const json = async (method: string, path: string, body: Json): Promise<number> => {
    const headers = { ...operator, 'content-type': 'application/json' };
    return (await host.request(path, { method, headers, body: JSON.stringify(body) })).status;
  };
  for (const body of ['secret', undefined]) {
    t.is(await json('POST', '/v1/tenants', { name: 'acme' }), 201);
    t.is(await json('PUT', '/v1/tenants/acme/queues/orders', {}), 201);
    const page = await host.request('/v1/tenants/acme/queues/orders/messages', { headers: operator });
    t.deepEqual(JSON.parse(page.text).messages, []);
    if (body === undefined) break;
    t.is(await call('POST', '/v1/tenants/acme/queues/orders/messages', body), 202);
    t.is(await call('DELETE', '/v1/tenants/acme'), 204);
  }
  t.deepEqual(host.reports, []);
});
