import test, { type ExecutionContext } from 'ava';
import { isBilled, type UsageRecord } from '../../host/model/usage-record.ts';
import { Random, seedOf } from '../instrument/random.ts';
import { randomRecord } from '../metering/random-usage.ts';
import { ControlPlaneServer } from './control-plane-server.ts';

const NOVEMBER_MS = Date.UTC(2026, 10, 15);
const EUR = { code: 'EUR', minorUnitDigits: 2 };
const PRICES = {
  from: '2026-11',
  currency: EUR,
  prices: {
    requests: [{ upTo: 50, price: '0' }, { price: '0.25' }],
    fuel: [{ price: '0.01' }],
    memory: [{ price: '0.002' }],
    egress: [{ price: '0.1' }],
  },
};

/** A host in the middle of November, with a tenant of random usage. */
async function billingServer(t: ExecutionContext, count = 300) {
  const server = await ControlPlaneServer.start();
  t.teardown(() => server[Symbol.asyncDispose]());
  server.nowMs = () => NOVEMBER_MS;
  await server.sendJson('POST', '/v1/tenants', { name: 'acme' });
  const seed = seedOf('MAYFLY_USAGE_SEED');
  t.log(`seed ${seed}: MAYFLY_USAGE_SEED=${seed}`);
  const random = new Random(seed);
  const records = Array.from({ length: count }, () => randomRecord(random, { generation: 0 }));
  server.ledger.append(records);
  const { key } = await server.createKey('acme', 'reader', ['read']);
  return { server, key, records: records.filter(({ tenant }) => tenant === 'acme') };
}

async function get(server: ControlPlaneServer, path: string, key?: string) {
  const response = await server.request('GET', path, key === undefined ? {} : { key });
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes
  return { status: response.status, json: (await response.json()) as any };
}

test('a tenant reads its own usage, page by page and as a stream, and nobody else reads it', async (t) => {
  const { server, key, records } = await billingServer(t);
  const path = '/v1/tenants/acme/usage?level=record&from=2026-11&to=2026-12';
  const ids: string[] = [];
  let after = '';
  do {
    const { json } = await get(server, `${path}&limit=31${after}`, key);
    ids.push(...json.rows.map((row: { invocationId: string }) => row.invocationId));
    after = json.next === undefined ? '' : `&after=${json.next}`;
  } while (after !== '');
  t.deepEqual(ids.sort(), records.map(({ invocationId }) => invocationId).sort());

  const lines = (await (await server.request('GET', `${path}&format=jsonl&limit=17`, { key })).text())
    .trim()
    .split('\n');
  t.is(lines.length, records.length);
  const fuel = lines.reduce((sum, line) => sum + BigInt(JSON.parse(line).fuel), 0n);
  t.is(
    fuel,
    records.reduce((sum, record) => sum + BigInt(record.fuel), 0n),
  );

  const csv = await server.request('GET', `${path}&format=csv&limit=17`, { key });
  t.is(csv.headers.get('content-type'), 'text/csv; charset=utf-8');
  const [head, ...rows] = (await csv.text()).trim().split('\r\n');
  t.regex(head!, /^tenant,generation,function,version,/);
  t.is(rows.length, records.length);
  t.true(rows.every((row) => row.split(',').length === head!.split(',').length));

  t.is((await server.request('GET', '/v1/tenants/umbrella/usage', { key })).status, 403);
  t.is((await server.request('GET', '/v1/usage', { key })).status, 403);
});

