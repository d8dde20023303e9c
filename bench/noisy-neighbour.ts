/** One tenant asks for a hundred times what it may have; another one asks now and then, and is measured. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { Pool } from 'undici';
import { resolveConfig } from '../host/config.ts';
import { type RunningHost, startHost } from '../host/host.ts';
import { median, percentile } from './fairness/figures.ts';
import type { FloodCounts, FloodData } from './noisy-neighbour/flood.ts';
import { NAP, SMALL } from './noisy-neighbour/guests.ts';
import type { BenchReport, Figures } from './run.ts';

export { plot } from './noisy-neighbour/plot.ts';

export const summary = 'one tenant at 100 times its quota, and what another one notices of it, on one thread';

export const notMeasured = [
  'a flood of connections: the flood keeps its connections, as a client does',
  'more than one serving thread; callers share the machine with it',
  'floods within a quota that is too large for the machine: that is what the run queue is for (see fairness)',
];

/** Of the noisy tenant. */
const REQUESTS_PER_SECOND = 20;
const CONCURRENCY = 2;
const TIMES = 100;
/** Between two calls of the victim: it is a caller now and then, no load of its own. */
const PAUSE_MS = 4;
const REFUSAL_CALLS = 400;
const REFUSAL_ROUNDS = 24;
const LANES = 4;
const STOPPED = Array.from({ length: 60 }, (_, i) => `stopped-${i}`);

export interface NeighbourOptions {
  /** Of each kind, quiet and noisy; they take turns. */
  readonly rounds: number;
  readonly roundMs: number;
}

const SHORT: NeighbourOptions = { rounds: 7, roundMs: 1_500 };

export async function run(options: NeighbourOptions = SHORT): Promise<BenchReport> {
  await using resources = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
  resources.defer(() => rm(dataDir, { recursive: true, force: true }));
  const threads: Worker[] = [];
  const note = (worker: Worker): void => {
    if (worker.threadName === 'mayfly-0') threads.push(worker);
  };
  process.on('worker', note);
  resources.defer(() => void process.off('worker', note));
  const host = await startHost(
    resolveConfig({ MAYFLY_PORT: '0', MAYFLY_THREADS: '1', MAYFLY_DATA_DIR: dataDir }, dataDir),
    (message, error) => console.error(message, error ?? ''),
  );
  resources.defer(() => host.stop());
  await prepare(host);

  const rate: FloodData = {
    url: `${host.origin}/fn/fast/small/`,
    perSecond: REQUESTS_PER_SECOND * TIMES,
    connections: 64,
  };
  const places: FloodData = {
    url: `${host.origin}/fn/wide/nap/`,
    perSecond: 2_000,
    connections: CONCURRENCY * TIMES,
  };
  const beyondRate = await compare(host, rate, options);
  const beyondPlaces = await compare(host, places, options);
  const cost = await refusalCost(host, threads[0]!);
  return {
    ratios: {
      victim_p99_ratio: Math.max(beyondRate.ratio, beyondPlaces.ratio),
      victim_errors: beyondRate.errors + beyondPlaces.errors,
      refusal_cost_vs_hello: cost['refusalUs']! / cost['helloUs']!,
    },
    results: {
      'victim, before the flood of requests': beyondRate.quiet,
      'victim, beside 100 times its rate': beyondRate.noisy,
      'victim, before the flood of callers': beyondPlaces.quiet,
      'victim, beside 100 times its places': beyondPlaces.noisy,
      'processor time of a call': cost,
    },
  };
}

async function prepare(host: RunningHost): Promise<void> {
  const small = await parse(SMALL);
  await tenant(host, 'victim', {});
  await deploy(host, 'victim', 'small', small);
  await tenant(host, 'fast', { requestsPerSecond: REQUESTS_PER_SECOND, requestBurst: REQUESTS_PER_SECOND });
  await deploy(host, 'fast', 'small', small);
  // Many of them, because refusals of one tenant keep a pace.
  for (const name of STOPPED) {
    await tenant(host, name, { concurrency: 0, queueTimeoutMs: 0 });
    await deploy(host, name, 'small', small);
  }
  await tenant(host, 'wide', { concurrency: CONCURRENCY, queuedInvocations: 20, queueTimeoutMs: 500 });
  await deploy(host, 'wide', 'nap', await parse(NAP));
}

interface Comparison {
  readonly quiet: Figures;
  readonly noisy: Figures;
  readonly ratio: number;
  readonly errors: number;
}

