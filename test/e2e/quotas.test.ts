/** Quotas on a real host: a refusal says which one, who waits gets its place, and what was used is known. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { betweenLooks } from '../harness/between-looks.ts';
import { cCommand, ECHO } from '../harness/guests.ts';
import { type Answer, type Json, startTestHost, type TestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { RawConnection, statuses } from '../harness/raw-connection.ts';
import { plainCommand } from '../harness/wat-commands.ts';

let host: TestHost;
let api: Operator;
let tiny: Uint8Array;
let echo: Uint8Array;

test.before(async () => {
  host = await startTestHost();
  api = new Operator(host);
  tiny = await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))'));
  echo = await cCommand(ECHO);
});
test.after.always(() => host.dispose());

const operator = (method: string, path: string, body?: Json): Promise<{ status: number; json: Json }> =>
  api.api(method, path, body);

let tenants = 0;
/** A new tenant with these quotas, and a function `f` of it. */
async function tenantWith(quotas: Json, component: Uint8Array = tiny, configuration?: Json): Promise<string> {
  const tenant = `t${++tenants}`;
  await api.tenant(tenant, quotas);
  await api.deploy(tenant, 'f', component, configuration);
  return tenant;
}

const call = (tenant: string, name = 'f'): Promise<Answer> => api.call(tenant, name);

const quotaOf = (tenant: string, name: string): Promise<Json> => api.quota(tenant, name);

/** An invocation of an echo that runs until its body ends. */
async function held(tenant: string, name = 'f'): Promise<RawConnection> {
  const connection = await RawConnection.open(host.running.port);
  await connection.send(
    `POST /fn/${tenant}/${name}/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n`,
  );
  return connection;
}

async function release(connection: RawConnection): Promise<string> {
  await connection.send('0\r\n\r\n');
  return connection.closed();
}

/** Waits until a count of the tenant is what it should be. */
const until = (tenant: string, name: string, used: number): Promise<void> =>
  api.untilUsed(tenant, name, used);

test('of a burst exactly as many are served as it has, over all threads, and a refusal says it all', async (t) => {
  const tenant = await tenantWith({ requestsPerSecond: 1, requestBurst: 25 });
  const startMs = performance.now();
  const answers = await Promise.all(Array.from({ length: 100 }, () => call(tenant)));
  const seconds = Math.ceil((performance.now() - startMs) / 1_000);
  const served = answers.filter(({ status }) => status === 200).length;
  t.true(served >= 25 && served <= 25 + seconds, `${served} in ${seconds} s`);
  const refused = answers.find(({ status }) => status === 429)!;
  t.is(refused.headers['retry-after'], '1');
  t.is(refused.headers['ratelimit-policy'], '"requestsPerSecond";q=1;w=1');
  t.is(refused.headers['ratelimit'], '"requestsPerSecond";r=0;t=1');
  const problem = JSON.parse(refused.text);
  t.like(problem, { code: 'quota_exceeded', fault: 'caller', retryable: true });
  t.like(problem.quota, { name: 'requestsPerSecond', scope: 'tenant', limit: 1 });
  t.true(Date.parse(problem.quota.resetAt) > Date.now() - 60_000);
});

test('what comes together in one place runs one after the other: a place is free before its answer is written', async (t) => {
  const tenant = await tenantWith({}, tiny, { concurrency: 1 });
  const head = `GET /fn/${tenant}/f/ HTTP/1.1\r\nhost: x\r\n`;
  const connection = await RawConnection.open(host.running.port);
  // Its thread has the route and an instance then: nothing has to be waited for.
  await connection.send(`${head}\r\n`);
  await connection.until(/mayfly-fuel[\s\S]*\r\n\r\n/);
  // In one segment, so that all have come when the first begins.
  await connection.send(`${`${head}\r\n`.repeat(7)}${head}connection: close\r\n\r\n`);
  t.deepEqual(
    statuses(await connection.closed()),
    Array.from({ length: 9 }, () => 200),
  );
});

