import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import type { PublishJob } from '../../host/control-plane/service.ts';
import { ControlPlaneServer, functionPath, problemOf } from './control-plane-server.ts';

const digestOf = (content: string) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

test('a publish answers 201 with what was made of the upload, and where it is', async (t) => {
  await using server = await ControlPlaneServer.start();
  const response = await server.publish('hello', 'component one');
  t.is(response.status, 201);
  t.is(response.headers.get('location'), functionPath('hello'));
  const body = (await response.json()) as Record<string, unknown>;
  t.like(body, {
    tenant: 'default',
    name: 'hello',
    version: 1,
    live: true,
    digest: digestOf('component one'),
    handler: 'wasi:http/incoming-handler@0.2',
    world: 'wasi:http/incoming-handler@0.2.3',
    sizes: { uploadBytes: 13, codeBytes: 10, glueBytes: 20 },
    url: `${server.origin}/fn/default/hello/`,
  });
  t.deepEqual(body['steps'], [{ name: 'check', ms: 0.25 }]);
  t.is(new Date(body['createdAt'] as string).toISOString(), body['createdAt'] as string);
  t.deepEqual(await server.staged(), []);
});

test('the same bytes again answer 200 with the same version, which is live again', async (t) => {
  await using server = await ControlPlaneServer.start();
  const first = (await (await server.publish('hello', 'one')).json()) as object;
  t.is((await server.publish('hello', 'two')).status, 201);
  const again = await server.publish('hello', 'one');
  t.is(again.status, 200);
  t.deepEqual(await again.json(), first);
  const described = (await (await server.request('GET', functionPath('hello'))).json()) as Record<
    string,
    unknown
  >;
  t.is(described['liveVersion'], 1);
});

test('the handler that is named reaches the publisher, and another handler is another version', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.publish('hello', 'one');
  const response = await server.publish('hello', 'one', '?handler=wasi:cli/run@0.2');
  t.is(response.status, 201);
  t.like(await response.json(), { version: 2, handler: 'wasi:cli/run@0.2' });
  t.is(server.jobs[0]?.handler, undefined);
  t.is(server.jobs[1]?.handler, 'wasi:cli/run@0.2');
});

test('the publisher is told the memory that the function may use', async (t) => {
  await using server = await ControlPlaneServer.start({ ceilings: { memoryBytes: 200 * 2 ** 20 } });
  await server.publish('hello', 'one');
  await server.sendJson('PATCH', `${functionPath('hello')}/configuration`, { memoryBytes: 65_536 });
  await server.publish('hello', 'two');
  t.deepEqual(
    server.jobs.map((job) => job.memoryBytes),
    [128 * 2 ** 20, 65_536],
  );
});

test('a handler that does not exist and a query that means nothing are refused before the upload', async (t) => {
  await using server = await ControlPlaneServer.start();
  const wrong = await problemOf(await server.publish('hello', 'one', '?handler=wasi:http/nothing'));
  t.like(wrong, { code: 'invalid_request', field: 'handler' });
  const typo = await problemOf(await server.publish('hello', 'one', '?handlr=wasi:cli/run@0.2'));
  t.like(typo, { code: 'invalid_request', field: 'handlr' });
  t.regex(typo.detail, /did you mean handler\?/);
  t.is(server.jobs.length, 0);
});

test("what the publisher refuses is the caller's to read; a first refused upload leaves no function", async (t) => {
  await using server = await ControlPlaneServer.start();
  const problem = await problemOf(await server.publish('hello', 'broken bytes'));
  t.like(problem, { code: 'component_malformed', status: 422, fault: 'caller', detail: 'It is broken.' });
  t.is((await server.request('GET', functionPath('hello'))).status, 404);
  t.deepEqual(await server.staged(), []);
});

test('a refused upload leaves the version before it live', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.publish('hello', 'one');
  await server.publish('hello', 'broken');
  t.like(await (await server.request('GET', functionPath('hello'))).json(), { liveVersion: 1 });
});

