import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { commandsFor } from '../../guest-sdk/cli/commands.ts';
import { type ErrorCode, MayflyError, toProblemDetails } from '../../host/errors/errors.ts';
import { against, hostOf } from './against.ts';
import { KEY, sendJson, sendProblem } from './fake-host.ts';
import { mayfly } from './run-mayfly.ts';

const BASE = '/v1/tenants/default/functions';

async function folderOf(t: ExecutionContext, files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-cli-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

test('deploy uploads a component and says where it answers; progress goes to standard error', async (t) => {
  const host = await hostOf(t);
  const component = Buffer.from('\0asm\x0d\0\x01\0');
  const cwd = await folderOf(t, { 'hello.wasm': component });
  const { code, stdout, stderr } = await against(
    host,
    ['deploy', './hello.wasm', '--handler', 'wasi:cli/run@0.2'],
    { cwd },
  );
  t.is(code, 0);
  t.is(stdout, `hello version 4 answers at ${host.url}/fn/default/hello/\n`);
  t.is(stderr, 'publishing 8 B as default/hello ...\ncheck 2 ms, transpile 1.2 s\n');
  const request = host.last('PUT', `${BASE}/hello`);
  t.deepEqual(request?.body, component);
  t.is(request?.headers['content-type'], 'application/wasm');
  t.is(request?.path, `${BASE}/hello?handler=${encodeURIComponent('wasi:cli/run@0.2')}`);
});

test('deploy follows a host that tells how far it is, and hears from it why an upload is refused', async (t) => {
  const host = await hostOf(t);
  const cwd = await folderOf(t, { 'hello.wasm': Buffer.from('\0asm\x0d\0\x01\0') });
  const lines = (...events: readonly object[]) =>
    host.routes.set(`PUT ${BASE}/hello`, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.end(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    });
  const published = { ...host.version(4, true), name: 'hello', url: 'https://fn.example/' };
  lines(
    { progress: { step: 'check' } },
    { progress: { step: 'check', ms: 2 } },
    { published, created: true },
  );
  const { code, stdout, stderr } = await against(host, ['deploy', 'hello.wasm'], { cwd });
  t.is(code, 0);
  t.is(stdout, 'hello version 4 answers at https://fn.example/\n');
  t.regex(stderr, /check 2 ms/);
  t.is(host.last('PUT', `${BASE}/hello`)?.headers.accept, 'application/x-ndjson, application/json');

  lines(
    { progress: { step: 'check' } },
    { problem: toProblemDetails(new MayflyError('component_malformed', 'It is broken.')) },
  );
  const refused = await against(host, ['deploy', 'hello.wasm'], { cwd });
  t.not(refused.code, 0);
  t.regex(refused.stderr, /component_malformed/);

  lines({ progress: { step: 'check' } });
  t.regex((await against(host, ['deploy', 'hello.wasm'], { cwd })).stderr, /broke off/);
});

test('deploy builds a TypeScript handler first', async (t) => {
  const host = await hostOf(t);
  const cwd = await folderOf(t, {
    'src/handler.ts': "export default { fetch: (): Response => new Response('hi') };\n",
  });
  const { code, stdout, stderr } = await against(
    host,
    ['deploy', 'src/handler.ts', '--name', 'hello', '--json'],
    { cwd },
  );
  t.is(code, 0);
  t.like(JSON.parse(stdout), { name: 'hello', version: 4 });
  t.regex(stderr, /built src\/handler\.ts: [\d.]+ MiB in/);
  const body = host.last('PUT', `${BASE}/hello`)?.body;
  t.deepEqual(body?.subarray(0, 8), Buffer.from('\0asm\x0d\0\x01\0'));
});

test('deploy of a source with a mistake shows where it is, sends nothing and exits 2', async (t) => {
  const host = await hostOf(t);
  const cwd = await folderOf(t, { 'broken.ts': 'export default {\n  fetch( {\n} }\n' });
  const { code, stdout, stderr } = await against(host, ['deploy', 'broken.ts'], { cwd });
  t.is(code, 2);
  t.is(stdout, '');
  t.regex(stderr, /mayfly: broken\.ts:3:3: Expected/);
  t.deepEqual(host.received, []);
});

test('deploy names a file that is missing or of no known kind', async (t) => {
  const host = await hostOf(t);
  const missing = await against(host, ['deploy', 'nowhere.wasm']);
  t.deepEqual([missing.code, missing.stderr], [2, 'mayfly: nowhere.wasm does not exist\n']);
  const other = await against(host, ['deploy', 'README.md', '--name', 'hello']);
  t.is(other.code, 2);
  t.regex(other.stderr, /deploy a \.wasm, \.ts/);
});

test('build writes the component beside the source or where it is told', async (t) => {
  const cwd = await folderOf(t, { 'tiny.wat': '(component)' });
  const { code, stdout } = await mayfly(['build', 'tiny.wat', '-o', 'out/t.wasm', '--json'], { cwd });
  t.is(code, 0);
  t.like(JSON.parse(stdout), { output: 'out/t.wasm', bytes: 8 });
});

test('invoke sends an event and prints the answer byte for byte', async (t) => {
  const host = await hostOf(t);
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  const cwd = await folderOf(t, { event: bytes });
  const fromFile = await against(host, ['invoke', 'hello', '--data', '@event'], { cwd });
  t.is(fromFile.code, 0);
  t.deepEqual(fromFile.stdoutBytes, Buffer.from(bytes));
  const fromInput = await against(host, ['invoke', 'hello', '--data', '@-'], { input: bytes });
  t.deepEqual(fromInput.stdoutBytes, Buffer.from(bytes));
  const text = await against(host, ['invoke', 'hello', '--data', 'grüße']);
  t.is(text.stdout, 'grüße');
});

test('invoke --path calls the function URL with method and headers, and keeps the key to itself', async (t) => {
  const host = await hostOf(t);
  host.routes.set('PATCH /fn/default/hello/a/b', (_, response) => sendJson(response, 201, { ok: true }));
  const args = [
    'invoke',
    'hello',
    '--path',
    '/a/b?x=1',
    '--method',
    'patch',
    '--header',
    'X-One: 1',
    '--header',
    'x-one: 2',
    '--data',
    'body',
    '-i',
  ];
  const { code, stdout } = await against(host, args);
  t.is(code, 0);
  t.regex(stdout, /^HTTP 201\ncontent-type: application\/json\n[\s\S]*\n\n\{"ok":true\}$/);
  const request = host.last('PATCH', '/fn/default/hello/a/b');
  t.is(request?.path, '/fn/default/hello/a/b?x=1');
  t.is(request?.headers['x-one'], '1, 2');
  t.is(request?.headers.authorization, undefined);
  t.is(String(request?.body), 'body');
});

test('invoke --json tells status, headers and a body of text or of bytes', async (t) => {
  const host = await hostOf(t);
  const text = await against(host, ['invoke', 'hello', '--data', 'hi', '--json']);
  t.like(JSON.parse(text.stdout), { status: 200, body: 'hi', headers: { 'mayfly-fuel': '123' } });
  const bytes = await against(host, ['invoke', 'hello', '--data', '@-', '--json'], {
    input: Uint8Array.of(0xff, 0),
  });
  t.like(JSON.parse(bytes.stdout), { bodyBase64: '/wA=' });
});

test('invoke of a function that answers 404 prints the answer and exits 5', async (t) => {
  const host = await hostOf(t);
  host.routes.set(
    'GET /fn/default/hello/none',
    (_, response) => void response.writeHead(404).end('not here'),
  );
  const { code, stdout, stderr } = await against(host, ['invoke', 'hello', '--path', '/none']);
  t.deepEqual([code, stdout, stderr], [5, 'not here', 'mayfly: hello answered 404\n']);
});

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

test('invoke --with-key shows the key to the URL of a function that wants one', async (t) => {
  const host = await hostOf(t);
  host.routes.set('GET /fn/default/hello/', (_, response) => void response.end('ok'));
  await against(host, ['invoke', 'hello', '--path', '/', '--with-key']);
  t.is(host.last('GET', '/fn/default/hello/')?.headers.authorization, `Bearer ${KEY}`);
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

test('a host that is not there exits 6 and says how to start one', async (t) => {
  // Not a port that was given back: another test may get it next. This one is no program's, and fetch does not refuse it.
  const { code, stderr } = await mayfly(['list', '--host', 'http://127.0.0.1:2']);
  t.is(code, 6);
  t.regex(stderr, /cannot reach http:\/\/127\.0\.0\.1:\d+: nothing listens there; start a host/);
});

test("the key of a host on this machine is found in its data folder, and goes to no other machine's", async (t) => {
  const host = await hostOf(t);
  const cwd = await folderOf(t, { '.mayfly/admin.key': `${KEY}\n`, 'data/admin.key': `${KEY}\n` });
  t.is((await mayfly(['list', '--host', host.url], { cwd })).code, 0);
  t.is((await mayfly(['list', '--host', host.url], { env: { MAYFLY_DATA_DIR: join(cwd, 'data') } })).code, 0);
  const without = await mayfly(['list', '--host', host.url]);
  t.is(without.code, 4);
  t.regex(without.stderr, /code: unauthenticated/);
  t.regex(without.stderr, /No key was sent: set MAYFLY_KEY/);
});

test('`dev` beside a host that it has no key of says how to get one of its own', async (t) => {
  const host = await hostOf(t);
  const cwd = await folderOf(t, { 'hello.ts': 'export default { fetch: () => new Response() };' });
  const { code, stderr } = await mayfly(['dev', 'hello.ts', '--host', host.url], { cwd });
  t.is(code, 4);
  t.regex(stderr, /name a free port: MAYFLY_URL=/);
});

test('a refusal that no time mends does not exit with `try again`', async (t) => {
  const host = await hostOf(t);
  const exitFor = async (code: ErrorCode): Promise<number | null> => {
    host.routes.set('GET /v1/whoami', (_, response) => sendProblem(response, code, 'Not now.'));
    return (await against(host, ['whoami'])).code;
  };
  t.is(await exitFor('host_busy'), 6);
  t.is(await exitFor('secrets_unavailable'), 1);
  t.is(await exitFor('function_quarantined'), 5);
});

test('with --json every error is JSON, of the host or of the command itself', async (t) => {
  const host = await hostOf(t);
  const errorOf = async (...args: string[]) => {
    const { code, stderr } = await against(host, [...args, '--json']);
    return { code, ...JSON.parse(stderr) };
  };
  t.like(await errorOf('inspect', 'nope'), { code: 'function_not_found', status: 404 });
  t.like(await errorOf('deploy', 'nofile.wasm'), {
    code: 'usage',
    exitCode: 2,
    title: 'nofile.wasm does not exist',
  });
  t.like(await errorOf('list', '--bogus'), { code: 'usage', exitCode: 2, title: "unknown option '--bogus'" });
  t.like(await errorOf('list', '--host', 'http://127.0.0.1:2'), { code: 'unavailable', exitCode: 6 });
});

test('the tenant is named by flag or environment', async (t) => {
  const host = await hostOf(t);
  host.routes.set('GET /v1/tenants/acme/functions', (_, response) => sendJson(response, 200, []));
  t.regex((await against(host, ['list', '--tenant', 'acme'])).stdout, /no functions yet/);
  t.regex((await against(host, ['list'], { env: { MAYFLY_TENANT: 'acme' } })).stdout, /no functions yet/);
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

test('a name that would reshape the URL never leaves the machine', async (t) => {
  const host = await hostOf(t);
  for (const args of [
    ['inspect', '../../admin'],
    ['delete', 'a/b'],
    ['invoke', '..'],
    ['list', '--tenant', '../x'],
  ]) {
    t.is((await against(host, args)).code, 2, args.join(' '));
  }
  t.deepEqual(host.received, []);
});

test('usage errors exit 2, and every command has help with an example and the exit codes', async (t) => {
  t.is((await mayfly(['nonsense'])).code, 2);
  t.is((await mayfly(['rollback', 'hello', 'zero'])).code, 2);
  t.is((await mayfly(['list', '--bogus'])).code, 2);
  // What asks no host takes none.
  t.is(
    (await mayfly(['build', 'x.ts', '--host', 'http://127.0.0.1:2'])).stderr.split('\n')[0],
    "error: unknown option '--host'",
  );
  const commands = [
    'deploy',
    'build',
    'invoke',
    'list',
    'inspect',
    'logs',
    'versions',
    'rollback',
    'configure',
    'delete',
    'tenants',
    'keys',
    'secrets',
    'audit',
  ];
  const helps = await Promise.all(
    [[], ...commands.map((name) => [name])].map((words) => mayfly([...words, '--help'])),
  );
  for (const { code, stdout } of helps) {
    t.is(code, 0);
    t.regex(stdout, /Example:\n {2}mayfly /);
    t.regex(stdout, /Exit codes:\n {2}0 {2}done\n[\s\S]*\n {2}6 {2}/);
  }
});

test('a command is loaded by the name that it goes by, without the others', async (t) => {
  const all = (await commandsFor([])).map((command) => command.name());
  t.true(all.includes('whoami'));
  t.deepEqual(
    await Promise.all(all.map(async (name) => (await commandsFor([name])).map((each) => each.name()))),
    all.map((name) => [name]),
  );
  t.is((await commandsFor(['toString'])).length, all.length);
});
