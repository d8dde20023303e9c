/** The same component, asked the same, on jco's unmodified output: our answers are its answers. */
import test, { type ExecutionContext } from 'ava';
import { componentizeWasip1 } from '../../host/compiler/componentize-wasip1.ts';
import { SANDBOX_POLICY } from '../../host/front-door/shared-origin.ts';
import { exampleComponent } from '../harness/guests.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { Oracle, runOracle } from '../harness/oracle.ts';
import { echoGuest } from '../harness/wat-guests.ts';
import { exchange, type WireAnswer, type WireRequest } from '../harness/wire.ts';

let host: TestHost;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
});
test.after.always(() => host.dispose());

/** Set by the server, not by the guest: framing, and what our host adds. */
const OF_THE_SERVER = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'mayfly-fuel',
  'mayfly-invocation-id',
  'server-timing',
  'trailer',
  'transfer-encoding',
]);

function ofTheGuest({ status, headers, trailers, body }: WireAnswer): unknown {
  const own = (list: WireAnswer['headers']): unknown =>
    list.filter(([name, value]) => !OF_THE_SERVER.has(name) && value !== SANDBOX_POLICY);
  return { status, headers: own(headers), trailers: own(trailers), body: body.toString('latin1') };
}

async function compare(
  t: ExecutionContext,
  name: string,
  component: Uint8Array,
  kind: '0.2' | '0.3',
  requests: readonly WireRequest[],
): Promise<void> {
  await host.deploy(name, component);
  await using oracle = new Oracle(component, kind);
  for (const request of requests) {
    const expected = await oracle.ask(request);
    const path = `/fn/default/${name}${request.path}`;
    const answer = await exchange(host.running.port, { ...request, path });
    t.deepEqual(ofTheGuest(answer), ofTheGuest(expected), `${request.method} ${request.path}`);
  }
}

const BINARY = Uint8Array.from({ length: 1_024 }, (_, i) => i % 256);
const LARGE = Uint8Array.from({ length: 1_500_000 }, (_, i) => (i * 7) % 251);

const REQUESTS: readonly WireRequest[] = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'].map((method) => ({ method, path: '/' })),
  { method: 'GET', path: '/a%2Fb/../c//d/.%2e/%zz?x=%26&x=2&=&%00' },
  { method: 'GET', path: '/?' },
  { method: 'GET', path: "/(a)*'b!;c=1:2@3$&?q[]=/?" },
  {
    method: 'GET',
    path: '/fields',
    headers: ['X-A', '1', 'ACCEPT', 'c/d', 'Cookie', 'a=1; b=2', 'X-Empty', ''],
  },
  { method: 'POST', path: '/empty', body: new Uint8Array(0) },
  { method: 'POST', path: '/binary', body: BINARY },
  { method: 'PUT', path: '/large', body: LARGE },
];

/** QuickJS takes some thousand units of fuel per byte that is no UTF-8. */
const TEXT_ONLY = REQUESTS.map((request) =>
  request.body === LARGE ? { ...request, body: Buffer.from('größer '.repeat(50_000)) } : request,
);

const ECHO_ONLY: readonly WireRequest[] = [
  ...[200, 201, 206, 204, 304, 307, 400, 404, 418, 500, 503, 599].map((status) => ({
    method: 'GET',
    path: `/${status}`,
  })),
  { method: 'HEAD', path: '/404' },
  {
    method: 'POST',
    path: '/200',
    body: BINARY,
    headers: ['X-Long', 'v'.repeat(4_000), 'Content-Type', 'a/b; c="d"'],
  },
];

test.serial('a component by hand (wasi:http 0.2.0) answers as on jco', async (t) => {
  await compare(t, 'tiny', await exampleComponent('tiny-wat'), '0.2', REQUESTS);
});

test.serial('a component that says everything back (wasi:http 0.2.12) answers as on jco', async (t) => {
  await compare(t, 'echo', await echoGuest('0.2.12'), '0.2', [...REQUESTS, ...ECHO_ONLY]);
});

test.serial('a TypeScript handler (wasi:http 0.3) answers as on jco', async (t) => {
  await compare(t, 'hello', await exampleComponent('hello-ts'), '0.3', TEXT_ONLY);
});

test.serial('a method that WASI has no name for reaches the guest as it is', async (t) => {
  // No comparison: methods are case-sensitive (RFC 9110, section 9.1), but jco's shim makes them lower case.
  await host.deploy('echo', await echoGuest('0.2.12'));
  const { port } = host.running;
  const answer = await exchange(port, { method: 'PROPFIND', path: '/fn/default/echo/dav' });
  t.deepEqual(
    answer.headers.filter(([name]) => name === 'x-method'),
    [['x-method', 'PROPFIND']],
  );
});

test.serial(
  'fields that come more than once stay apart and in order, and their bytes are kept',
  async (t) => {
    // No comparison: jco's shim keeps the last one of a name, and writes bytes above 0x7f as UTF-8.
    await host.deploy('echo', await echoGuest('0.2.12'));
    const { port } = host.running;
    const { headers } = await exchange(port, {
      method: 'GET',
      path: '/fn/default/echo/',
      headers: ['X-A', '1', 'x-b', '\xe9\xff', 'x-A', '2', 'Set-Cookie', 'a', 'set-cookie', 'b'],
    });
    const own = new Set(['x-a', 'x-b', 'set-cookie']);
    t.deepEqual(
      headers.filter(([name]) => own.has(name)),
      [
        ['set-cookie', 'a'],
        ['set-cookie', 'b'],
        ['x-a', '1'],
        ['x-a', '2'],
        ['x-b', '\xe9\xff'],
      ],
    );
  },
);

test.serial('trailers of a guest follow its body', async (t) => {
  // No comparison: jco's shim drops them.
  await host.deploy('echo', await echoGuest('0.2.12'));
  const { port } = host.running;
  const answer = await exchange(port, { method: 'GET', path: '/fn/default/echo/200t' });
  t.deepEqual(
    answer.trailers.filter(([name]) => name === 'x-trailer'),
    [['x-trailer', 'late']],
  );
});

test.serial('a command (wasip1) writes what it writes on jco', async (t) => {
  const module = await exampleComponent('word-count-c');
  await host.deploy('words', module);
  const component = await componentizeWasip1(module, 'wasip1-command');
  const inputs = [new Uint8Array(0), Buffer.from('a  b\n\tc\r\nd'), BINARY, LARGE];
  for (const stdin of inputs) {
    const { status, body } = await exchange(host.running.port, {
      method: 'POST',
      path: '/v1/tenants/default/functions/words/invocations',
      headers: ['Authorization', `Bearer ${host.running.adminKey.key}`],
      body: stdin,
    });
    t.is(status, 200);
    t.is(body.toString(), (await runOracle(component, stdin)).toString(), `${stdin.length} bytes`);
  }
});
