/**
 * Whom each route lets in. The table is complete by construction: it is gone through by the routes of
 * /openapi.json, so one that is added without a line here fails.
 */
import { createRoute, OpenAPIHono } from '@hono/zod-openapi';
import test from 'ava';
import type { ControlPlaneEnv } from '../../host/control-plane/route-parts.ts';
import { RouteTable } from '../../host/control-plane/route-table.ts';
import { type Need, needs } from '../../host/control-plane/scopes.ts';
import { KEY_SCOPES, type KeyScope } from '../../host/model/api-key.ts';
import { ControlPlaneServer } from './control-plane-server.ts';
import { documentSchema, type OperationEntry, operationsOf } from './openapi-contract.ts';

const NEEDS: Readonly<Record<string, Need | 'nothing'>> = {
  checkHealth: 'nothing',
  describeInterface: 'nothing',
  createTenant: 'operator',
  listTenants: 'operator',
  configureTenant: 'operator',
  deleteTenant: 'operator',
  describeTenant: 'read',
  readAudit: 'operator',
  readTenantAudit: 'admin',
  createKey: 'admin',
  listKeys: 'admin',
  describeCaller: 'any',
  rotateKey: 'admin',
  revokeKey: 'admin',
  publishFunction: 'deploy',
  deleteFunction: 'deploy',
  configureFunction: 'deploy',
  setLiveVersion: 'deploy',
  describeFunction: 'read',
  listFunctions: 'read',
  listVersions: 'read',
  readLogs: 'read',
  invokeFunction: 'invoke',
  setSecret: 'deploy',
  listSecrets: 'read',
  deleteSecret: 'deploy',
  readQuotas: 'read',
  setQuotas: 'operator',
  liftQuarantine: 'deploy',
  readUsage: 'read',
  readHostUsage: 'operator',
  readLatencies: 'read',
  readHostLatencies: 'operator',
  listPrices: 'operator',
  createBackup: 'operator',
  listBackups: 'operator',
  deleteBackup: 'operator',
  getRemetering: 'operator',
  retryRemetering: 'operator',
  setPrices: 'operator',
  listInvoices: 'operator',
  verifyAnyInvoice: 'operator',
  readInvoice: 'read',
  verifyInvoice: 'read',
  readBudget: 'read',
  setBudget: 'operator',
  deleteBudget: 'operator',
  putQueue: 'deploy',
  listQueues: 'read',
  describeQueue: 'read',
  configureQueue: 'deploy',
  deleteQueue: 'deploy',
  createSigningSecret: 'deploy',
  listSigningSecrets: 'read',
  deleteSigningSecret: 'deploy',
  sendMessages: 'invoke',
  receiveWebhook: 'nothing',
  peekMessages: 'read',
  purgeMessages: 'deploy',
  listDeadLetters: 'read',
  redriveDeadLetters: 'invoke',
  purgeDeadLetters: 'deploy',
  listMappingDeadLetters: 'read',
  redriveMappingDeadLetters: 'invoke',
  purgeMappingDeadLetters: 'deploy',
  peekEvents: 'read',
  purgeEvents: 'deploy',
  listDeadEvents: 'read',
  redriveDeadEvents: 'invoke',
  purgeDeadEvents: 'deploy',
  describeEvents: 'read',
  readEventInvokeConfig: 'read',
  setEventInvokeConfig: 'deploy',
  putMapping: 'deploy',
  listMappings: 'read',
  describeMapping: 'read',
  configureMapping: 'deploy',
  deleteMapping: 'deploy',
  putSchedule: 'deploy',
  listSchedules: 'read',
  describeSchedule: 'read',
  configureSchedule: 'deploy',
  deleteSchedule: 'deploy',
  scrapeMetrics: 'operator',
};

/** Every route with whom it should let in. */
async function routesOf(
  server: ControlPlaneServer,
): Promise<(OperationEntry & { need: Need | 'nothing' })[]> {
  const document = documentSchema.parse(await (await server.request('GET', '/openapi.json')).json());
  return operationsOf(document).map((entry) => {
    const need = NEEDS[entry.operation.operationId];
    if (need === undefined) throw new Error(`${entry.operation.operationId} has no line in the table`);
    return { ...entry, need };
  });
}

