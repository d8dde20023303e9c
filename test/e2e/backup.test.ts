/** A host is backed up under traffic and killed; another one starts on the backup, and nothing that was promised before it is lost. */
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { buildHandler } from '../../guest-sdk/build/handler.ts';
import type { Json } from '../harness/host.ts';
import { HostProcess } from '../harness/host-process.ts';

const GUEST = `
export default {
  queue(batch) {
    for (const message of batch.messages) console.log('handled ' + message.text());
  },
  fetch(request, env) {
    return Response.json({ plain: env['PLAIN'], secret: env['SECRET'] });
  },
};
`;
const ANSWER = { plain: 'as configured', secret: 'hunter2' };
const MONTH = new Date().toISOString().slice(0, 7);
const PRICES = {
  from: MONTH,
  currency: { code: 'EUR', minorUnitDigits: 2 },
  prices: { requests: [{ price: '0.01' }] },
};

/** A change of the tenant's. */
async function change(host: HostProcess, method: string, path: string, body: Json = {}): Promise<Json> {
  const headers = { 'content-type': 'application/json' };
  const { status, json } = await host.api(path, { method, headers, body: JSON.stringify(body) });
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
  return json;
}

/** As the operator. */
async function operate(host: HostProcess, method: string, path: string, body?: Json): Promise<string> {
  const { status, text } = await host.request(path, {
    method,
    headers: {
      authorization: `Bearer ${await host.adminKey()}`,
      'content-type': 'application/json',
      accept: 'application/x-ndjson, application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
  return text;
}

/** What was handled, by whom: a pair for each time. */
async function handled(host: HostProcess): Promise<{ message: string; invocation: string }[]> {
  const lines: { message: string; invocation: string }[] = [];
  let before = '';
  for (;;) {
    const { json } = await host.api(`/functions/f/logs?limit=1000${before}`);
    for (const { message, invocationId } of json)
      lines.push({ message: message.replace('handled ', ''), invocation: invocationId });
    if (json.length < 1000) return lines;
    before = `&before=${json[0].id}`;
  }
}

/** Records by invocation; one that is there twice fails. */
async function ledger(host: HostProcess): Promise<Set<string>> {
  const from = new Date(Date.now() - 86_400_000).toISOString();
  const text = await operate(host, 'GET', `/v1/tenants/default/usage?level=record&format=jsonl&from=${from}`);
  const ids: string[] = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).invocationId);
  const once = new Set(ids);
  if (once.size < ids.length) throw new Error('an invocation is in the ledger twice');
  return once;
}

async function send(host: HostProcess, queue: string, body: string): Promise<void> {
  const { status } = await host.api(`/queues/${queue}/messages`, { method: 'POST', body });
  if (status !== 202) throw new Error(`send: ${status}`);
}

/** Calls until the host is gone, and tells of what was answered. */
async function untilGone(call: () => Promise<void>): Promise<void> {
  try {
    for (;;) await call();
  } catch {
    // It was killed.
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

test('a host that starts on a backup goes on where the other was: functions, secrets, messages and bills', async (t) => {
  t.timeout(240_000);
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-backup-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const source = join(folder, 'guest.ts');
  await writeFile(source, GUEST);
  const { component } = await buildHandler(source);
  const env = {
    MAYFLY_EXAMPLES: '0',
    MAYFLY_THREADS: '1',
    MAYFLY_SECRETS_KEY: randomBytes(32).toString('base64'),
  };
  await using hosts = new AsyncDisposableStack();
  const first = hosts.use(await HostProcess.ready(await mkdtemp(join(folder, 'first-')), env));
  const dataDir = (await readdir(folder)).find((name) => name.startsWith('first-'))!;
  const published = await first.publish('f', component);
  await change(first, 'PATCH', '/functions/f/configuration', { environment: { PLAIN: ANSWER.plain } });
  await change(first, 'PUT', '/functions/f/secrets/SECRET', { value: ANSWER.secret });
  await operate(first, 'POST', '/v1/prices', PRICES);
  for (const queue of ['orders', 'held']) {
    await change(first, 'PUT', `/queues/${queue}`);
    const mapping = { source: { type: 'queue', queue }, function: 'f', enabled: queue === 'orders' };
    await change(first, 'PUT', `/event-source-mappings/${queue}`, mapping);
  }

  const accepted: string[] = [];
  const replied: string[] = [];
  const traffic = [
    untilGone(async () => {
      const message = `order ${accepted.length}`;
      await send(first, 'orders', message);
      accepted.push(message);
    }),
    untilGone(async () => {
      const { status, headers } = await first.call('f');
      if (status === 200) replied.push(String(headers['mayfly-invocation-id']));
    }),
  ];
  for (let i = 0; i < 3; i++) await send(first, 'held', `held ${i}`);
  await until(async () => accepted.length > 20 && replied.length > 20);
  let before = await handled(first);
  await until(async () => {
    before = await handled(first);
    return before.length > 10;
  });
  const promised = [...accepted, 'held 0', 'held 1', 'held 2'];
  const heard = [...replied];

  const lines = (await operate(first, 'POST', '/v1/backups'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const { backup } = lines.at(-1);
  t.deepEqual(
    lines.slice(0, -1).flatMap(({ progress }) => (progress.ms === undefined ? [] : [progress.step])),
    ['registry', 'queues', 'artifacts', 'logs', 'usage'],
    'each step ends; the registry is copied within that of the queues',
  );
  t.like(backup, { queues: 'embedded' });
  t.true(backup.linkedBytes > component.length);
  t.deepEqual(JSON.parse(await operate(first, 'GET', '/v1/backups')), [backup]);
  const [entry] = JSON.parse(await operate(first, 'GET', '/v1/audit?limit=1'));
  t.like(entry, { action: 'backup.create', target: backup.id, tenant: null });
  const acceptedThen = accepted.length;
  await until(async () => accepted.length > acceptedThen + 10);
  first.kill('SIGKILL');
  await Promise.all([first.exit, ...traffic]);

  const copy = join(folder, 'second');
  await cp(join(folder, dataDir, 'backups', backup.id), copy, { recursive: true });
  t.deepEqual((await readdir(copy)).sort(), [
    'artifacts',
    'backup.json',
    'events.db',
    'logs.db',
    'recent.json',
    'registry.db',
    'usage.db',
  ]);
  const second = hosts.use(await HostProcess.ready(copy, env));
  t.not(await second.adminKey(), await first.adminKey());
  t.is((await second.api('/functions/f')).json.live.digest, published.json.digest);
  t.deepEqual(JSON.parse((await second.call('f')).text), ANSWER);
  await change(second, 'PATCH', '/event-source-mappings/held', { enabled: true });
  for (const queue of ['orders', 'held']) {
    await until(async () => {
      const { ready, inFlight, delayed } = (await second.api(`/queues/${queue}`)).json.counts;
      return ready + inFlight + delayed === 0;
    });
  }
  const after = await handled(second);
  const times = (message: string): number => after.filter((line) => line.message === message).length;
  t.deepEqual(
    promised.filter((message) => times(message) === 0),
    [],
    'all that was accepted before the backup is handled',
  );
  t.deepEqual(
    before.filter(({ message }) => times(message) !== 1),
    [],
    'what was handled before it is not handled again',
  );

  const billed = await ledger(second);
  t.deepEqual(
    heard.filter((id) => !billed.has(id)),
    [],
    'what was answered before it is on the bill',
  );
  t.deepEqual(
    before.filter(({ invocation }) => !billed.has(invocation)),
    [],
  );
  const proof = JSON.parse(
    await operate(second, 'GET', `/v1/tenants/default/invoices/${MONTH}/verification`),
  );
  t.true(proof.holds);
  t.log(
    `${promised.length} messages accepted before the backup, ${before.length} handled; ${after.length} handled in all; ${billed.size} records`,
  );
});
