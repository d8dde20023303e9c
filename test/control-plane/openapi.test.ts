import test from 'ava';
import { ERROR_TABLE } from '../../host/errors.ts';
import { FUNCTION_LIMITS } from '../../host/limits.ts';
import { ControlPlaneServer, functionPath, type RequestOptions } from './control-plane-server.ts';
import {
  breachOf,
  compile,
  documentSchema,
  type OpenApiDocument,
  operationsOf,
  referencesIn,
} from './openapi-contract.ts';

async function documentOf(server: ControlPlaneServer): Promise<OpenApiDocument> {
  const response = await server.request('GET', '/openapi.json', { key: undefined });
  return documentSchema.parse(await response.json());
}

const PRICES = {
  from: '2999-01',
  currency: { code: 'EUR', minorUnitDigits: 2 },
  prices: { fuel: [{ upTo: 1, price: '0' }, { price: '0.5' }] },
};

test('the document is OpenAPI 3.1, is had without a key, and is the same every time', async (t) => {
  await using server = await ControlPlaneServer.start();
  const first = await documentOf(server);
  t.true(first.openapi.startsWith('3.1.'));
  t.deepEqual(await documentOf(server), first);
});

test('each operation has its own id, a declared tag, and responses for its errors', async (t) => {
  await using server = await ControlPlaneServer.start();
  const document = await documentOf(server);
  const operations = operationsOf(document);
  const ids = operations.map(({ operation }) => operation.operationId);
  t.is(new Set(ids).size, ids.length);
  t.deepEqual(ids.sort(), [
    'checkHealth',
    'configureFunction',
    'configureMapping',
    'configureQueue',
    'configureSchedule',
    'configureTenant',
    'createBackup',
    'createKey',
    'createSigningSecret',
    'createTenant',
    'deleteBackup',
    'deleteBudget',
    'deleteFunction',
    'deleteMapping',
    'deleteQueue',
    'deleteSchedule',
    'deleteSecret',
    'deleteSigningSecret',
    'deleteTenant',
    'describeCaller',
    'describeEvents',
    'describeFunction',
    'describeInterface',
    'describeMapping',
    'describeQueue',
    'describeSchedule',
    'describeTenant',
    'invokeFunction',
    'liftQuarantine',
    'listBackups',
    'listDeadEvents',
    'listDeadLetters',
    'listFunctions',
    'listInvoices',
    'listKeys',
    'listMappingDeadLetters',
    'listMappings',
    'listPrices',
    'listQueues',
    'listSchedules',
    'listSecrets',
    'listSigningSecrets',
    'listTenants',
    'listVersions',
    'peekEvents',
    'peekMessages',
    'publishFunction',
    'purgeDeadEvents',
    'purgeDeadLetters',
    'purgeEvents',
    'purgeMappingDeadLetters',
    'purgeMessages',
    'putMapping',
    'putQueue',
    'putSchedule',
    'readAudit',
    'readBudget',
    'readEventInvokeConfig',
    'readHostLatencies',
    'readHostUsage',
    'readInvoice',
    'readLatencies',
    'readLogs',
    'readQuotas',
    'readTenantAudit',
    'readUsage',
    'receiveWebhook',
    'redriveDeadEvents',
    'redriveDeadLetters',
    'redriveMappingDeadLetters',
    'revokeKey',
    'rotateKey',
    'scrapeMetrics',
    'sendMessages',
    'setBudget',
    'setEventInvokeConfig',
    'setLiveVersion',
    'setPrices',
    'setQuotas',
    'setSecret',
    'verifyAnyInvoice',
    'verifyInvoice',
  ]);
  const tags = document.tags.map((tag) => tag.name);
  for (const { path, operation } of operations) {
    t.true(tags.includes(operation.tags[0]!), operation.operationId);
    const wanted = path.startsWith('/v1/tenants/{') ? ['400', '401', '403', '404', '500'] : [];
    for (const status of wanted) t.truthy(operation.responses[status], `${operation.operationId} ${status}`);
    for (const [status, { content }] of Object.entries(operation.responses)) {
      if (Number(status) < 400 || status === 'default') continue;
      t.deepEqual(content, {
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      });
    }
  }
});

test('path parameters are those of the path, and every reference leads somewhere', async (t) => {
  await using server = await ControlPlaneServer.start();
  const document = await documentOf(server);
  for (const { path, operation } of operationsOf(document)) {
    const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
    t.deepEqual(declared.map((parameter) => parameter.name).sort(), inPath.sort(), path);
    t.true(declared.every((parameter) => parameter.required));
  }
  const known = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
  for (const reference of referencesIn(document)) t.true(known.includes(reference), reference);
  for (const scheme of document.security.flatMap((requirement) => Object.keys(requirement))) {
    t.true(scheme in document.components.securitySchemes);
  }
});

