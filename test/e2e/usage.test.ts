/** Replies, ledger and bill on a real host: what callers were told is what is kept, and what is billed. */
import { createServer } from 'node:http';
import type { Worker } from 'node:worker_threads';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test, { type ExecutionContext } from 'ava';
import type { UsageRecordJson } from '../../host/control-plane/usage-schemas.ts';
import {
  makeSigningSecret,
  requireSignature,
  webhookHead,
} from '../../host/control-plane/webhook-signature.ts';
import { decimalOf, divideHalfUp } from '../../host/metering/pricing.ts';
import { HOST_CALL_COLUMNS, type HostCallColumn } from '../../host/model/host-call-kind.ts';
import { betweenLooks } from '../harness/between-looks.ts';
import { cCommand, ECHO, exampleComponent } from '../harness/guests.ts';
import { type Answer, fuelOf, type Json, startTestHost, type TestHost, testHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { clockCommand, plainCommand } from '../harness/wat-commands.ts';
import { echoGuest } from '../harness/wat-guests.ts';
import { Random, seedOf } from '../instrument/random.ts';

let host: TestHost;
let api: Operator;

const EUR = { code: 'EUR', minorUnitDigits: 6 };
/** Prices of requests and fuel alone: what replies say is enough to compute the bill. */
const PRICES = {
  from: new Date().toISOString().slice(0, 7),
  currency: EUR,
  prices: { requests: [{ upTo: 10, price: '0' }, { price: '0.000003' }], fuel: [{ price: '0.0000071' }] },
};

const command = (body: string): Promise<Uint8Array> =>
  parse(plainCommand(`(memory 1) (func (export "run") (result i32) ${body})`));

test.before(async () => {
  host = await startTestHost();
  api = new Operator(host);
  const { status, json } = await api.api('POST', '/prices', PRICES);
  if (status !== 201) throw new Error(JSON.stringify(json));
});
test.after.always(() => host.dispose());

let tenants = 0;

const SLEEPS =
  '(memory 1) (func (export "run") (result i32) (call $sleep (i64.const 60000000000)) (i32.const 0))';
const GROWS = '(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable';

/** A function for each way to end, and how it is configured. */
const GUESTS = {
  ok: [() => command('(i32.const 0)'), {}],
  fails: [() => command('(i32.const 1)'), {}],
  traps: [() => command('unreachable'), {}],
  spins: [() => command('(loop $l (br $l)) (i32.const 0)'), { fuel: 100_000 }],
  grows: [() => command(GROWS), { memoryBytes: 1_048_576 }],
  sleeps: [() => parse(clockCommand(SLEEPS)), { timeoutMs: 50 }],
  echo: [() => echoGuest('0.2.3'), { requestBytes: 10_000 }],
} as const;
type GuestName = keyof typeof GUESTS;
const ALL = Object.keys(GUESTS) as GuestName[];

/** A new tenant with these functions. */
async function tenantWith(...names: GuestName[]): Promise<string> {
  const tenant = `usage-${++tenants}`;
  await api.tenant(tenant, {});
  for (const name of names) {
    const [build, configuration] = GUESTS[name];
    await api.deploy(tenant, name, await build(), configuration);
  }
  return tenant;
}

/** Records of a tenant, once there are at least `count`; there are never more. */
async function recordsOf(t: ExecutionContext, tenant: string, count: number): Promise<UsageRecordJson[]> {
  for (;;) {
    const { json } = await api.api('GET', `/tenants/${tenant}/usage?level=record`);
    const records: UsageRecordJson[] = json.rows;
    if (records.length >= count) {
      t.is(records.length, count);
      return records;
    }
    await betweenLooks();
  }
}

/** Host calls by kind, where there were any. */
function callsOf(record: UsageRecordJson): (readonly [HostCallColumn, number])[] {
  return HOST_CALL_COLUMNS.map((column) => [column, record[column]] as const).filter(
    ([, count]) => count > 0,
  );
}

const idOf = (answer: Answer): string => String(answer.headers['mayfly-invocation-id']);

test('calls of the host are told apart by what they are for, in records and in sums', async (t) => {
  t.timeout(120_000);
  const tenant = `usage-${++tenants}`;
  await api.tenant(tenant, {});
  const tired =
    '(memory 1) (func (export "run") (result i32) (drop (call $now)) (call $sleep (i64.const 1)) (i32.const 0))';
  await api.deploy(tenant, 'tired', await parse(clockCommand(tired)));
  await api.deploy(tenant, 'c', await cCommand(ECHO));
  await api.deploy(tenant, 'js', await exampleComponent('hello-ts'));
  for (const name of ['tired', 'c', 'js'])
    t.is((await host.request(`/fn/${tenant}/${name}/`)).status, 200, name);
  // Calls that the component waits for by itself; nothing may be asked of that host.
  await api.deploy(tenant, 'fetches', await exampleComponent('fetch-two-ts'));
  await host.request(`/fn/${tenant}/fetches/?first=http://a.example/&second=http://a.example/`);
  const records = await recordsOf(t, tenant, 4);
  const of = (name: string): UsageRecordJson => records.find((record) => record.function === name)!;
  t.deepEqual(callsOf(of('tired')), [
    ['componentCalls', 1],
    ['clocksCalls', 2],
    ['ioCalls', 1],
  ]);
  t.deepEqual(
    callsOf(of('c')).map(([column]) => column),
    ['cliCalls', 'filesystemCalls', 'ioCalls'],
  );
  t.deepEqual(
    callsOf(of('js')).map(([column]) => column),
    ['componentCalls', 'cliCalls', 'httpCalls', 'ioCalls'],
  );
  t.is(of('fetches').outboundRequests, 2);
  t.is(of('fetches').otherCalls, 0);
  for (const record of records)
    t.is(
      callsOf(record).reduce((sum, [, count]) => sum + count, 0),
      record.immediateCalls + record.waitingCalls,
    );
  const { json } = await api.api('GET', `/tenants/${tenant}/usage?level=month&function=tired`);
  t.like(json.rows[0], { componentCalls: '1', clocksCalls: '2', httpCalls: '0' });
});

test('bill, ledger and replies agree, whatever is called and however it ends', async (t) => {
  t.timeout(120_000);
  const seed = seedOf('MAYFLY_USAGE_SEED');
  t.log(`seed ${seed}: MAYFLY_USAGE_SEED=${seed}`);
  const random = new Random(seed);
  const tenant = await tenantWith(...ALL);
  const planned = Array.from({ length: 200 }, () => {
    const name = random.pick(ALL);
    return { name, body: name === 'echo' ? 'x'.repeat(random.below(12_000)) : undefined };
  });
  const replies: { name: string; answer: Answer; sent: number }[] = [];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let next = planned.pop(); next !== undefined; next = planned.pop()) {
        const { name, body } = next;
        const options = body === undefined ? {} : { method: 'POST', body };
        const answer = await host.request(`/fn/${tenant}/${name}/`, options);
        replies.push({ name, answer, sent: body?.length ?? 0 });
      }
    }),
  );
  const records = await recordsOf(t, tenant, replies.length);
  const byId = new Map(records.map((record) => [record.invocationId, record]));
  for (const { name, answer, sent } of replies) {
    const record = byId.get(idOf(answer));
    const isProblem = answer.headers['content-type'] === 'application/problem+json';
    const problem = isProblem ? (JSON.parse(answer.text) as Json) : undefined;
    t.like(record, {
      function: name,
      trigger: 'http',
      attempt: 1,
      outcome: problem?.code ?? 'returned',
      billed: true,
      // Too large a request is refused before its invocation begins: it has no fuel to tell of.
      fuel: problem?.code === 'request_too_large' ? 0 : Number(fuelOf(answer)),
      responseBytes: isProblem ? 0 : answer.text.length,
      requestBytes: isProblem ? 0 : sent,
    });
    t.is(
      callsOf(record!).reduce((sum, [, count]) => sum + count, 0),
      record!.immediateCalls + record!.waitingCalls,
    );
    if (record!.start === 'none') continue;
    t.true(record!.peakMemoryBytes >= 65_536 && record!.execUs > 0);
    t.true(record!.memoryTimeKiBMs >= Math.floor((64 * record!.execUs) / 1_000));
  }
  const outcomes = new Set(records.map(({ outcome }) => outcome));
  for (const expected of [
    'returned',
    'function_failed',
    'function_trapped',
    'fuel_exhausted',
    'memory_exceeded',
  ])
    t.true(outcomes.has(expected), expected);
  t.true(outcomes.has('timed_out') && outcomes.has('request_too_large'));

  // What the callers were told, priced by hand.
  const fuel = replies.reduce(
    (sum, { answer }) => sum + BigInt(fuelOf(answer) === 'undefined' ? 0 : fuelOf(answer)),
    0n,
  );
  const ofFuel = divideHalfUp(fuel * 71n, 10n * 1_000_000n);
  const ofRequests = BigInt(replies.length - 10) * 3n;
  const month = PRICES.from;
  const { json: invoice } = await api.api('GET', `/tenants/${tenant}/invoices/${month}`);
  t.is(invoice.use.fuel, String(fuel));
  t.is(invoice.total, decimalOf(ofFuel + ofRequests, EUR.minorUnitDigits));
  const { json: proof } = await api.api('GET', `/tenants/${tenant}/invoices/${month}/verification`);
  t.true(proof.holds);
  t.is(proof.totalFromRecords, invoice.total);
  t.true(proof.checks.every(({ invocations }: Json) => invocations === String(replies.length)));
});

