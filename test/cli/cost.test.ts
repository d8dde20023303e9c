import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FakeHost, KEY, type Received, sendJson, sendProblem } from './fake-host.ts';
import { type Finished, mayfly } from './run-mayfly.ts';

const FUNCTIONS = '/v1/tenants/acme/functions';

/** What each side uses for a byte of its input. */
const FUEL_PER_BYTE = { hello: 1_000, candidate: 400 };

/** A host on which `hello` runs, and anything else may be published. */
async function hostOf(t: ExecutionContext): Promise<FakeHost> {
  const host = await FakeHost.start();
  t.teardown(() => host[Symbol.asyncDispose]());
  const records: object[] = [];
  const nameOf = ({ path }: Received): string => path.split('?')[0]!.split('/')[5]!;
  host.fallback = (request, response) => {
    if (!request.path.startsWith(FUNCTIONS)) return false;
    const name = nameOf(request);
    if (request.method === 'POST') {
      const id = `id-${records.length}`;
      const fuel = request.body.length * (name === 'hello' ? FUEL_PER_BYTE.hello : FUEL_PER_BYTE.candidate);
      records.push({
        invocationId: id,
        function: name,
        version: 3,
        outcome: 'returned',
        fuel,
        peakMemoryBytes: 65_536,
        memoryTimeKiBMs: 64,
        egressBytes: 0,
      });
      response.writeHead(200, { 'mayfly-invocation-id': id }).end('answer');
    } else if (request.method === 'DELETE') response.writeHead(204).end();
    else sendJson(response, 200, { configuration: { memoryBytes: 65_536, reservedConcurrency: 2 } });
    return true;
  };
  host.routes.set('GET /v1/tenants/acme/usage', (request, response) => {
    const name = new URLSearchParams(request.path.split('?')[1]).get('function');
    const rows = records.filter((record) => (record as { function: string }).function === name);
    sendJson(response, 200, { rows });
  });
  const lines = [
    { meter: 'requests', perUnit: '1', price: '0' },
    { meter: 'fuel', perUnit: '1000000', price: '0.00002' },
  ];
  host.routes.set(`GET /v1/tenants/acme/invoices/${new Date().toISOString().slice(0, 7)}`, (_, response) =>
    sendJson(response, 200, { lines }),
  );
  return host;
}

async function cost(t: ExecutionContext, host: FakeHost, ...args: readonly string[]): Promise<Finished> {
  const cwd = await mkdtemp(join(tmpdir(), 'mayfly-cost-'));
  t.teardown(() => rm(cwd, { recursive: true, force: true }));
  await writeFile(join(cwd, 'new.wasm'), 'component');
  return mayfly(['cost', 'new.wasm', '--against', 'hello', '--tenant', 'acme', ...args], {
    cwd,
    env: { MAYFLY_URL: host.url, MAYFLY_KEY: KEY },
  });
}

test('both sides are called with each input, and what they cost stands side by side', async (t) => {
  const host = await hostOf(t);
  const { stdout, stderr, code } = await cost(
    t,
    host,
    '--data',
    'x'.repeat(100),
    '--data',
    'x'.repeat(2_000),
  );
  t.is(code, 0, stderr);
  const rows = stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((row) => row.split(/ {2,}/));
  t.deepEqual(
    rows.map(([input, side, , fuel, , , , price]) => [input, side, fuel, price]),
    [
      ['1', 'live, version 3', '100,000', '2.0000'],
      ['1', 'candidate', '40,000', '0.8000'],
      ['2', 'live, version 3', '2,000,000', '40.0000'],
      ['2', 'candidate', '800,000', '16.0000'],
    ],
  );
});

test('the candidate has the settings of the other one, keeps no places, opens to nobody, and is gone afterwards', async (t) => {
  const host = await hostOf(t);
  t.is((await cost(t, host)).code, 0);
  const put = host.received.find(({ method }) => method === 'PUT')!;
  t.regex(put.path, /\/functions\/cost-preview-[0-9a-f]{12}$/);
  const patch = host.received.find(({ method }) => method === 'PATCH')!;
  t.deepEqual(JSON.parse(String(patch.body)), {
    memoryBytes: 65_536,
    reservedConcurrency: 0,
    access: { type: 'key' },
    cors: null,
  });
  t.like(host.received.at(-1), { method: 'DELETE', path: put.path });
});

test('a candidate that cannot be published leaves nothing, and the reason is told', async (t) => {
  const host = await hostOf(t);
  const { fallback } = host;
  host.fallback = (request, response) => {
    if (request.method !== 'PUT') return fallback(request, response);
    sendProblem(response, 'component_malformed', 'no component');
    return true;
  };
  const { code, stderr } = await cost(t, host);
  t.is(code, 4);
  t.regex(stderr, /component_malformed/);
  t.is(host.received.at(-1)?.method, 'DELETE');
});
