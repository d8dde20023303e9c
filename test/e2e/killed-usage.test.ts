/**
 * `kill -9` in the middle of traffic: what callers were told and what the ledger has differ by the documented window, and the
 * ledger adds up.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { Agent, request } from 'undici';
import type { UsageRecordJson } from '../../host/control-plane/usage-schemas.ts';
import { HostProcess } from '../harness/host-process.ts';
import { plainCommand } from '../harness/wat-commands.ts';
import { Random, seedOf } from '../instrument/random.ts';

const ENV = { MAYFLY_EXAMPLES: '0', MAYFLY_THREADS: '2' };
const CALLERS = 8;

/** docs/from-call-to-invoice.md: what a killed host may have forgotten. */
const WINDOW_MS = 1_000;

interface Reply {
  readonly id: string;
  readonly fuel: number;
  readonly atMs: number;
}

/** Calls until the host is gone; each complete reply is told of when it is read. */
async function callUntilGone(origin: string, agent: Agent, heard: (reply: Reply) => void): Promise<void> {
  for (;;) {
    try {
      const { headers, trailers, body } = await request(`${origin}/fn/default/f/`, { dispatcher: agent });
      await body.text();
      const fuel = Number(headers['mayfly-fuel'] ?? trailers['mayfly-fuel']);
      heard({ id: String(headers['mayfly-invocation-id']), fuel, atMs: performance.now() });
    } catch {
      return;
    }
  }
}

/** All there is of today and, around midnight, of yesterday. */
async function ledgerOf(host: HostProcess): Promise<Map<string, UsageRecordJson>> {
  const from = new Date(Date.now() - 86_400_000).toISOString();
  const path = `/v1/tenants/default/usage?level=record&format=jsonl&from=${from}`;
  const { text } = await host.request(path, {
    headers: { authorization: `Bearer ${await host.adminKey()}` },
  });
  const records = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as UsageRecordJson);
  return new Map(records.map((record) => [record.invocationId, record]));
}

test('a host that is killed forgets the usage of its last moments at most, and counts none twice', async (t) => {
  t.timeout(180_000);
  const seed = seedOf('KILL_SEED');
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-killed-usage-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const component = await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))'));
  await using hosts = new AsyncDisposableStack();
  let host = hosts.use(await HostProcess.ready(dataDir, ENV));
  t.is((await host.publish('f', component)).status, 201);
  let known = 0;
  for (let round = 0; round < 2; round++) {
    const agent = new Agent({ connections: CALLERS });
    const replies: Reply[] = [];
    // Longer than the window, so that there is something before it.
    const trafficMs = WINDOW_MS + 300 + random.below(1_000);
    const { promise: heardEnough, resolve } = Promise.withResolvers<void>();
    const heard = (reply: Reply): void => {
      replies.push(reply);
      if (reply.atMs - replies[0]!.atMs >= trafficMs) resolve();
    };
    const callers = Array.from({ length: CALLERS }, () => callUntilGone(host.origin, agent, heard));
    await heardEnough;
    const killedMs = performance.now();
    host.kill('SIGKILL');
    await Promise.all([...callers, host.exit]);
    await agent.destroy();

    host = hosts.use(await HostProcess.ready(dataDir, ENV));
    const ledger = await ledgerOf(host);
    const missing = replies.filter(({ id }) => !ledger.has(id));
    const oldestMs = Math.max(0, ...missing.map(({ atMs }) => killedMs - atMs));
    t.log(
      `${replies.length} replies, ${missing.length} not in the ledger, the oldest of them ${oldestMs.toFixed(0)} ms before the end`,
    );
    t.true(oldestMs <= WINDOW_MS, `${oldestMs} ms`);
    t.true(missing.length < replies.length, 'most of them are there');
    for (const { id, fuel } of replies) {
      const record = ledger.get(id);
      if (record !== undefined) t.is(record.fuel, fuel);
    }
    // What was answered and never read.
    const unread = ledger.size - known - (replies.length - missing.length);
    t.true(unread >= 0 && unread <= CALLERS, `${unread} records without a reply`);
    known = ledger.size;

    const { json } = await host.api('/usage?level=month');
    const counted = json.rows.reduce(
      (sum: bigint, row: { invocations: string }) => sum + BigInt(row.invocations),
      0n,
    );
    t.is(counted, BigInt(ledger.size), 'roll-ups and records are of one transaction');
  }
});