test('a function may have a rate of its own', async (t) => {
  const tenant = await tenantWith({}, tiny, { requestsPerSecond: 1, requestBurst: 1 });
  await api.deploy(tenant, 'g', tiny);
  const answers = await Promise.all(Array.from({ length: 10 }, () => call(tenant)));
  const refused = answers.find(({ status }) => status === 429)!;
  t.like(JSON.parse(refused.text).quota, { name: 'requestsPerSecond', scope: 'function' });
  t.is((await call(tenant, 'g')).status, 200);
});

test('who finds all places taken waits and gets one, on whatever thread', async (t) => {
  const tenant = await tenantWith({ concurrency: 1, queuedInvocations: 10, queueTimeoutMs: 60_000 }, echo, {
    timeoutMs: 60_000,
  });
  const first = await held(tenant);
  await until(tenant, 'concurrency', 1);
  const waiting = Array.from({ length: 6 }, () => call(tenant));
  await until(tenant, 'queuedInvocations', 6);
  t.regex(await release(first), /200 OK/);
  for (const answer of await Promise.all(waiting)) t.is(answer.status, 200);
  t.is((await quotaOf(tenant, 'queuedInvocations')).used, 0);
});

test('a queue is bounded in number and in time', async (t) => {
  const tenant = await tenantWith({ concurrency: 1, queuedInvocations: 2, queueTimeoutMs: 2_000 }, echo, {
    timeoutMs: 60_000,
  });
  const first = await held(tenant);
  await until(tenant, 'concurrency', 1);
  const answers = await Promise.all(Array.from({ length: 8 }, () => call(tenant)));
  t.true(answers.every(({ status }) => status === 429));
  const details = answers.map(({ text }) => JSON.parse(text).detail as string);
  t.is(details.filter((detail) => /Nothing became free in 2000 ms/.test(detail)).length, 2);
  t.like(JSON.parse(answers[0]!.text).quota, { name: 'concurrency', limit: 1 });
  t.regex(await release(first), /200 OK/);
});

test('a caller who hangs up while waiting leaves its place in the queue', async (t) => {
  const tenant = await tenantWith({ concurrency: 1, queuedInvocations: 1, queueTimeoutMs: 60_000 }, echo, {
    timeoutMs: 60_000,
  });
  const first = await held(tenant);
  await until(tenant, 'concurrency', 1);
  const second = await held(tenant);
  await until(tenant, 'queuedInvocations', 1);
  second.destroy();
  await until(tenant, 'queuedInvocations', 0);
  const third = await held(tenant);
  await until(tenant, 'queuedInvocations', 1);
  await release(first);
  t.regex(await release(third), /200 OK/);
});

test('a quota that is raised lets in who waits for it, on every thread', async (t) => {
  const tenant = await tenantWith({ concurrency: 1, queuedInvocations: 20, queueTimeoutMs: 60_000 }, echo, {
    timeoutMs: 60_000,
  });
  const connections = await Promise.all(Array.from({ length: 12 }, () => held(tenant)));
  await until(tenant, 'queuedInvocations', 11);
  await operator('PATCH', `/tenants/${tenant}/quotas`, { concurrency: 12 });
  await until(tenant, 'concurrency', 12);
  for (const connection of connections) t.regex(await release(connection), /200 OK/);
});

test('memory is what the running invocations may grow to', async (t) => {
  const tenant = await tenantWith({ memoryBytes: 40 * 2 ** 20, queueTimeoutMs: 0 }, echo, {
    memoryBytes: 16 * 2 ** 20,
    timeoutMs: 60_000,
  });
  const two = await Promise.all([held(tenant), held(tenant)]);
  await until(tenant, 'memoryBytes', 32 * 2 ** 20);
  t.like(JSON.parse((await call(tenant)).text).quota, { name: 'memoryBytes', limit: 40 * 2 ** 20 });
  for (const connection of two) t.regex(await release(connection), /200 OK/);
});

