/** Each quota that there is, used up: how the refusal is told, and that it says which quota, how much, and when again. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test, { type ExecutionContext } from 'ava';
import { TENANT_QUOTAS, type TenantQuotaName } from '../../host/limits/tenant-quota-limits.ts';
import { cCommand, ECHO, exampleComponent } from '../harness/guests.ts';
import { type Answer, type Json, startTestHost, type TestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { RawConnection } from '../harness/raw-connection.ts';
import { plainCommand } from '../harness/wat-commands.ts';

/** What a tenant has used up, and what it is told then. */
interface Case {
  readonly quotas: Json;
  /** Of the function `f`. */
  readonly configuration?: Json;
  /** What is refused; a call of `f` where it is absent. Called until it is not answered with success. */
  readonly ask?: (tenant: string) => Promise<Answer>;
  readonly answer: {
    readonly status: 429 | 409;
    readonly code: string;
    readonly quota: { readonly name: string; readonly scope: 'tenant' | 'function'; readonly limit: number };
    readonly detail?: RegExp;
  };
}

let host: TestHost;
let operator: Operator;
let burns: Uint8Array;
let tiny: Uint8Array;

test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_PUBLISH_QUEUE: '100' } });
  operator = new Operator(host);
  tiny = await command(0);
  burns = await parse(
    plainCommand(`(func (export "run") (result i32) (local $i i32)
      (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5000000))))
      (i32.const 0))`),
  );
});
test.after.always(() => host.dispose());

/** A command that does nothing, and is another one for each number. */
function command(n: number): Promise<Uint8Array> {
  return parse(
    plainCommand(`(func (export "run") (result i32) (drop (i32.const ${n})) (i32.const 0))`),
  ) as Promise<Uint8Array>;
}

