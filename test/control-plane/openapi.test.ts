import test from 'ava';
import { ERROR_TABLE } from '../../host/errors/errors.ts';
import { FUNCTION_LIMITS } from '../../host/limits/limits.ts';
import { ControlPlaneServer } from './control-plane-server.ts';
import { compile, documentOf, operationsOf, referencesIn } from './openapi-contract.ts';

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
    'getRemetering',
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
    'retryRemetering',
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