test('the document publishes the bounds, names and codes that the host applies', async (t) => {
  await using server = await ControlPlaneServer.start();
  const document = await documentOf(server);
  const patch = document.components.schemas['FunctionConfigurationPatch'] as {
    properties: Record<string, object>;
  };
  for (const [name, { floor, hard }] of Object.entries(FUNCTION_LIMITS)) {
    t.like(patch.properties[name], { type: 'integer', minimum: floor, maximum: hard }, name);
  }
  const problem = document.components.schemas['Problem'] as { properties: { code: { enum: string[] } } };
  t.deepEqual(problem.properties.code.enum, Object.keys(ERROR_TABLE));
  const accepts = compile(document, { $ref: '#/components/schemas/FunctionConfigurationPatch' });
  t.true(accepts.safeParse({ fuel: 5_000, allowedHosts: ['example.com'] }).success);
  t.false(accepts.safeParse({ fuell: 5_000 }).success);
});

test('what the host answers is what the document says it answers', async (t) => {
  await using server = await ControlPlaneServer.start({ componentBytes: 1_000 });
  const document = await documentOf(server);
  const json = { 'content-type': 'application/json' };
  const wasm = { 'content-type': 'application/wasm' };
  const hello = functionPath('hello');
  const nope = functionPath('nope');
  const acme = '/v1/tenants/acme';
  const orders = '/v1/tenants/default/queues/orders';
  const mapping = '/v1/tenants/default/event-source-mappings/handle';
  const mappingJson = JSON.stringify({
    source: { type: 'queue', queue: 'orders' },
    function: 'hello',
    filters: [{ body: { total: [{ numeric: ['>', 5] }] } }],
    destinations: { onFailure: { type: 'webhook', url: 'https://example.com/' } },
  });
  const schedule = '/v1/tenants/default/schedules/nightly';
  const scheduleJson = JSON.stringify({
    function: 'hello',
    expression: { type: 'cron', expression: '0 3 * * *', timeZone: 'Europe/Berlin' },
  });
  const tour: [
    operationId: string,
    status: number,
    method: string,
    path: string,
    options?: RequestOptions,
  ][] = [
    ['checkHealth', 200, 'GET', '/healthz'],
    ['describeInterface', 200, 'GET', '/openapi.json'],
    ['scrapeMetrics', 200, 'GET', '/metrics'],
    ['listFunctions', 200, 'GET', '/v1/tenants/default/functions'],
    ['publishFunction', 201, 'PUT', hello, { headers: wasm, body: 'one' }],
    ['publishFunction', 200, 'PUT', hello, { headers: wasm, body: 'one' }],
    ['publishFunction', 201, 'PUT', `${hello}?handler=wasi:http/handler@0.3`, { headers: wasm, body: 'one' }],
    ['publishFunction', 400, 'PUT', `${hello}?handler=x`, { headers: wasm, body: 'one' }],
    ['publishFunction', 413, 'PUT', hello, { headers: wasm, body: 'x'.repeat(1_001) }],
    ['publishFunction', 415, 'PUT', hello, { headers: json, body: '{}' }],
    ['publishFunction', 422, 'PUT', hello, { headers: wasm, body: 'broken' }],
    ['publishFunction', 500, 'PUT', hello, { headers: wasm, body: 'crash' }],
    ['publishFunction', 404, 'PUT', '/v1/tenants/nobody/functions/x', { headers: wasm, body: 'one' }],
    ['listFunctions', 200, 'GET', '/v1/tenants/default/functions'],
    ['listFunctions', 400, 'GET', '/v1/tenants/Default/functions'],
    ['listFunctions', 404, 'GET', '/v1/tenants/nobody/functions'],
    ['listFunctions', 401, 'GET', '/v1/tenants/default/functions', { key: 'wrong' }],
    ['describeFunction', 200, 'GET', hello],
    ['describeFunction', 404, 'GET', nope],
    ['listVersions', 200, 'GET', `${hello}/versions?limit=1`],
    ['listVersions', 400, 'GET', `${hello}/versions?limit=x`],
    ['setLiveVersion', 200, 'PUT', `${hello}/live`, { headers: json, body: '{"version":1}' }],
    ['setLiveVersion', 404, 'PUT', `${hello}/live`, { headers: json, body: '{"version":9}' }],
    ['setLiveVersion', 415, 'PUT', `${hello}/live`, { headers: wasm, body: '{"version":1}' }],
    [
      'configureFunction',
      200,
      'PATCH',
      `${hello}/configuration`,
      { headers: json, body: '{"environment":{"A":"b"}}' },
    ],
    ['configureFunction', 400, 'PATCH', `${hello}/configuration`, { headers: json, body: '{"fuel":9e15}' }],
    [
      'configureFunction',
      413,
      'PATCH',
      `${hello}/configuration`,
      { headers: json, body: ' '.repeat(300_000) },
    ],
    ['describeFunction', 200, 'GET', hello],
    ['readLogs', 200, 'GET', `${hello}/logs`],
    ['readLogs', 404, 'GET', `${nope}/logs`],
    ['invokeFunction', 200, 'POST', `${hello}/invocations`, { body: 'event' }],
    ['liftQuarantine', 204, 'DELETE', `${hello}/quarantine`],
    ['liftQuarantine', 404, 'DELETE', `${nope}/quarantine`],
    ['setSecret', 204, 'PUT', `${hello}/secrets/TOKEN`, { headers: json, body: '{"value":"x"}' }],
    ['setSecret', 400, 'PUT', `${hello}/secrets/1`, { headers: json, body: '{"value":"x"}' }],
    ['setSecret', 404, 'PUT', `${nope}/secrets/TOKEN`, { headers: json, body: '{"value":"x"}' }],
    ['listSecrets', 200, 'GET', `${hello}/secrets`],
    ['deleteSecret', 204, 'DELETE', `${hello}/secrets/TOKEN`],
    ['deleteSecret', 404, 'DELETE', `${hello}/secrets/TOKEN`],
    ['putQueue', 201, 'PUT', orders, { headers: json, body: '{"retentionMs":60000}' }],
    ['putQueue', 200, 'PUT', orders, { headers: json, body: '{}' }],
    ['putQueue', 400, 'PUT', orders, { headers: json, body: '{"retentionMs":1}' }],
    ['putQueue', 404, 'PUT', '/v1/tenants/nobody/queues/orders', { headers: json, body: '{}' }],
    ['configureQueue', 200, 'PATCH', orders, { headers: json, body: '{"deduplicationMs":1000}' }],
    ['configureQueue', 404, 'PATCH', `${orders}x`, { headers: json, body: '{}' }],
    ['sendMessages', 202, 'POST', `${orders}/messages`, { headers: json, body: '{"a":1}' }],
    ['sendMessages', 400, 'POST', `${orders}/messages`, { headers: { 'mayfly-delay-ms': 'x' }, body: 'x' }],
    ['sendMessages', 404, 'POST', `${orders}x/messages`, { body: 'x' }],
    ['sendMessages', 413, 'POST', `${orders}/messages`, { body: new Uint8Array(2_000_000) }],
    ['describeQueue', 200, 'GET', orders],
    ['describeQueue', 404, 'GET', `${orders}x`],
    ['listQueues', 200, 'GET', '/v1/tenants/default/queues'],
    ['peekMessages', 200, 'GET', `${orders}/messages?state=ready&limit=5`],
    ['peekMessages', 400, 'GET', `${orders}/messages?state=lost`],
    ['listDeadLetters', 200, 'GET', `${orders}/dead-letters`],
    ['redriveDeadLetters', 200, 'POST', `${orders}/dead-letters/redrive`, { headers: json, body: '{}' }],
    [
      'redriveDeadLetters',
      400,
      'POST',
      `${orders}/dead-letters/redrive`,
      { headers: json, body: '{"ids":[]}' },
    ],
    ['purgeDeadLetters', 200, 'DELETE', `${orders}/dead-letters`],
    ['purgeMessages', 200, 'DELETE', `${orders}/messages`],
    ['createSigningSecret', 201, 'POST', `${orders}/signing-secrets`, { headers: json, body: '{}' }],
    [
      'createSigningSecret',
      400,
      'POST',
      `${orders}/signing-secrets`,
      { headers: json, body: '{"secret":"x"}' },
    ],
    ['listSigningSecrets', 200, 'GET', `${orders}/signing-secrets`],
    ['deleteSigningSecret', 404, 'DELETE', `${orders}/signing-secrets/${'0'.repeat(16)}`],
    ['receiveWebhook', 401, 'POST', '/in/default/orders', { body: 'x', key: undefined }],
    ['putMapping', 201, 'PUT', mapping, { headers: json, body: mappingJson }],
    ['putMapping', 200, 'PUT', mapping, { headers: json, body: mappingJson }],
    ['putMapping', 400, 'PUT', mapping, { headers: json, body: '{"function":"hello"}' }],
    ['putMapping', 404, 'PUT', `${mapping}x`, { headers: json, body: mappingJson.replace('hello', 'nope') }],
    ['configureMapping', 200, 'PATCH', mapping, { headers: json, body: '{"enabled":false}' }],
    ['describeMapping', 200, 'GET', mapping],
    ['describeMapping', 404, 'GET', `${mapping}x`],
    ['listMappingDeadLetters', 200, 'GET', `${mapping}/dead-letters`],
    ['listMappingDeadLetters', 404, 'GET', `${mapping}x/dead-letters`],
    [
      'redriveMappingDeadLetters',
      200,
      'POST',
      `${mapping}/dead-letters/redrive`,
      { headers: json, body: '{}' },
    ],
    ['purgeMappingDeadLetters', 200, 'DELETE', `${mapping}/dead-letters`],
    ['listMappings', 200, 'GET', '/v1/tenants/default/event-source-mappings'],
    ['deleteQueue', 409, 'DELETE', orders],
    ['deleteMapping', 204, 'DELETE', mapping],
    ['deleteQueue', 204, 'DELETE', orders],
    ['putSchedule', 201, 'PUT', schedule, { headers: json, body: scheduleJson }],
    ['putSchedule', 200, 'PUT', schedule, { headers: json, body: scheduleJson }],
    ['putSchedule', 400, 'PUT', schedule, { headers: json, body: scheduleJson.replace('0 3', '99 3') }],
    ['configureSchedule', 200, 'PATCH', schedule, { headers: json, body: '{"jitterMs":5}' }],
    ['describeSchedule', 200, 'GET', schedule],
    ['describeSchedule', 404, 'GET', `${schedule}x`],
    ['listSchedules', 200, 'GET', '/v1/tenants/default/schedules'],
    ['deleteSchedule', 204, 'DELETE', schedule],
    [
      'invokeFunction',
      202,
      'POST',
      `${hello}/invocations`,
      { headers: { 'mayfly-invocation-type': 'Event' }, body: 'x' },
    ],
    [
      'invokeFunction',
      204,
      'POST',
      `${hello}/invocations`,
      { headers: { 'x-amz-invocation-type': 'DryRun' } },
    ],
    [
      'invokeFunction',
      400,
      'POST',
      `${hello}/invocations`,
      { headers: { 'mayfly-invocation-type': 'Later' } },
    ],
    ['readEventInvokeConfig', 200, 'GET', `${hello}/event-invoke-config`],
    ['readEventInvokeConfig', 404, 'GET', `${nope}/event-invoke-config`],
    [
      'setEventInvokeConfig',
      200,
      'PATCH',
      `${hello}/event-invoke-config`,
      { headers: json, body: '{"maximumAttempts":1}' },
    ],
    ['describeEvents', 200, 'GET', `${hello}/events`],
    ['peekEvents', 200, 'GET', `${hello}/events/messages`],
    ['listDeadEvents', 200, 'GET', `${hello}/events/dead-letters`],
    ['redriveDeadEvents', 200, 'POST', `${hello}/events/dead-letters/redrive`, { headers: json, body: '{}' }],
    ['purgeDeadEvents', 200, 'DELETE', `${hello}/events/dead-letters`],
    ['purgeEvents', 200, 'DELETE', `${hello}/events/messages`],
    ['deleteFunction', 204, 'DELETE', hello],
    ['deleteFunction', 404, 'DELETE', hello],
    ['createTenant', 201, 'POST', '/v1/tenants', { headers: json, body: '{"name":"acme"}' }],
    ['createTenant', 409, 'POST', '/v1/tenants', { headers: json, body: '{"name":"acme"}' }],
    ['createTenant', 400, 'POST', '/v1/tenants', { headers: json, body: '{"name":"Acme"}' }],
    ['listTenants', 200, 'GET', '/v1/tenants'],
    ['describeTenant', 200, 'GET', '/v1/tenants/acme'],
    ['describeTenant', 404, 'GET', '/v1/tenants/nobody'],
    ['configureTenant', 200, 'PATCH', '/v1/tenants/acme/settings', { headers: json, body: '{"weight":2}' }],
    ['configureTenant', 404, 'PATCH', '/v1/tenants/nobody/settings', { headers: json, body: '{}' }],
    ['readQuotas', 200, 'GET', '/v1/tenants/acme/quotas'],
    ['readQuotas', 404, 'GET', '/v1/tenants/nobody/quotas'],
    ['setQuotas', 200, 'PATCH', '/v1/tenants/acme/quotas', { headers: json, body: '{"concurrency":2}' }],
    ['setQuotas', 400, 'PATCH', '/v1/tenants/acme/quotas', { headers: json, body: '{"concurrency":-2}' }],
    ['setQuotas', 404, 'PATCH', '/v1/tenants/nobody/quotas', { headers: json, body: '{}' }],
    ['readUsage', 200, 'GET', `${acme}/usage?level=record`],
    ['readUsage', 200, 'GET', `${acme}/usage?from=2026-11&to=2026-12-01T00:00:00Z`],
    ['readUsage', 400, 'GET', `${acme}/usage?level=week`],
    ['readUsage', 404, 'GET', '/v1/tenants/nobody/usage'],
    ['readHostUsage', 200, 'GET', '/v1/usage?level=month'],
    ['readLatencies', 200, 'GET', `${acme}/latencies?function=hello`],
    ['readLatencies', 400, 'GET', `${acme}/latencies?from=2026-11-01&to=2026-11-03`],
    ['readLatencies', 404, 'GET', '/v1/tenants/nobody/latencies'],
    ['readHostLatencies', 200, 'GET', '/v1/latencies'],
    ['readInvoice', 404, 'GET', `${acme}/invoices/2998-12`],
    ['setPrices', 201, 'POST', '/v1/prices', { headers: json, body: JSON.stringify(PRICES) }],
    ['setPrices', 400, 'POST', '/v1/prices', { headers: json, body: '{"from":"2026-11"}' }],
    ['listInvoices', 200, 'GET', `/v1/invoices/${PRICES.from}`],
    ['verifyAnyInvoice', 200, 'GET', `/v1/invoices/${PRICES.from}/verification?tenant=acme&generation=0`],
    ['listPrices', 200, 'GET', '/v1/prices'],
    ['readInvoice', 200, 'GET', `${acme}/invoices/2999-01`],
    ['readInvoice', 400, 'GET', `${acme}/invoices/2999-13`],
    ['verifyInvoice', 200, 'GET', `${acme}/invoices/2999-01/verification`],
    ['readBudget', 404, 'GET', `${acme}/budget`],
    ['setBudget', 200, 'PUT', `${acme}/budget`, { headers: json, body: '{"amount":"5.00"}' }],
    ['setBudget', 400, 'PUT', `${acme}/budget`, { headers: json, body: '{"amount":5}' }],
    ['readBudget', 200, 'GET', `${acme}/budget`],
    ['deleteBudget', 204, 'DELETE', `${acme}/budget`],
    ['deleteBudget', 404, 'DELETE', `${acme}/budget`],
    ['createBackup', 201, 'POST', '/v1/backups'],
    ['createBackup', 409, 'POST', '/v1/backups'],
    ['listBackups', 200, 'GET', '/v1/backups'],
    ['deleteBackup', 404, 'DELETE', '/v1/backups/20261127T213245.123Z'],
    ['deleteBackup', 400, 'DELETE', '/v1/backups/latest'],
    ['readAudit', 200, 'GET', '/v1/audit'],
    ['readAudit', 400, 'GET', '/v1/audit?limit=x'],
    ['readTenantAudit', 200, 'GET', `${acme}/audit`],
    ['createKey', 201, 'POST', `${acme}/keys`, { headers: json, body: '{"name":"ci","scopes":["read"]}' }],
    ['createKey', 409, 'POST', `${acme}/keys`, { headers: json, body: '{"name":"ci","scopes":["read"]}' }],
    ['describeCaller', 200, 'GET', '/v1/whoami'],
    ['describeCaller', 401, 'GET', '/v1/whoami', { key: 'mayfly_wrong' }],
    ['listKeys', 200, 'GET', `${acme}/keys`],
    ['rotateKey', 404, 'POST', `${acme}/keys/${'0'.repeat(20)}/rotate`, { headers: json, body: '{}' }],
    ['revokeKey', 404, 'DELETE', `${acme}/keys/${'0'.repeat(20)}`],
    ['revokeKey', 400, 'DELETE', `${acme}/keys/x`],
    ['deleteTenant', 409, 'DELETE', '/v1/tenants/default'],
    ['deleteTenant', 204, 'DELETE', '/v1/tenants/acme'],
  ];
  for (const [operationId, status, method, path, options] of tour) {
    const response = await server.request(method, path, options);
    t.is(response.status, status, `${method} ${path}`);
    t.is(await breachOf(document, operationId, response), undefined, `${method} ${path} ${status}`);
  }
  server.draining.abort();
  t.is(await breachOf(document, 'checkHealth', await server.request('GET', '/healthz')), undefined);
  t.is(await breachOf(document, 'deleteFunction', await server.request('DELETE', hello)), undefined);
  const visited = new Set(tour.map(([operationId]) => operationId));
  t.deepEqual(visited.size, operationsOf(document).length);
});