test('an event through the API, an authorizer and a caller who hangs up leave records, too', async (t) => {
  const tenant = await tenantWith('ok', 'echo', 'sleeps');
  const invoked = await api.api('POST', `/tenants/${tenant}/functions/echo/invocations`, 'event');
  t.is(invoked.status, 200);
  await api.api('PATCH', `/tenants/${tenant}/functions/ok/configuration`, {
    access: { type: 'authorizer', function: 'echo', identityHeaders: ['x-user'] },
  });
  const refused = await host.request(`/fn/${tenant}/ok/`, { headers: { 'x-user': 'ada' } });
  t.is(refused.status, 502, 'an echo is no valid authorizer');
  await api.api('PATCH', `/tenants/${tenant}/functions/sleeps/configuration`, { timeoutMs: 60_000 });
  const gone = new AbortController();
  const hungUp = fetch(`${host.origin}/fn/${tenant}/sleeps/`, { signal: gone.signal }).catch(() => 'gone');
  while ((await api.quota(tenant, 'concurrency')).used === 0) await betweenLooks();
  gone.abort();
  t.is(await hungUp, 'gone');
  const records = await recordsOf(t, tenant, 3);
  t.deepEqual(records.map(({ function: name, trigger, outcome }) => `${name} ${trigger} ${outcome}`).sort(), [
    'echo authorizer returned',
    'echo invoke returned',
    'sleeps http caller_gone',
  ]);
});

