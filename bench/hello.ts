/** The whole way of a request: sockets, front door, a fresh guest, the answer; beside Hono without any of that. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { Pool } from 'undici';
import { exampleNamed } from '../examples/examples.ts';
import { resolveConfig } from '../host/config.ts';
import { type RunningHost, startHost } from '../host/host.ts';
import type { BenchReport, Figures } from './run.ts';

export const summary = 'a hello through the front door, each in a fresh guest, beside a bare Hono route';

export const notMeasured = [
  'more than one serving thread, and a host that has a core to itself: client, host and Hono share this process',
  'connecting: connections are kept alive',
  'a JavaScript guest, or one that does anything but answer',
  'anything but a loopback network',
];

const ROUNDS = 7;
const ROUND_MS = 700;
/** Enough to keep one thread busy, few enough not to measure a queue. */
const CONNECTIONS = 8;
const TEXT = 'A mayfly lives for a day.\n';

interface Subject {
  readonly name: string;
  readonly origin: string;
  readonly path: string;
}

interface Round {
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function run(): Promise<BenchReport> {
  await using resources = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
  resources.defer(() => rm(dataDir, { recursive: true, force: true }));
  const host = await startHost(
    resolveConfig({ MAYFLY_PORT: '0', MAYFLY_THREADS: '1', MAYFLY_DATA_DIR: dataDir }, dataDir),
    (message, error) => console.error(message, error ?? ''),
  );
  resources.defer(() => host.stop());
  await deploy(host);

  const app = new Hono().get('/hello', (context) => context.text(TEXT));
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  resources.defer(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;

  const subjects: readonly Subject[] = [
    { name: 'mayfly', origin: host.origin, path: '/fn/default/hello/' },
    { name: 'hono', origin: `http://127.0.0.1:${port}`, path: '/hello' },
  ];
  const rounds = new Map<string, Round[]>(subjects.map(({ name }) => [name, []]));
  // The first round warms up both and is thrown away; then they take turns, so that a noisy neighbour hits both.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const measured = await measure(subject);
      if (round > 0) rounds.get(subject.name)!.push(measured);
    }
  }
  const results = Object.fromEntries([...rounds].map(([name, all]) => [name, medians(all)]));
  const ratioOf = (figure: keyof Round): number => results['mayfly']![figure]! / results['hono']![figure]!;
  return {
    ratios: { 'rps of mayfly / hono': ratioOf('rps'), 'p50 of mayfly / hono': ratioOf('p50Ms') },
    results,
  };
}

async function deploy(host: RunningHost): Promise<void> {
  const component = await readFile(await exampleNamed('tiny-wat')!.build());
  const answer = await fetch(`${host.origin}/v1/tenants/default/functions/hello`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${host.adminKey.key}`, 'content-type': 'application/wasm' },
    body: component,
  });
  if (answer.status !== 201) throw new Error(`deploy: ${answer.status} ${await answer.text()}`);
}

async function measure({ name, origin, path }: Subject): Promise<Round> {
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + ROUND_MS;
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const sentMs = performance.now();
      const { statusCode, body } = await pool.request({ method: 'GET', path });
      const text = await body.text();
      if (statusCode !== 200 || text !== TEXT) throw new Error(`${name}: ${statusCode} ${text}`);
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  const seconds = (performance.now() - startMs) / 1_000;
  await pool.close();
  latenciesMs.sort((a, b) => a - b);
  const quantile = (q: number): number => latenciesMs[Math.floor(q * (latenciesMs.length - 1))]!;
  return { rps: latenciesMs.length / seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

function medians(rounds: readonly Round[]): Figures {
  const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  return {
    rps: median(rounds.map(({ rps }) => rps)),
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
  };
}
