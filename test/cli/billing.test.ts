import test, { type ExecutionContext } from 'ava';
import { FakeHost, KEY, sendJson } from './fake-host.ts';
import { type Finished, mayfly } from './run-mayfly.ts';

async function hostOf(t: ExecutionContext): Promise<FakeHost> {
  const host = await FakeHost.start();
  t.teardown(() => host[Symbol.asyncDispose]());
  return host;
}

function against(host: FakeHost, ...args: readonly string[]): Promise<Finished> {
  return mayfly([...args, '--tenant', 'acme'], { env: { MAYFLY_URL: host.url, MAYFLY_KEY: KEY } });
}

const ROLLUP = {
  function: 'hello',
  version: 1,
  start: '2026-11-27T00:00:00.000Z',
  billed: true,
  invocations: '12',
  failures: '1',
  fuel: '9007199254740993',
  memoryTimeKiBMs: '5',
  egressBytes: '7',
};
const USE = { requests: '3', fuel: '2500000', memoryTimeKiBMs: '5', egressBytes: '7' };
const INVOICE = {
  tenant: 'acme',
  month: '2026-11',
  isFinal: true,
  currency: 'EUR',
  priceListId: 2,
  lines: [
    {
      meter: 'fuel',
      unit: 'million fuel',
      from: 0,
      quantity: '2500000',
      perUnit: '1000000',
      price: '0.5',
      amount: '1.25',
    },
  ],
  total: '1.25',
  use: USE,
  functions: [{ function: 'hello', version: 1, ...USE }],
};

test('usage is shown page by page, digit for digit, and exported as it comes', async (t) => {
  const host = await hostOf(t);
  host.routes.set('GET /v1/tenants/acme/usage', (request, response) => {
    const query = new URLSearchParams(request.path.split('?')[1]);
    if (query.get('format') === 'csv') response.end('a,b\r\n1,2\r\n');
    else sendJson(response, 200, query.has('after') ? { rows: [ROLLUP] } : { rows: [ROLLUP], next: 'more' });
  });
  const shown = await against(host, 'usage', '--from', '2026-11', '--function', 'hello');
  t.is(shown.stdout.match(/9,007,199,254,740,993/g)?.length, 2, shown.stderr);
  t.regex(host.received[0]!.path, /\?level=day&from=2026-11&function=hello$/);
  t.regex(host.received[1]!.path, /&after=more$/);
  const exported = await against(host, 'usage', '--level', 'record', '--format', 'csv');
  t.is(exported.stdout, 'a,b\r\n1,2\r\n');
});

test('a bill is shown line by line, and one that does not hold fails', async (t) => {
  const host = await hostOf(t);
  const path = '/v1/tenants/acme/invoices/2026-11';
  host.routes.set(`GET ${path}`, (_, response) => sendJson(response, 200, INVOICE));
  const shown = await against(host, 'invoice', '--month', '2026-11');
  t.regex(shown.stdout, /fuel +all +2\.5 million fuel +x 0\.5 +1\.25/);
  t.regex(shown.stdout, /total +1\.25/);
  const check = {
    from: 'day',
    to: 'month',
    begin: '2026-11-01T00:00:00.000Z',
    end: '2026-12-01T00:00:00.000Z',
    invocations: '3',
    differences: [] as object[],
  };
  const proof = { invoice: INVOICE, holds: true, totalFromRecords: '1.25', checks: [check] };
  host.routes.set(`GET ${path}/verification`, (_, response) => sendJson(response, 200, proof));
  const held = await against(host, 'invoice', '--month', '2026-11', '--verify');
  t.is(held.code, 0);
  t.regex(held.stdout, /recomputed from its records: 1\.25 EUR\n.*day = month.*equal\nthe bill holds\n/s);
  proof.holds = false;
  check.differences = [{ function: 'hello', version: 1, billed: true, sum: 'fuel', added: '1', kept: '2' }];
  const forged = await against(host, 'invoice', '--month', '2026-11', '--verify');
  t.is(forged.code, 1);
  t.regex(forged.stdout, /hello version 1 fuel: 1 added up, 2 kept\nthe bill does NOT hold/);
});

test('prices go as they are in the file; budgets are set, shown and deleted', async (t) => {
  const host = await hostOf(t);
  const list = {
    from: '2026-12',
    currency: { code: 'EUR', minorUnitDigits: 2 },
    prices: { requests: [{ upTo: 10, price: '0' }, { price: '0.1' }] },
  };
  const stored = { id: 1, list, createdAt: '2026-11-27T10:00:00.000Z' };
  host.routes.set('POST /v1/prices', (_, response) => sendJson(response, 201, stored));
  host.routes.set('GET /v1/prices', (_, response) => sendJson(response, 200, [stored]));
  const set = await mayfly(['prices', 'set', '-'], {
    env: { MAYFLY_URL: host.url, MAYFLY_KEY: KEY },
    input: JSON.stringify(list),
  });
  t.regex(set.stdout, /requests +above 10 +0\.1 per request/);
  t.deepEqual(JSON.parse(String(host.last('POST', '/v1/prices')?.body)), list);
  t.regex(
    (await mayfly(['prices', 'list'], { env: { MAYFLY_URL: host.url, MAYFLY_KEY: KEY } })).stdout,
    /^price list 1 from 2026-12 on/,
  );

  const budget = { amount: '25.00', thresholds: [80], hardStop: true };
  const use = { budget, month: '2026-11', spent: '20.10', currency: 'EUR', stopped: false, alerts: [] };
  for (const method of ['PUT', 'GET'])
    host.routes.set(`${method} /v1/tenants/acme/budget`, (_, response) => sendJson(response, 200, use));
  host.routes.set('DELETE /v1/tenants/acme/budget', (_, response) => void response.writeHead(204).end());
  const shown = await against(host, 'budget', 'set', '25.00', '--alert-at', '80', '--hard-stop');
  t.regex(shown.stdout, /^20\.10 of 25\.00 EUR in 2026-11\nalerts at 80 %\nhard stop: not reached\n$/);
  t.deepEqual(JSON.parse(String(host.last('PUT', '/v1/tenants/acme/budget')?.body)), budget);
  t.is((await against(host, 'budget', 'show')).stdout, shown.stdout);
  t.is((await against(host, 'budget', 'delete')).stdout, 'deleted the budget of acme\n');
});

test('the bills of all tenants, those that are gone among them', async (t) => {
  const host = await hostOf(t);
  host.routes.set('GET /v1/invoices/2026-11', (_request, response) =>
    sendJson(response, 200, [{ ...INVOICE, generation: 4, isDeleted: true }]),
  );
  const { stdout, stderr } = await against(host, 'invoice', '--all', '--month', '2026-11');
  t.regex(stdout, /^acme +4 +deleted +3 +1\.25 EUR/m, stderr);
});