test('an unexpected failure of the publisher is an internal error without its text', async (t) => {
  await using server = await ControlPlaneServer.start();
  const response = await server.publish('hello', 'crash');
  const text = await response.clone().text();
  t.like(await problemOf(response), { code: 'internal_error', status: 500, fault: 'host' });
  t.notRegex(text, /secret|tools|stack/);
  t.deepEqual(await server.staged(), []);
});

test('functions are listed by name, page by page', async (t) => {
  await using server = await ControlPlaneServer.start();
  for (const name of ['c', 'a', 'd', 'b']) await server.publish(name, 'one');
  const list = async (query: string) => {
    const response = await server.request('GET', `/v1/tenants/default/functions${query}`);
    return ((await response.json()) as { readonly name: string }[]).map(({ name }) => name);
  };
  t.deepEqual(await list(''), ['a', 'b', 'c', 'd']);
  t.deepEqual(await list('?limit=3'), ['a', 'b', 'c']);
  t.deepEqual(await list('?limit=3&after=c'), ['d']);
  t.deepEqual(await list('?after=bb'), ['c', 'd'], 'one that is gone by now');
  for (const query of ['?limit=0', '?limit=1001', '?after=..', '?before=a']) {
    const response = await server.request('GET', `/v1/tenants/default/functions${query}`);
    t.like(await problemOf(response), { code: 'invalid_request', status: 400 }, query);
  }
});

test('an unexpected failure of this thread is reported to the operator and not to the caller', async (t) => {
  const cause = new TypeError('/secret/path is undefined');
  await using server = await ControlPlaneServer.start({ backend: { list: () => Promise.reject(cause) } });
  const response = await server.request('GET', '/v1/tenants/default/functions');
  const text = await response.clone().text();
  t.like(await problemOf(response), { code: 'internal_error', status: 500 });
  t.notRegex(text, /secret|TypeError/);
  t.is(server.reports.length, 1);
  t.is(server.reports[0]?.error, cause);
});

test('a tenant that does not exist and a tenant that is full are refused before the body is read', async (t) => {
  await using server = await ControlPlaneServer.start({ functionsPerTenant: 1 });
  await server.publish('hello', 'one');

  // With a turn of the event loop between two pieces: a client that always has one at hand may never come to read the answer.
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await nextTurn();
        controller.enqueue(new Uint8Array(10));
      },
    });
  const headers = { 'content-type': 'application/wasm' };
  const nobody = server.request('PUT', '/v1/tenants/nobody/functions/x', { headers, body: endless() });
  t.is((await problemOf(await nobody)).code, 'tenant_not_found');
  const full = server.request('PUT', functionPath('second'), { headers, body: endless() });
  t.is((await problemOf(await full)).code, 'functions_limit_reached');
  t.is(server.jobs.length, 1);
  t.is((await server.publish('hello', 'two')).status, 201);
});

test('names that are no RFC 1123 labels are refused with the field, however they are spelled', async (t) => {
  await using server = await ControlPlaneServer.start();
  for (const name of [
    'Hello',
    'a_b',
    '-a',
    'a-',
    'a'.repeat(64),
    '..%2f..%2fetc',
    'a%00',
    'h%C3%A9',
    '%zz',
  ]) {
    const problem = await problemOf(await server.publish(name, 'one'));
    t.like(problem, { code: 'invalid_request', field: 'name' }, name);
  }
  const tenant = await problemOf(await server.request('GET', '/v1/tenants/Big/functions/ok'));
  t.like(tenant, { code: 'invalid_request', field: 'tenant' });
  t.regex(tenant.detail, /^tenant: must be 1 to 63 lower-case letters/);
  t.is((await server.publish('a'.repeat(63), 'one')).status, 201);
});

