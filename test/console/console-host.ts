/** A host with something to see in each part of the console. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { exampleComponent } from '../harness/guests.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { plainCommand } from '../harness/wat-commands.ts';

const PRICES = {
  from: new Date().toISOString().slice(0, 7),
  currency: { code: 'EUR', minorUnitDigits: 6 },
  prices: { requests: [{ price: '0.0002' }], fuel: [{ price: '0.001' }], memory: [{ price: '0.00002' }] },
};

export interface ConsoleHost {
  readonly host: TestHost;
  readonly api: Operator;
  /** Of the tenant `acme`. */
  readonly key: string;
  readonly hello: Uint8Array;
}

/**
 * `acme` has a function that answers, one that traps, a bill, a budget, a queue with two dead letters, a mapping and a
 * schedule; `globex` has nothing, and may spend nothing.
 */
export async function startConsoleHost(env: Readonly<Record<string, string>> = {}): Promise<ConsoleHost> {
  const host = await startTestHost({
    env: { MAYFLY_TRACE_URL: 'https://traces.example/trace/{trace_id}', ...env },
  });
  const api = new Operator(host);
  const ask = async (method: string, path: string, body?: object) => {
    const { status, json } = await api.api(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  };
  await ask('POST', '/prices', PRICES);
  for (const name of ['acme', 'globex']) await ask('POST', '/tenants', { name });
  const hello = await exampleComponent('hello-ts');
  await api.deploy('acme', 'hello', hello);
  await api.deploy(
    'acme',
    'broken',
    await parse(plainCommand('(memory 1) (func (export "run") (result i32) unreachable)')),
  );
  await ask('PUT', '/tenants/acme/budget', { amount: '25.00' });
  await ask('PUT', '/tenants/globex/budget', { amount: '0', thresholds: [100], hardStop: true });
  await ask('PUT', '/tenants/acme/queues/orders', {});
  await ask('PUT', '/tenants/acme/event-source-mappings/orders', {
    source: { type: 'queue', queue: 'orders' },
    function: 'broken',
    maximumAttempts: 1,
  });
  for (const order of [17, 18]) await ask('POST', '/tenants/acme/queues/orders/messages', { order });
  await ask('PUT', '/tenants/acme/schedules/nightly', {
    function: 'hello',
    expression: { type: 'cron', expression: '0 3 * * *' },
  });
  for (let call = 0; call < 20; call++) await api.call('acme', 'hello');
  for (const span of ['a', 'b', 'c']) {
    const traceparent = `00-${'4'.repeat(32)}-${span.repeat(16)}-01`;
    await api.call('acme', 'broken', { headers: { traceparent } });
  }
  const { key } = await ask('POST', '/tenants/acme/keys', {
    name: 'test',
    scopes: ['deploy', 'invoke', 'read'],
  });
  return { host, api, key, hello };
}