test('fuel of the month is counted to the unit, ends with 429, and is not forgotten by a restart', async (t) => {
  const own = await startTestHost({ env: { MAYFLY_THREADS: '2' } });
  t.teardown(() => own.dispose());
  await own.deploy('f', tiny);
  const authorization = `Bearer ${own.running.adminKey.key}`;
  const quotas = async (): Promise<Json> =>
    JSON.parse((await own.request('/v1/tenants/default/quotas', { headers: { authorization } })).text);
  const fuel = (await Promise.all([own.call('f'), own.call('f'), own.call('f')]))
    .map(({ headers }) => Number(headers['mayfly-fuel']))
    .reduce((sum, each) => sum + each, 0);
  t.true(fuel > 0);
  while ((await quotas()).fuelPerMonth.used !== fuel) await betweenLooks();
  await own.stop();
  await own.start();
  const { used, resetAt } = (await quotas()).fuelPerMonth;
  t.is(used, fuel);
  t.regex(resetAt, /-01T00:00:00.000Z$/);
  await own.request('/v1/tenants/default/quotas', {
    method: 'PATCH',
    headers: { authorization: `Bearer ${own.running.adminKey.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ fuelPerMonth: fuel }),
  });
  const refused = await own.call('f');
  t.is(refused.status, 429);
  t.like(JSON.parse(refused.text), { code: 'quota_exceeded', quota: { name: 'fuelPerMonth', resetAt } });
});

test('functions, versions and stored bytes are bounded before an upload is read', async (t) => {
  const tenant = await tenantWith({ functions: 1, versions: 2 });
  t.like(JSON.parse((await api.upload(tenant, 'g', tiny)).text), {
    code: 'functions_limit_reached',
    quota: { name: 'functions', limit: 1 },
  });
  const other = (n: number): Promise<Uint8Array> =>
    parse(
      plainCommand(`(func (export "run") (result i32) (drop (i32.const ${n})) (i32.const 0))`),
    ) as Promise<Uint8Array>;
  t.is((await api.upload(tenant, 'f', await other(1))).status, 201);
  const refused = await api.upload(tenant, 'f', await other(2));
  t.is(refused.status, 409);
  t.like(JSON.parse(refused.text), { code: 'storage_quota_exceeded', quota: { name: 'versions', limit: 2 } });
  const { used } = await quotaOf(tenant, 'storedBytes');
  await operator('PATCH', `/tenants/${tenant}/quotas`, { versions: 10, storedBytes: used + 100 });
  const full = await api.upload(tenant, 'f', await other(3));
  t.like(JSON.parse(full.text), { code: 'storage_quota_exceeded', quota: { name: 'storedBytes' } });
  t.is((await quotaOf(tenant, 'versions')).used, 2);
});

test('a tenant that is stopped is refused at once, and goes on when it is let', async (t) => {
  const tenant = await tenantWith({ concurrency: 0, queueTimeoutMs: 0 });
  t.is((await call(tenant)).status, 429);
  await operator('PATCH', `/tenants/${tenant}/quotas`, { concurrency: 1 });
  t.is((await call(tenant)).status, 200);
});

test.serial('only the operator sets quotas, and only such as there are', async (t) => {
  const tenant = await tenantWith({});
  const patch = (body: Json): Promise<{ status: number; json: Json }> =>
    operator('PATCH', `/tenants/${tenant}/quotas`, body);
  t.like((await patch({ concurency: 1 })).json, { code: 'invalid_request', field: 'concurency' });
  t.like((await patch({ concurrency: -1 })).json, { code: 'invalid_request', field: 'concurrency' });
  t.like((await patch({ reservedConcurrency: 10_000, concurrency: 10_000 })).json.reservedConcurrency, {
    limit: 10_000,
  });
  const overbooked = await operator('PATCH', '/tenants/default/quotas', { reservedConcurrency: 1 });
  t.like(overbooked.json, { code: 'invalid_request', field: 'reservedConcurrency' });
  await patch({ reservedConcurrency: 0 });
  const reserve = await operator('PATCH', `/tenants/${tenant}/functions/f/configuration`, {
    reservedConcurrency: 1_000,
  });
  t.is(reserve.status, 200);
  await patch({ concurrency: 10_000 });
  const less = await patch({ concurrency: 999 });
  t.like(less.json, { code: 'invalid_request', field: 'concurrency' });
});
