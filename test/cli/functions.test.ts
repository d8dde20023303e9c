import test from 'ava';
import { against, hostOf } from './against.ts';
import { sendJson } from './fake-host.ts';

const BASE = '/v1/tenants/default/functions';

test('list, inspect and versions print tables, or JSON for scripts', async (t) => {
  const host = await hostOf(t);
  const list = await against(host, ['list']);
  t.is(
    list.stdout,
    `NAME   VERSION  UPDATED                   URL\nhello  3        2026-11-23T11:00:00.000Z  ${host.url}/fn/default/hello/\n`,
  );
  t.is(JSON.parse((await against(host, ['list', '--json'])).stdout)[0].name, 'hello');
  const inspect = await against(host, ['inspect', 'hello']);
  t.regex(inspect.stdout, /live version {2}3\n/);
  t.regex(inspect.stdout, /memoryBytes +134217728\n/);
  t.is(JSON.parse((await against(host, ['inspect', 'hello', '--json'])).stdout).liveVersion, 3);
  const versions = await against(host, ['versions', 'hello']);
  t.deepEqual(
    versions.stdout.split('\n').map((line) => line.slice(0, 13).trim()),
    ['VERSION  LIVE', '4', '3        live', '1', ''],
  );
});

test('rollback goes to the version given, or to the one before the live one', async (t) => {
  const host = await hostOf(t);
  const given = await against(host, ['rollback', 'hello', '4']);
  t.is(given.stdout, `version 4 of hello is live at ${host.url}/fn/default/hello/\n`);
  await against(host, ['rollback', 'hello']);
  t.deepEqual(JSON.parse(String(host.last('PUT', `${BASE}/hello/live`)?.body)), { version: 1 });
});

test('configure sends what is named with units resolved, and keeps variables and hosts that are not', async (t) => {
  const host = await hostOf(t);
  const settings = [
    '--memory',
    '64MiB',
    '--timeout',
    '2.5s',
    '--fuel',
    '500M',
    '--set',
    'responseBytes=1MiB',
    '--set',
    'logLevel=warn',
  ];
  const lists = ['--env', 'A=1=2', '--unset-env', 'GONE', '--allow-host', '*.new.example'];
  const { code } = await against(host, ['configure', 'hello', ...settings, ...lists]);
  t.is(code, 0);
  t.deepEqual(JSON.parse(String(host.last('PATCH', `${BASE}/hello/configuration`)?.body)), {
    memoryBytes: 67_108_864,
    timeoutMs: 2500,
    fuel: 500_000_000,
    responseBytes: 1_048_576,
    logLevel: 'warn',
    environment: { KEPT: 'yes', A: '1=2' },
    allowedHosts: ['kept.example', '*.new.example'],
  });
});

test('configure sets who may call the URL, and what scripts of other origins may do', async (t) => {
  const host = await hostOf(t);
  const sent = async (...args: string[]): Promise<unknown> => {
    t.is((await against(host, ['configure', 'hello', ...args])).code, 0);
    return JSON.parse(String(host.last('PATCH', `${BASE}/hello/configuration`)?.body));
  };
  t.deepEqual(await sent('--access', 'key', '--cors', 'none'), { access: { type: 'key' }, cors: null });
  t.deepEqual(await sent('--access', 'authorizer:door', '--identity-header', 'x-token'), {
    access: { type: 'authorizer', function: 'door', identityHeaders: ['x-token'] },
  });
  t.deepEqual(await sent('--cors', '{"allowOrigins":["*"]}'), { cors: { allowOrigins: ['*'] } });
});

test('configure refuses a quantity that is none, and nothing to change', async (t) => {
  const host = await hostOf(t);
  const wrong = await against(host, ['configure', 'hello', '--memory', '64 potatoes']);
  t.is(wrong.code, 2);
  t.regex(wrong.stderr, /"64 potatoes" is not a whole number/);
  t.is((await against(host, ['configure', 'hello'])).code, 2);
  t.is(host.last('PATCH', `${BASE}/hello/configuration`), undefined);
});

test('delete removes a function and says so', async (t) => {
  const host = await hostOf(t);
  t.is((await against(host, ['delete', 'hello'])).stdout, 'deleted hello\n');
  t.truthy(host.last('DELETE', `${BASE}/hello`));
});

test('inspect says how instances of the function come about, and why not otherwise', async (t) => {
  const host = await hostOf(t);
  const shown = async (instances: object): Promise<string> => {
    host.routes.set('GET /v1/tenants/default/functions/hello', (_, response) =>
      sendJson(response, 200, { ...host.functionJson(3), instances }),
    );
    return (await against(host, ['inspect', 'hello'])).stdout;
  };
  for (const road of ['pagemap', 'madvise', 'copy']) {
    const instances = { road: 'linked', rewind: road, reason: null };
    t.regex(
      await shown(instances),
      new RegExp(`instances +linked by plan, rewound after each invocation \\(${road}\\)\n`),
    );
  }
  t.regex(
    await shown({ road: 'linked', rewind: 'madvise', reason: 'the kernel has no PAGEMAP_SCAN' }),
    /\(madvise\): the kernel has no PAGEMAP_SCAN\n/,
  );
  t.regex(
    await shown({ road: 'glue', rewind: 'fresh', reason: 'it exports a resource' }),
    /instances +by glue, a new one for each invocation: it exports a resource\n/,
  );
});

test('all functions are listed, however many pages they take', async (t) => {
  const host = await hostOf(t);
  const names = Array.from({ length: 2_000 }, (_, index) => `f-${String(index).padStart(4, '0')}`);
  host.routes.set('GET /v1/tenants/default/functions', ({ path }, response) => {
    const query = new URL(path, host.url).searchParams;
    const from = query.has('after') ? names.indexOf(query.get('after')!) + 1 : 0;
    const page = names.slice(from, from + Number(query.get('limit')));
    const functions = page.map((name) => ({ name, liveVersion: 1, updatedAt: '', url: '' }));
    sendJson(response, 200, functions);
  });
  const { stdout } = await against(host, ['list', '--json']);
  t.deepEqual(
    (JSON.parse(stdout) as { readonly name: string }[]).map(({ name }) => name),
    names,
  );
});
