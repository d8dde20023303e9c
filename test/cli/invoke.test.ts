import test from 'ava';
import { against, hostOf } from './against.ts';
import { KEY, sendJson } from './fake-host.ts';
import { folderOf } from './folder.ts';

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

test('invoke --with-key shows the key to the URL of a function that wants one', async (t) => {
  const host = await hostOf(t);
  host.routes.set('GET /fn/default/hello/', (_, response) => void response.end('ok'));
  await against(host, ['invoke', 'hello', '--path', '/', '--with-key']);
  t.is(host.last('GET', '/fn/default/hello/')?.headers.authorization, `Bearer ${KEY}`);
});