test('a description has the settings and the live version; a list has one line for each function', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.publish('b', 'one');
  await server.publish('a', 'two');
  const described = (await (await server.request('GET', functionPath('b'))).json()) as Record<string, object>;
  t.like(described, { name: 'b', liveVersion: 1, url: `${server.origin}/fn/default/b/` });
  t.like(described['live'], { version: 1, digest: digestOf('one'), live: true });
  t.like(described['configuration'], { timeoutMs: 10_000, allowedHosts: [], logLevel: 'info' });
  const list = (await (await server.request('GET', '/v1/tenants/default/functions')).json()) as {
    name: string;
  }[];
  t.deepEqual(
    list.map((entry) => entry.name),
    ['a', 'b'],
  );
  t.like(await problemOf(await server.request('GET', '/v1/tenants/nobody/functions')), {
    code: 'tenant_not_found',
  });
});

test('a deleted function is gone with its log, and a new one of its name starts with a new number', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.publish('hello', 'one');
  t.is((await server.request('DELETE', functionPath('hello'))).status, 204);
  t.is((await problemOf(await server.request('GET', functionPath('hello')))).code, 'function_not_found');
  t.is((await problemOf(await server.request('DELETE', functionPath('hello')))).code, 'function_not_found');
  t.like(await (await server.publish('hello', 'one')).json(), { version: 2 });
});

test('a function URL follows the address that the caller used', async (t) => {
  await using server = await ControlPlaneServer.start();
  const port = new URL(server.origin).port;
  server.origin = `http://localhost:${port}`;
  const response = await server.publish('hello', 'one').catch(() => undefined);
  // Where localhost is ::1 first, fetch tries 127.0.0.1 next: the server listens there.
  t.like(await response?.json(), { url: `http://localhost:${port}/fn/default/hello/` });
});

test('publishes of one name at the same time each get a version, and the last to finish is live', async (t) => {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const arrived = Promise.withResolvers<void>();
  const contents = ['one', 'two', 'three', 'four'];
  await using server = await ControlPlaneServer.start({
    beforePublish: async (_job: PublishJob, content: string) => {
      const gate = Promise.withResolvers<void>();
      gates.set(content, gate);
      if (gates.size === contents.length) arrived.resolve();
      await gate.promise;
    },
  });
  const replies = contents.map((content) => server.publish('hello', content));
  await arrived.promise;
  t.is((await server.staged()).length, contents.length);
  const versions: unknown[] = [];
  for (const content of ['three', 'one', 'four', 'two']) {
    gates.get(content)?.resolve();
    const reply = (await (await replies[contents.indexOf(content)]!).json()) as Record<string, unknown>;
    t.is(reply['digest'], digestOf(content));
    versions.push(reply['version']);
  }
  t.deepEqual(versions, [1, 2, 3, 4]);
  const described = (await (await server.request('GET', functionPath('hello'))).json()) as { live: object };
  t.like(described.live, { digest: digestOf('two'), version: 4 });
  t.deepEqual(await server.staged(), []);
});

test('the same bytes published many times at once are one version', async (t) => {
  await using server = await ControlPlaneServer.start();
  const replies = await Promise.all(Array.from({ length: 12 }, () => server.publish('hello', 'same')));
  t.deepEqual(replies.map((reply) => reply.status).sort(), [...Array(11).fill(200), 201]);
  const bodies = (await Promise.all(replies.map((reply) => reply.json()))) as { version: number }[];
  t.deepEqual(new Set(bodies.map((body) => body.version)), new Set([1]));
});

test('of many new functions at once, a tenant gets as many as it may have', async (t) => {
  await using server = await ControlPlaneServer.start({ functionsPerTenant: 3 });
  const replies = await Promise.all(
    Array.from({ length: 8 }, (_, index) => server.publish(`f${index}`, `c${index}`)),
  );
  const codes = await Promise.all(
    replies.map(async (r) => (r.status === 201 ? 'ok' : (await problemOf(r)).code)),
  );
  t.deepEqual(codes.sort(), [...Array(5).fill('functions_limit_reached'), 'ok', 'ok', 'ok']);
});