/** A request to the API below a tenant. */
function api(method: string, path: string, body: Json): (tenant: string) => Promise<Answer> {
  return (tenant) =>
    host.request(`/v1/tenants/${tenant}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${host.running.adminKey.key}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
}

const over = (name: string, limit: number, detail?: RegExp): Case['answer'] => ({
  status: 429,
  code: 'quota_exceeded',
  quota: { name, scope: 'tenant', limit },
  ...(detail === undefined ? {} : { detail }),
});

const full = (name: string, limit: number, code: string): Case['answer'] => ({
  status: 409,
  code,
  quota: { name, scope: 'tenant', limit },
});

/** Of a tenant. Those that bound no count of their own are refused as what they are a part of. */
const OF_TENANT: Readonly<Record<Exclude<TenantQuotaName, `outbound${string}`>, Case>> = {
  concurrency: { quotas: { concurrency: 0, queueTimeoutMs: 0 }, answer: over('concurrency', 0) },
  // One place, which another function keeps for itself.
  reservedConcurrency: {
    quotas: { concurrency: 1, queueTimeoutMs: 0 },
    ask: async (tenant) => {
      await operator.deploy(tenant, 'keeps', tiny, { reservedConcurrency: 1 });
      return operator.call(tenant, 'f');
    },
    answer: over('concurrency', 1),
  },
  queuedInvocations: {
    quotas: { concurrency: 0, queuedInvocations: 0, queueTimeoutMs: 60_000 },
    answer: over('concurrency', 0),
  },
  queueTimeoutMs: {
    quotas: { concurrency: 0, queuedInvocations: 1, queueTimeoutMs: 10 },
    answer: over('concurrency', 0, /Nothing became free in 10 ms/),
  },
  memoryBytes: { quotas: { memoryBytes: 65_536, queueTimeoutMs: 0 }, answer: over('memoryBytes', 65_536) },
  requestsPerSecond: {
    quotas: { requestsPerSecond: 1, requestBurst: 1 },
    answer: over('requestsPerSecond', 1),
  },
  requestBurst: { quotas: { requestsPerSecond: 2, requestBurst: 3 }, answer: over('requestsPerSecond', 2) },
  fuelPerSecond: {
    quotas: { fuelPerSecond: 1_000_000 },
    ask: async (tenant) => {
      await operator.deploy(tenant, 'burns', burns);
      // Twenty times what the tenant has for a second; it is charged once it has ended.
      await operator.call(tenant, 'burns');
      return operator.call(tenant, 'f');
    },
    answer: over('fuelPerSecond', 1_000_000),
  },
  fuelPerMonth: { quotas: { fuelPerMonth: 0 }, answer: over('fuelPerMonth', 0) },
  storedBytes: {
    quotas: { storedBytes: 1 },
    ask: async (tenant) => operator.upload(tenant, 'f', await command(1)),
    answer: full('storedBytes', 1, 'storage_quota_exceeded'),
  },
  functions: {
    quotas: { functions: 1 },
    ask: (tenant) => operator.upload(tenant, 'another', tiny),
    answer: full('functions', 1, 'functions_limit_reached'),
  },
  versions: {
    quotas: { versions: 1 },
    ask: async (tenant) => operator.upload(tenant, 'f', await command(1)),
    answer: full('versions', 1, 'storage_quota_exceeded'),
  },
  queues: {
    quotas: { queues: 0 },
    ask: api('PUT', '/queues/orders', {}),
    answer: full('queues', 0, 'event_quota_exceeded'),
  },
  eventSourceMappings: {
    quotas: { eventSourceMappings: 0 },
    ask: async (tenant) => {
      await api('PUT', '/queues/orders', {})(tenant);
      return api('PUT', '/event-source-mappings/one', {
        source: { type: 'queue', queue: 'orders' },
        function: 'f',
      })(tenant);
    },
    answer: full('eventSourceMappings', 0, 'event_quota_exceeded'),
  },
  schedules: {
    quotas: { schedules: 0 },
    ask: api('PUT', '/schedules/daily', { expression: { type: 'rate', everyMs: 86_400_000 }, function: 'f' }),
    answer: full('schedules', 0, 'event_quota_exceeded'),
  },
};

const OF_FUNCTION: Readonly<Record<string, Case>> = {
  requestsPerSecond: {
    quotas: {},
    configuration: { requestsPerSecond: 1, requestBurst: 1 },
    answer: {
      status: 429,
      code: 'quota_exceeded',
      quota: { name: 'requestsPerSecond', scope: 'function', limit: 1 },
    },
  },
  concurrency: {
    quotas: {},
    ask: async (tenant) => {
      await operator.deploy(tenant, 'echo', await cCommand(ECHO), { concurrency: 1, timeoutMs: 60_000 });
      const connection = await RawConnection.open(host.running.port);
      await connection.send(
        `POST /fn/${tenant}/echo/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n`,
      );
      await connection.until(/first/);
      const answer = await operator.call(tenant, 'echo');
      connection.destroy();
      return answer;
    },
    answer: {
      status: 429,
      code: 'too_many_invocations',
      quota: { name: 'concurrency', scope: 'function', limit: 1 },
    },
  },
};

async function isTold(t: ExecutionContext, tenant: string, { quotas, configuration, ask, answer }: Case) {
  await operator.tenant(tenant);
  await operator.deploy(tenant, 'f', tiny, configuration);
  await operator.tenant(tenant, quotas);
  const askOnce = ask ?? ((owner: string) => operator.call(owner, 'f'));
  let refused = await askOnce(tenant);
  // Those that are counted over time are used up by calls.
  while (refused.status < 300) refused = await askOnce(tenant);

  t.is(refused.status, answer.status, refused.text);
  t.is(refused.headers['content-type'], 'application/problem+json');
  const problem = JSON.parse(refused.text);
  t.like(problem, { code: answer.code, fault: 'caller', quota: answer.quota });
  if (answer.detail !== undefined) t.regex(problem.detail, answer.detail);
  const { name, limit } = answer.quota;
  if (answer.status === 429) {
    t.true(problem.retryable);
    t.regex(String(refused.headers['retry-after']), /^[1-9]\d*$/);
    t.true(String(refused.headers['ratelimit-policy']).startsWith(`"${name}";q=${limit};`));
    t.is(refused.headers['ratelimit'], `"${name}";r=0;t=${refused.headers['retry-after']}`);
    t.true(Date.parse(problem.quota.resetAt) > Date.now() - 60_000);
  } else {
    // No time makes room: a client that comes back by itself must not.
    t.false(problem.retryable);
    t.is(refused.headers['retry-after'], undefined);
    t.is(problem.quota.resetAt, null);
    t.true(problem.quota.used >= 0);
    t.regex(problem.mend, /operator/);
  }
}

for (const [name, each] of Object.entries(OF_TENANT)) {
  test(`a tenant whose ${name} is used up is told so`, (t) => isTold(t, `t-${name.toLowerCase()}`, each));
}
for (const [name, each] of Object.entries(OF_FUNCTION)) {
  test(`a function whose ${name} is used up is told so`, (t) => isTold(t, `f-${name.toLowerCase()}`, each));
}

test('what guests send fails in the guest', async (t) => {
  await operator.tenant('sends', { outboundRequestsPerSecond: 0 });
  // The port of the host itself: nothing gets that far.
  const target = `127.0.0.1:${host.running.port}`;
  const component = await exampleComponent('fetch-two-ts');
  await operator.deploy('sends', 'f', component, { allowedHosts: [target] });
  const url = encodeURIComponent(`http://${target}/healthz`);
  const path = `/fn/sends/f/?first=${url}&second=${url}`;
  t.regex((await host.request(path)).text, /connection-limit-reached/i);
  await operator.tenant('sends', { outboundRequestsPerSecond: 1_000, outboundBytesPerMonth: 0 });
  t.regex((await host.request(path)).text, /connection-limit-reached/i);
});

test('there is no other quota', (t) => {
  const outbound = Object.keys(TENANT_QUOTAS).filter((name) => name.startsWith('outbound'));
  t.deepEqual(outbound, ['outboundRequestsPerSecond', 'outboundBytesPerMonth']);
  t.deepEqual(
    Object.keys(OF_TENANT).sort(),
    Object.keys(TENANT_QUOTAS)
      .filter((name) => !outbound.includes(name))
      .sort(),
  );
});