test('what is refused before it has a place leaves no record', async (t) => {
  const tenant = await tenantWith('ok');
  t.is((await host.request(`/fn/${tenant}/ok/`)).status, 200);
  // No rate: on a busy machine the second call may come when there is room again.
  await api.api('PATCH', `/tenants/${tenant}/quotas`, { concurrency: 0, queueTimeoutMs: 0 });
  t.is((await host.request(`/fn/${tenant}/ok/`)).status, 429);
  t.is((await host.request(`/fn/${tenant}/nope/`)).status, 404);
  await recordsOf(t, tenant, 1);
});

test('a budget with a hard stop stops its tenant on every thread, nobody else, and lets go when it is raised', async (t) => {
  const [tenant, other] = [await tenantWith('ok'), await tenantWith('ok')];
  const budget = (amount: string): Promise<{ status: number; json: Json }> =>
    api.api('PUT', `/tenants/${tenant}/budget`, { amount, hardStop: true });
  t.false((await budget('0.000030')).json.stopped);
  // Ten are free, and some more cost the whole amount: a check follows what was committed.
  let calls = 0;
  for (;;) {
    const { status, text } = await host.request(`/fn/${tenant}/ok/`, { headers: { connection: 'close' } });
    if (status === 402) {
      t.is(JSON.parse(text).code, 'budget_exhausted');
      break;
    }
    t.is(status, 200);
    calls++;
  }
  t.true(calls > 10, `${calls}`);
  const stopped = await Promise.all(
    Array.from({ length: 20 }, () => host.request(`/fn/${tenant}/ok/`, { headers: { connection: 'close' } })),
  );
  t.true(
    stopped.every(({ status }) => status === 402),
    'new connections reach all threads',
  );
  t.is((await host.request(`/fn/${other}/ok/`)).status, 200);
  const { json } = await api.api('GET', `/tenants/${tenant}/budget`);
  t.true(json.stopped);
  t.deepEqual(
    json.alerts.map(({ threshold }: Json) => threshold),
    [50, 80, 100],
  );
  t.false((await budget('1.00')).json.stopped);
  t.is((await host.request(`/fn/${tenant}/ok/`)).status, 200);
});