function pathOf({ path }: OperationEntry, tenant: string): string {
  return path
    .replace('{tenant}', tenant)
    .replace('{name}', 'hello')
    .replace('{key}', '0'.repeat(20))
    .replaceAll(/\{[^}]+\}/g, 'X');
}

async function codeOf(response: Response): Promise<string> {
  const text = await response.text();
  return text.startsWith('{') ? ((JSON.parse(text) as { code?: string }).code ?? '') : '';
}

test('the description of each route says what the table says', async (t) => {
  await using server = await ControlPlaneServer.start();
  for (const { operation, need } of await routesOf(server)) {
    t.deepEqual(operation.security, need === 'nothing' ? [] : needs(need), operation.operationId);
  }
});

test('a key opens the routes of its scope, and admin those of all scopes', async (t) => {
  await using server = await ControlPlaneServer.start();
  const keys = new Map<KeyScope, string>();
  for (const scope of KEY_SCOPES) keys.set(scope, (await server.createKey('default', scope, [scope])).key);
  for (const route of await routesOf(server)) {
    for (const [scope, key] of keys) {
      const response = await server.request(route.method.toUpperCase(), pathOf(route, 'default'), { key });
      const mayPass =
        ['nothing', 'any', scope].includes(route.need) || (scope === 'admin' && route.need !== 'operator');
      const code = await codeOf(response);
      t.is(code === 'forbidden', !mayPass, `${route.operation.operationId} with ${scope}: ${code}`);
      if (route.need !== 'nothing') t.not(response.status, 401);
    }
  }
});

test('a key opens nothing of another tenant, and cannot tell whether there is one', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.sendJson('POST', '/v1/tenants', { name: 'other' });
  await server.request('PUT', '/v1/tenants/other/functions/hello', {
    headers: { 'content-type': 'application/wasm' },
    body: 'one',
  });
  const { key } = await server.createKey('default', 'all', [...KEY_SCOPES]);
  for (const route of await routesOf(server)) {
    if (route.need === 'nothing' || route.need === 'any') continue;
    const answers = [];
    for (const tenant of ['other', 'nobody', 'Not-A-Name', '%2564efault', 'default%2f', 'default%00']) {
      const response = await server.request(route.method.toUpperCase(), pathOf(route, tenant), { key });
      answers.push({
        status: response.status,
        body: await response.text(),
        headers: [...response.headers.keys()],
      });
    }
    t.is(answers[0]?.status, 403, route.operation.operationId);
    for (const answer of answers) t.deepEqual(answer, answers[0], route.operation.operationId);
  }
  t.is(server.registry.functions.list('other' as never).length, 1);
});

test('a refused key has nothing of its body read', async (t) => {
  await using server = await ControlPlaneServer.start();
  const { key } = await server.createKey('default', 'reader', ['read']);
  const never = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode('{"fuel":'));
      return new Promise(() => {});
    },
  });
  const response = await server.request('PATCH', '/v1/tenants/default/functions/hello/configuration', {
    key,
    headers: { 'content-type': 'application/json' },
    body: never,
  });
  t.is(await codeOf(response), 'forbidden');
});

test('a route that does not say what it needs keeps the host from starting', (t) => {
  const route = { method: 'get', responses: { 200: { description: 'ok' } } } as const;
  const tableWith = (path: string, security?: ReturnType<typeof needs>): RouteTable => {
    const app = new OpenAPIHono<ControlPlaneEnv>();
    const described = { ...route, path, ...(security === undefined ? {} : { security }) };
    app.openapi(createRoute(described), (c) => c.body(null));
    return new RouteTable(app);
  };
  t.throws(() => tableWith('/v1/tenants/{tenant}/new'), { message: /does not say what a key needs/ });
  t.throws(() => tableWith('/v1/tenants/{tenant}/new', []), { message: /open to anybody/ });
  t.throws(() => tableWith('/v1/new', needs('read')), { message: /belongs to no tenant/ });
  t.throws(() => tableWith('/v1/tenants/{tenant}/new', needs('any')), { message: /open to every key/ });
  t.throws(() => tableWith('/v1/tenants/{tenant}/new', needs('write' as never)), { message: /no key has/ });
  t.is(tableWith('/v1/tenants/{tenant}/new', needs('read')).find('HEAD', '/v1/tenants/a/new')?.need, 'read');
});
