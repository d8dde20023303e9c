/** What a process of a tenant's own costs, beside threads that are shared: latency, memory, and time to start; and how long a serving thread that died is missed. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { Pool } from 'undici';
import { resolveConfig } from '../host/config.ts';
import { type RunningHost, startHost } from '../host/host.ts';
import { median, percentile } from './fairness/figures.ts';
import { SMALL } from './noisy-neighbour/guests.ts';
import type { BenchReport } from './run.ts';

export const summary =
  'a call in a process of its tenant, beside one in a shared thread; memory and start of the process; replacing a thread';

export const notMeasured = [
  'throughput: one caller, one call after the other',
  'bodies; each byte of one is copied once more each way',
  'what the operating system makes of many processes on few cores',
];

const ROUNDS = 10;
const CALLS = 200;
const STARTS = 5;
/** Of a serving thread. */
const LOSSES = 5;

export async function run(): Promise<BenchReport> {
  await using resources = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
  resources.defer(() => rm(dataDir, { recursive: true, force: true }));
  const config = resolveConfig({ MAYFLY_PORT: '0', MAYFLY_THREADS: '1', MAYFLY_DATA_DIR: dataDir }, dataDir);
  const host = await startHost(config, () => {});
  resources.defer(() => host.stop());
  const small = await parse(SMALL);
  for (const [tenant, isolation] of [
    ['shared', 'shared'],
    ['apart', 'process'],
  ] as const) {
    await api(host, 'POST', '/tenants', JSON.stringify({ name: tenant, settings: { isolation } }));
    await api(host, 'PUT', `/tenants/${tenant}/functions/small`, small);
  }
  const pool = new Pool(host.origin, { connections: 1 });
  const times = { shared: [] as number[], apart: [] as number[] };
  for (const tenant of ['shared', 'apart'] as const) await calls(pool, tenant);
  for (let round = 0; round < ROUNDS; round++) {
    for (const tenant of round % 2 === 0 ? (['shared', 'apart'] as const) : (['apart', 'shared'] as const)) {
      times[tenant].push(...(await calls(pool, tenant)));
    }
  }
  const [pid] = isolatedProcesses();
  const memory = memoryOf(pid!);
  const startsMs: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const startedMs = performance.now();
    process.kill(isolatedProcesses()[0]!, 'SIGKILL');
    while ((await statusOf(pool, 'apart')) !== 200) await delay(1);
    startsMs.push(performance.now() - startedMs);
  }
  await pool.close();
  const withSpare = await lossesMs(1);
  const withoutSpare = await lossesMs(0);
  const [shared, apart] = [median(times.shared), median(times.apart)];
  return {
    ratios: {
      isolated_p50_vs_shared: apart / shared,
      replacement_vs_without_spare: median(withSpare) / median(withoutSpare),
    },
    results: {
      'shared thread': { p50Ms: shared, p99Ms: percentile(times.shared, 0.99) },
      'process of its own': { p50Ms: apart, p99Ms: percentile(times.apart, 0.99) },
      'the process': {
        residentMiB: memory.resident,
        privateMiB: memory.private,
        killedToServedMs: median(startsMs),
      },
      'a serving thread, with a spare one': { killedToServedMs: median(withSpare) },
      'a serving thread, without': { killedToServedMs: median(withoutSpare) },
    },
  };
}

/** From the death of the only serving thread to the first answer of the one that replaces it, several times. */
async function lossesMs(spareThreads: number): Promise<number[]> {
  await using resources = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
  resources.defer(() => rm(dataDir, { recursive: true, force: true }));
  const threads: { readonly worker: Worker; readonly loaded: Promise<unknown> }[] = [];
  const note = (worker: Worker): void => {
    // The first that a serving thread says.
    if (worker.threadName !== 'mayfly-ledger') threads.push({ worker, loaded: once(worker, 'message') });
  };
  process.on('worker', note);
  resources.defer(() => void process.off('worker', note));
  const env = { MAYFLY_PORT: '0', MAYFLY_THREADS: '1', MAYFLY_SPARE_THREADS: `${spareThreads}` };
  const config = resolveConfig({ ...env, MAYFLY_DATA_DIR: dataDir }, dataDir);
  const host = await startHost(config, () => {});
  resources.defer(() => host.stop());
  const pool = new Pool(host.origin, { connections: 1 });
  resources.defer(() => pool.close());
  const timesMs: number[] = [];
  for (let i = 0; i < LOSSES; i++) {
    while (threads.length <= i + spareThreads) await once(process, 'worker');
    await threads[i + spareThreads]!.loaded;
    // Young ones are replaced after a pause.
    await delay(600);
    const startedMs = performance.now();
    await threads[i]!.worker.terminate();
    while ((await healthOf(pool)) !== 200) await delay(1);
    timesMs.push(performance.now() - startedMs);
  }
  return timesMs;
}

async function healthOf(pool: Pool): Promise<number | undefined> {
  try {
    const { statusCode, body } = await pool.request({ method: 'GET', path: '/healthz' });
    await body.dump();
    return statusCode;
  } catch {
    return undefined; // nobody listens, or the connection was the dead thread's
  }
}

async function calls(pool: Pool, tenant: string): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) {
    const startedMs = performance.now();
    if ((await statusOf(pool, tenant)) !== 200) throw new Error(`a call of ${tenant} failed`);
    times.push(performance.now() - startedMs);
  }
  return times;
}

async function statusOf(pool: Pool, tenant: string): Promise<number> {
  const { statusCode, body } = await pool.request({ method: 'GET', path: `/fn/${tenant}/small/` });
  await body.dump();
  return statusCode;
}

async function api(
  host: RunningHost,
  method: string,
  path: string,
  body: string | Uint8Array,
): Promise<void> {
  const type = typeof body === 'string' ? 'application/json' : 'application/wasm';
  const headers = { authorization: `Bearer ${host.adminKey.key}`, 'content-type': type };
  const answer = await fetch(`${host.origin}/v1${path}`, { method, headers, body: body as string });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
}

/** Children of this process that run the functions of an isolated tenant. */
function isolatedProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const isOurs = readFileSync(`/proc/${pid}/status`, 'utf8').includes(`PPid:\t${process.pid}\n`);
        return isOurs && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('isolated-process');
      } catch {
        return false; // ended meanwhile
      }
    });
}

/** In MiB: all that is mapped and present, and what of it no other process shares. */
function memoryOf(pid: number): { resident: number; private: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0);
  return { resident: kib('Rss') / 1_024, private: (kib('Private_Clean') + kib('Private_Dirty')) / 1_024 };
}