test('a stop ends with its tenant: who gets the name next may be called', async (t) => {
  const tenant = await tenantWith('ok');
  await api.api('PUT', `/tenants/${tenant}/budget`, { amount: '0.000030', hardStop: true });
  while ((await host.request(`/fn/${tenant}/ok/`)).status === 200);
  t.is((await host.request(`/fn/${tenant}/ok/`)).status, 402);
  t.is((await api.api('DELETE', `/tenants/${tenant}?withFunctions=true`)).status, 204);
  await api.tenant(tenant);
  await api.deploy(tenant, 'ok', await GUESTS.ok[0]());
  t.is((await host.request(`/fn/${tenant}/ok/`)).status, 200);
});

test('a stop holds from the first request on after a restart, and alerts reach their webhook once', async (t) => {
  const secret = makeSigningSecret();
  const own = await testHost(t, { env: { MAYFLY_WEBHOOK_SECRET: secret } });
  const operator = new Operator(own);
  const tenant = 'acme';
  await operator.tenant(tenant);
  await operator.deploy(tenant, 'ok', await command('(i32.const 0)'));
  await operator.api('POST', '/prices', PRICES);
  const received: Json[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const headers = new Headers(request.headers as Record<string, string>);
      requireSignature(webhookHead(headers, Date.now()), Buffer.from(body), [secret]);
      received.push({ id: headers.get('webhook-id'), ...JSON.parse(body) });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const { port } = server.address() as { port: number };
  const webhook = `http://127.0.0.1:${port}/alerts`;
  await operator.api('PUT', `/tenants/${tenant}/budget`, {
    amount: '0',
    thresholds: [100],
    webhook,
    hardStop: true,
  });
  for (;;) {
    const { json } = await operator.api('GET', `/tenants/${tenant}/budget`);
    if (json.alerts[0]?.deliveredAt !== undefined) break;
    await betweenLooks();
  }
  await own.stop();
  await own.start();
  t.is((await own.request(`/fn/${tenant}/ok/`)).status, 402);
  t.is(received.length, 1);
  t.like(received[0], {
    type: 'budget.threshold_reached',
    tenant,
    threshold: 100,
    stopped: true,
    spent: '0.000000',
  });
});

// Alone: it hears of the threads of every host in this process.
test.serial('invocations that a serving thread takes along are recorded, and are on no bill', async (t) => {
  const threads: Worker[] = [];
  const note = (worker: Worker): void => void threads.push(worker);
  process.on('worker', note);
  t.teardown(() => process.off('worker', note));
  const own = await testHost(t, { env: { MAYFLY_THREADS: '1' } });
  const operator = new Operator(own);
  await operator.deploy('default', 'sleeps', await parse(clockCommand(SLEEPS)), { timeoutMs: 60_000 });
  const lost = [1, 2].map(() => own.call('sleeps'));
  await operator.untilUsed('default', 'concurrency', 2);
  await threads.findLast(({ threadName }) => threadName === 'mayfly-0')!.terminate();
  for (const answer of await Promise.all(lost)) t.is(JSON.parse(answer.text).code, 'worker_lost');
  const usage = async (): Promise<Json> =>
    (await operator.api('GET', '/tenants/default/usage?level=record').catch(() => undefined))?.json.rows;
  let rows: Json;
  do rows = await usage();
  while (rows === undefined || rows.length < 2);
  for (const row of rows)
    t.like(row, {
      function: 'sleeps',
      trigger: 'unknown',
      outcome: 'worker_lost',
      fault: 'host',
      billed: false,
    });
  t.is(rows.length, 2);
  await operator.api('POST', '/prices', PRICES);
  const { json } = await operator.api('GET', `/tenants/default/invoices/${PRICES.from}`);
  t.is(json.use.requests, '0');
});