/** The victim by itself and beside the flood, in turns: what else the machine does hits both. */
async function compare(host: RunningHost, flood: FloodData, options: NeighbourOptions): Promise<Comparison> {
  const pool = new Pool(host.origin, { connections: 1 });
  const rounds: Record<'quiet' | 'noisy', number[][]> = { quiet: [], noisy: [] };
  let errors = 0;
  const counts: Record<number, number> = {};
  const worker = new Worker(new URL('./noisy-neighbour/flood.ts', import.meta.url), { workerData: flood });
  await victimRound(pool, 300);
  for (let round = 0; round < options.rounds; round++) {
    for (const kind of round % 2 === 0 ? (['quiet', 'noisy'] as const) : (['noisy', 'quiet'] as const)) {
      if (kind === 'noisy') worker.postMessage('flood');
      // The flood begins with a burst that is its quota, and what is under way at its end is answered.
      await victimRound(pool, options.roundMs / 5);
      const measured = await victimRound(pool, options.roundMs);
      if (kind === 'noisy') {
        worker.postMessage('pause');
        const [answers] = (await once(worker, 'message')) as [FloodCounts];
        for (const [status, count] of Object.entries(answers)) {
          counts[Number(status)] = (counts[Number(status)] ?? 0) + count;
        }
      }
      errors += measured.errors;
      rounds[kind].push(measured.latenciesMs);
    }
  }
  worker.postMessage('stop');
  await once(worker, 'exit');
  await pool.close();
  const figures = (of: readonly number[][]): Figures => ({
    calls: of.flat().length,
    p50Ms: median(of.flat()),
    p99Ms: percentile(of.flat(), 0.99),
  });
  const quiet = figures(rounds.quiet);
  const noisy = figures(rounds.noisy);
  return {
    quiet,
    noisy: { ...noisy, served: counts[200] ?? 0, refused: counts[429] ?? 0 },
    ratio: noisy['p99Ms']! / quiet['p99Ms']!,
    errors,
  };
}

async function victimRound(
  pool: Pool,
  forMs: number,
): Promise<{ readonly latenciesMs: number[]; readonly errors: number }> {
  const latenciesMs: number[] = [];
  let errors = 0;
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    const sentMs = performance.now();
    const status = await statusOf(pool, '/fn/victim/small/');
    latenciesMs.push(performance.now() - sentMs);
    if (status !== 200) errors++;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 * Math.random()));
  }
  return { latenciesMs, errors };
}

/**
 * A call that is served and one that is refused, by turns, in a few lanes: the thread is busy with nothing else. What they
 * cost is processor time of the serving thread; wall time would be that of the caller, too, and of whoever else computes.
 */
async function refusalCost(host: RunningHost, thread: Worker): Promise<Figures> {
  const pool = new Pool(host.origin, { connections: LANES, pipelining: 1 });
  const time = async (owners: readonly string[], expected: number): Promise<number> => {
    const before = await thread.cpuUsage();
    let left = REFUSAL_CALLS;
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        while (left-- > 0) {
          const owner = owners[left % owners.length]!;
          const status = await statusOf(pool, `/fn/${owner}/small/`);
          if (status !== expected) throw new Error(`${owner} was answered ${status}`);
        }
      }),
    );
    const { user, system } = await thread.cpuUsage(before);
    return (user + system) / REFUSAL_CALLS;
  };
  const helloUs: number[] = [];
  const refusalUs: number[] = [];
  for (let round = 0; round < REFUSAL_ROUNDS; round++) {
    const hello = await time(['victim'], 200);
    const refusal = await time(STOPPED, 429);
    // The first rounds warm both up.
    if (round < REFUSAL_ROUNDS / 3) continue;
    helloUs.push(hello);
    refusalUs.push(refusal);
  }
  await pool.close();
  return { helloUs: median(helloUs), refusalUs: median(refusalUs) };
}

async function statusOf(pool: Pool, path: string): Promise<number> {
  const { statusCode, body } = await pool.request({ method: 'GET', path });
  await body.dump();
  return statusCode;
}

async function tenant(host: RunningHost, name: string, quotas: object): Promise<void> {
  await api(host, 'POST', '/v1/tenants', { name });
  await api(host, 'PATCH', `/v1/tenants/${name}/quotas`, quotas);
}

async function deploy(host: RunningHost, owner: string, name: string, component: Uint8Array): Promise<void> {
  const answer = await fetch(`${host.origin}/v1/tenants/${owner}/functions/${name}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${host.adminKey.key}`, 'content-type': 'application/wasm' },
    body: component as Uint8Array<ArrayBuffer>,
  });
  if (!answer.ok) throw new Error(`deploy: ${answer.status} ${await answer.text()}`);
}

async function api(host: RunningHost, method: string, path: string, body: object): Promise<void> {
  const answer = await fetch(`${host.origin}${path}`, {
    method,
    headers: { authorization: `Bearer ${host.adminKey.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}
