import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { Hono } from 'hono';
import { createControlPlane } from '../../host/control-plane/app.ts';
import { type Authenticate, bearerKey } from '../../host/control-plane/authentication.ts';
import type { ControlPlanePorts } from '../../host/control-plane/ports.ts';
import { defaultCeilings } from '../../host/store/ceilings.ts';
import { tenantNamed } from '../store/publications.ts';
import { ADMIN_KEY, ControlPlaneServer, functionPath, problemOf } from './control-plane-server.ts';

test('health is told without a key, until the host drains', async (t) => {
  await using server = await ControlPlaneServer.start();
  const healthy = await server.request('GET', '/healthz', { key: undefined });
  t.is(healthy.status, 200);
  t.deepEqual(await healthy.json(), { status: 'ok' });
  server.draining.abort();
  const draining = await server.request('GET', '/healthz', { key: undefined });
  t.is(draining.headers.get('retry-after'), '1');
  t.like(await problemOf(draining), { code: 'draining', status: 503, retryable: true });
});

test('a host that drains still answers questions and takes no changes', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.publish('hello', 'one');
  server.draining.abort();
  t.is((await server.request('GET', functionPath('hello'))).status, 200);
  for (const response of [
    await server.publish('hello', 'two'),
    await server.request('DELETE', functionPath('hello')),
    await server.sendJson('PATCH', `${functionPath('hello')}/configuration`, {}),
    await server.sendJson('PUT', `${functionPath('hello')}/live`, { version: 1 }),
    await server.request('POST', `${functionPath('hello')}/invocations`, { body: 'event' }),
  ]) {
    t.is((await problemOf(response)).code, 'draining');
  }
  t.is(server.registry.functions.versions(tenantNamed('default'), 'hello' as never).length, 1);
});

test('without the key, nothing below /v1 answers, routes that do not exist included', async (t) => {
  await using server = await ControlPlaneServer.start();
  const routes: [string, string][] = [
    ['GET', '/v1/tenants/default/functions'],
    ['PUT', functionPath('hello')],
    ['DELETE', functionPath('hello')],
    ['POST', `${functionPath('hello')}/invocations`],
    ['GET', `${functionPath('hello')}/logs`],
    ['GET', '/v1/whatever'],
    ['GET', '/v1'],
  ];
  for (const [method, path] of routes) {
    for (const key of [undefined, '', 'wrong', `${ADMIN_KEY}x`, ADMIN_KEY.slice(0, -1)]) {
      const response = await server.request(method, path, { key });
      t.is(response.headers.get('www-authenticate'), 'Bearer realm="mayfly"');
      t.like(await problemOf(response), { code: 'unauthenticated', status: 401 }, `${method} ${path} ${key}`);
    }
  }
});

test('the key is taken as a bearer token only, in any case of the scheme', (t) => {
  for (const header of [`Bearer ${ADMIN_KEY}`, `bearer ${ADMIN_KEY}`, `BEARER  ${ADMIN_KEY}`]) {
    t.is(bearerKey(header), ADMIN_KEY, header);
  }
  for (const header of [
    undefined,
    '',
    ADMIN_KEY,
    `Basic ${ADMIN_KEY}`,
    `Bearer ${ADMIN_KEY} x`,
    'Bearer ',
    'Bearer',
  ] as const) {
    t.is(bearerKey(header), undefined, header);
  }
});

test("a tenant's key reaches that tenant and no other", async (t) => {
  const authenticate: Authenticate = async () => ({
    kind: 'key',
    keyId: '0'.repeat(20),
    tenant: tenantNamed('default'),
    scopes: ['read'],
  });
  await using server = await ControlPlaneServer.start({ authenticate });
  t.is((await server.request('GET', '/v1/tenants/default/functions')).status, 200);
  t.is((await server.request('GET', '/v1/tenants/%64efault/functions')).status, 200);
  for (const other of ['other', 'default2', '%2564efault', 'Default', 'default%2f']) {
    const problem = await problemOf(await server.request('GET', `/v1/tenants/${other}/functions`));
    t.like(problem, { code: 'forbidden', status: 403 }, other);
  }
});

test('an unknown route and a wrong method are problems, the latter with what is allowed', async (t) => {
  await using server = await ControlPlaneServer.start();
  for (const path of [
    '/',
    '/v2',
    '/v1',
    '/v1/tenants/default/functions/',
    `${functionPath('a')}/nope`,
    '/healthz/x',
  ]) {
    t.like(
      await problemOf(await server.request('GET', path)),
      { code: 'route_not_found', status: 404 },
      path,
    );
  }
  for (const [method, path, allow] of [
    ['POST', functionPath('a'), 'DELETE, GET, HEAD, PUT'],
    ['GET', `${functionPath('a')}/invocations`, 'POST'],
    ['PUT', `${functionPath('a')}/configuration`, 'PATCH'],
    ['DELETE', `${functionPath('a')}/live`, 'PUT'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['DELETE', '/openapi.json', 'GET, HEAD'],
  ] as const) {
    const response = await server.request(method, path);
    t.is(response.headers.get('allow'), allow, path);
    t.like(await problemOf(response), { code: 'method_not_allowed', status: 405 });
  }
});

test('HEAD answers like GET without a body', async (t) => {
  await using server = await ControlPlaneServer.start();
  const response = await server.request('HEAD', '/healthz');
  t.is(response.status, 200);
  t.is(await response.text(), '');
});

test('mounted in another app, it answers unknown routes and errors the same', async (t) => {
  const ports = {
    authenticate: () => undefined,
    ceilings: defaultCeilings(),
    draining: new AbortController().signal,
  } as unknown as ControlPlanePorts;
  const app = new Hono().get('/fn/x', (c) => c.text('function')).route('/', createControlPlane(ports));
  t.is(await (await app.request('/fn/x')).text(), 'function');
  t.is((await problemOf(await app.request('/nowhere'))).code, 'route_not_found');
  t.is((await problemOf(await app.request('/v1/x'))).code, 'unauthenticated');
  t.is((await problemOf(await app.request('/healthz', { method: 'PUT' }))).code, 'method_not_allowed');
});

test('odd request targets are answered, and never with an internal error', async (t) => {
  await using server = await ControlPlaneServer.start();
  const port = Number(new URL(server.origin).port);
  const targets = [
    '//',
    '/v1//functions',
    '/v1/tenants/../../etc/passwd',
    '/%',
    '/v1/tenants/%ff/functions/%00',
    '*',
    '/?%zz',
    `/${'a'.repeat(5_000)}`,
  ];
  for (const target of targets) {
    const socket = connect(port, '127.0.0.1');
    socket.end(
      `GET ${target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_KEY}\r\nconnection: close\r\n\r\n`,
    );
    const answer = await text(socket);
    t.regex(answer, /^HTTP\/1\.1 4\d\d /, target);
    t.notRegex(answer, /node_modules|at .*\.ts:/, target);
  }
  t.deepEqual(server.reports, []);
});
