import test from 'ava';
import { MayflyError, toProblemDetails } from '../../host/errors/errors.ts';
import { against, hostOf } from './against.ts';
import { folderOf } from './folder.ts';
import { mayfly } from './run-mayfly.ts';

const BASE = '/v1/tenants/default/functions';

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
