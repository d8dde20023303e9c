/** The same component, asked the same, on jco's unmodified output: our answers are its answers. */
import { readFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { exampleNamed } from '../../examples/examples.ts';
import { componentizeWasip1 } from '../../host/compiler/componentize-wasip1.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { runOracle, startOracle } from '../harness/oracle.ts';
import { echoGuest } from '../harness/wat-guests.ts';
import { exchange, type WireAnswer, type WireRequest } from '../harness/wire.ts';

const built = async (name: string): Promise<Uint8Array> => readFile(await exampleNamed(name)!.build());
let host: TestHost;
test.before(async () => {
  host = await startTestHost();
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
  const own = (list: WireAnswer['headers']): unknown => list.filter(([name]) => !OF_THE_SERVER.has(name));
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
  await using oracle = await startOracle(component, kind);
  for (const request of requests) {
    const expected = await exchange(oracle.port, request);
    const path = `/fn/default/${name}${request.path}`;
    const answer = await exchange(host.running.port, { ...request, path });
    t.deepEqual(ofTheGuest(answer), ofTheGuest(expected), `${request.method} ${request.path}`);
  }
}

const BINARY = Uint8Array.from({ length: 1_024 }, (_, i) => i % 256);
const LARGE = Uint8Array.from({ length: 1_500_000 }, (_, i) => (i * 7) % 251);

const REQUESTS: readonly WireRequest[] = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'].map((method) => ({ method, path: '/' })),
  { method: 'PROPFIND', path: '/dav' },
  { method: 'GET', path: '/a%2Fb/../c//d/.%2e/%zz?x=%26&x=2&=&%00' },
  { method: 'GET', path: '/?' },
  { method: 'GET', path: "/(a)*'b!;c=1:2@3$&?q[]=/?#" },
  { method: 'GET', path: '/many', headers: ['X-A', '1', 'x-a', '2', 'Accept', 'a/b', 'ACCEPT', 'c/d', 'Cookie', 'a=1', 'X-Empty', ''] },
  { method: 'POST', path: '/empty', body: new Uint8Array(0) },
  { method: 'POST', path: '/binary', body: BINARY },
  { method: 'PUT', path: '/large', body: LARGE },
];

const ECHO_ONLY: readonly WireRequest[] = [
  ...[200, 201, 206, 204, 304, 307, 400, 404, 418, 500, 503, 599].map((status) => ({ method: 'GET', path: `/${status}` })),
  { method: 'HEAD', path: '/404' },
  { method: 'POST', path: '/200', body: BINARY, headers: ['X-Long', 'v'.repeat(4_000), 'Content-Type', 'a/b; c="d"'] },
];

test.serial('a component by hand (wasi:http 0.2.0) answers as on jco', async (t) => {
  await compare(t, 'tiny', await built('tiny-wat'), '0.2', REQUESTS);
});

test.serial('a component that says everything back (wasi:http 0.2.12) answers as on jco', async (t) => {
  await compare(t, 'echo', await echoGuest('0.2.12'), '0.2', [...REQUESTS, ...ECHO_ONLY]);
});

test.serial('a TypeScript handler (wasi:http 0.3) answers as on jco', async (t) => {
  await compare(t, 'hello', await built('hello-ts'), '0.3', REQUESTS);
});

test.serial('a command (wasip1) writes what it writes on jco', async (t) => {
  const module = await built('word-count-c');
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