test('the operator exports all tenants, those that are gone included; a later tenant sees nothing of an earlier one', async (t) => {
  const { server, records } = await billingServer(t);
  await server.request('DELETE', '/v1/tenants/acme');
  await server.sendJson('POST', '/v1/tenants', { name: 'acme' });
  const own = await get(server, '/v1/tenants/acme/usage?level=record&from=2026-11&to=2026-12');
  t.deepEqual(own.json.rows, []);
  const all = await server.request('GET', '/v1/usage?level=record&from=2026-11&to=2026-12&format=jsonl');
  const found = (await all.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.is(found.filter(({ tenant }) => tenant === 'acme').length, records.length);
  t.true(found.length > records.length);
});

test('the operator bills a tenant that was deleted, apart from a later one of its name, and proves it', async (t) => {
  const { server, key, records } = await billingServer(t);
  t.is((await get(server, '/v1/invoices/2026-11')).json.code, 'prices_not_found');
  t.is((await server.sendJson('POST', '/v1/prices', PRICES)).status, 201);
  const { json: before } = await get(server, '/v1/tenants/acme/invoices/2026-11');
  t.is((await get(server, '/v1/invoices/2026-11', key)).status, 403);
  await server.request('DELETE', '/v1/tenants/acme');
  t.is((await get(server, '/v1/tenants/acme/invoices/2026-11')).status, 404);

  await server.sendJson('POST', '/v1/tenants', { name: 'acme' });
  const generation = server.registry.audit.generationOf('acme' as never);
  server.ledger.append([
    randomRecord(new Random(1), { tenant: 'acme' as never, generation, outcome: 'returned' }),
  ]);
  const { json: all } = await get(server, '/v1/invoices/2026-11');
  const [gone, now, other] = all;
  t.like(gone, { tenant: 'acme', generation: 0, isDeleted: true, total: before.total, use: before.use });
  t.like(now, { tenant: 'acme', generation, isDeleted: false, use: { requests: '1' } });
  t.like(other, { tenant: 'umbrella', isDeleted: true });
  t.is(all.length, 3);
  const proof = await get(server, '/v1/invoices/2026-11/verification?tenant=acme&generation=0');
  t.true(proof.json.holds);
  t.is(proof.json.totalFromRecords, before.total);
  t.is(proof.json.checks[0].invocations, String(records.length));
});

test('a bill is the sum of its records, says so for each function, and proves it', async (t) => {
  const { server, key, records } = await billingServer(t);
  t.is((await get(server, '/v1/tenants/acme/invoices/2026-11', key)).json.code, 'prices_not_found');
  t.is((await server.sendJson('POST', '/v1/prices', PRICES)).status, 201);
  const { json: invoice } = await get(server, '/v1/tenants/acme/invoices/2026-11', key);
  const billed = records.filter(({ outcome }) => isBilled(outcome));
  const sum = (amount: (record: UsageRecord) => number): bigint =>
    billed.reduce((total, record) => total + BigInt(amount(record)), 0n);
  t.like(invoice, { tenant: 'acme', month: '2026-11', isFinal: false, currency: 'EUR' });
  t.is(invoice.use.requests, String(billed.length));
  t.is(invoice.use.fuel, String(sum(({ fuel }) => fuel)));
  const cents = invoice.lines.map(({ amount }: { amount: string }) => BigInt(amount.replace('.', '')));
  t.is(
    BigInt(invoice.total.replace('.', '')),
    cents.reduce((a: bigint, b: bigint) => a + b, 0n),
  );
  const requests = invoice.lines.filter(({ meter }: { meter: string }) => meter === 'requests');
  t.like(requests[1], { from: 50, quantity: String(billed.length - 50), price: '0.25' });
  const ofFunctions = invoice.functions.reduce(
    (all: bigint, { fuel }: { fuel: string }) => all + BigInt(fuel),
    0n,
  );
  t.is(String(ofFunctions), invoice.use.fuel);

  const { json: proof } = await get(server, '/v1/tenants/acme/invoices/2026-11/verification', key);
  t.true(proof.holds);
  t.is(proof.totalFromRecords, invoice.total);
  t.deepEqual(proof.invoice, invoice);
  server.ledger.database.exec('UPDATE rollups SET fuel = fuel + 1000000000 WHERE level = 4');
  const { json: forged } = await get(server, '/v1/tenants/acme/invoices/2026-11/verification', key);
  t.false(forged.holds);
  t.not(forged.invoice.total, forged.totalFromRecords);
  t.is(forged.totalFromRecords, invoice.total);
});

test('a bill is the same when its records were trimmed', async (t) => {
  const { server } = await billingServer(t);
  await server.sendJson('POST', '/v1/prices', PRICES);
  const before = (await get(server, '/v1/tenants/acme/invoices/2026-11')).json;
  server.ledger.database.exec(
    'DELETE FROM records; DELETE FROM rollups WHERE level < 3; INSERT INTO kept VALUES (0, 9e12), (1, 9e12), (2, 9e12)',
  );
  t.deepEqual((await get(server, '/v1/tenants/acme/invoices/2026-11')).json, before);
  const { json: proof } = await get(server, '/v1/tenants/acme/invoices/2026-11/verification');
  t.true(proof.holds);
  t.is(proof.totalFromRecords, undefined);
  t.is(proof.checks.at(-1).from, 'day');
  t.true(Number(proof.checks.at(-1).invocations) > 0);
});

test('a price list holds from its month on; one for a month that is over is refused, and none changes one before', async (t) => {
  const { server } = await billingServer(t);
  const over = await server.sendJson('POST', '/v1/prices', { ...PRICES, from: '2026-10' });
  t.is(over.status, 400);
  await server.sendJson('POST', '/v1/prices', PRICES);
  const before = (await get(server, '/v1/tenants/acme/invoices/2026-11')).json;
  await server.sendJson('POST', '/v1/prices', { ...PRICES, from: '2026-12', prices: {} });
  t.deepEqual((await get(server, '/v1/tenants/acme/invoices/2026-11')).json, before);
  t.is((await get(server, '/v1/tenants/acme/invoices/2026-10')).json.code, 'prices_not_found');
  t.is((await get(server, '/v1/tenants/acme/invoices/2027-03')).json.priceListId, 2);
  await server.sendJson('POST', '/v1/prices', { ...PRICES, prices: {} });
  t.is(
    (await get(server, '/v1/tenants/acme/invoices/2026-11')).json.total,
    '0.00',
    'the latest for the month',
  );
  server.nowMs = () => Date.UTC(2026, 11, 2);
  t.true((await get(server, '/v1/tenants/acme/invoices/2026-11')).json.isFinal);
});

test('a budget alerts once for each threshold, month and amount, and stops who is to be stopped', async (t) => {
  const { server } = await billingServer(t);
  await server.sendJson('POST', '/v1/prices', PRICES);
  const { total } = (await get(server, '/v1/tenants/acme/invoices/2026-11')).json;
  const spent = BigInt(total.replace('.', ''));
  const amount = (percent: bigint): string => {
    const cents = (spent * 100n) / percent;
    return `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
  };
  const budget = { thresholds: [50, 90, 100], webhook: 'http://alerts.example/x', hardStop: true };
  const set = async (percent: bigint) =>
    server.sendJson('PUT', '/v1/tenants/acme/budget', { ...budget, amount: amount(percent) });
  const calm = (await (await set(60n)).json()) as { stopped: boolean; spent: string };
  t.like(calm, { stopped: false, spent: total });
  t.deepEqual(
    server.alerts.map(({ body }) => [body.threshold, body.stopped]),
    [[50, false]],
  );
  await set(60n);
  t.is(server.alerts.length, 1, 'it was told');
  const over = (await (await set(101n)).json()) as { stopped: boolean };
  t.true(over.stopped);
  t.deepEqual(
    server.alerts.slice(1).map(({ body }) => [body.threshold, body.stopped]),
    [
      [50, true],
      [90, true],
      [100, true],
    ],
    'another amount is another budget',
  );
  t.is(new Set(server.alerts.map(({ id }) => id)).size, 4);
  server.nowMs = () => Date.UTC(2026, 11, 1);
  await server.sendJson('POST', '/v1/prices', { ...PRICES, from: '2026-12' });
  const next = (await get(server, '/v1/tenants/acme/budget')).json;
  t.like(next, { month: '2026-12', spent: '0.00', stopped: false });
  t.is((await server.request('DELETE', '/v1/tenants/acme/budget')).status, 204);
});
