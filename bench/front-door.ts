/** What the host does for a request outside of the guest, beside a bare Hono route. */
import { fileURLToPath } from 'node:url';
import { median } from './fairness/figures.ts';
import type { BenchReport } from './run.ts';
import { LoadGenerator } from './throughput/load.ts';
import { startHono } from './throughput/peers.ts';
import { measureRound, type Round } from './throughput/round.ts';
import { ServerProcess } from './throughput/server-process.ts';
import { type Subject, TEXT } from './throughput/subject.ts';

export const summary = 'the host around a guest that is a few lines of JavaScript, beside a bare Hono route';

export const notMeasured = [
  'the guest and its instance: what answers is JavaScript, called where a component would be',
  'bodies, streams, log lines: one answer of 26 bytes',
];

const WARM_UPS = 2;
const ROUNDS = 15;

export async function run(): Promise<BenchReport> {
  await using resources = new AsyncDisposableStack();
  const hono = await startHono();
  resources.use(hono.server);
  const stub = await startStub();
  resources.use(stub.server);
  const generator = resources.use(await LoadGenerator.start());
  const pairs: { readonly hono: Round; readonly stub: Round }[] = [];
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    const first = await measureRound(generator, round % 2 === 0 ? hono : stub);
    const second = await measureRound(generator, round % 2 === 0 ? stub : hono);
    if (round >= 0)
      pairs.push(round % 2 === 0 ? { hono: first, stub: second } : { hono: second, stub: first });
  }
  const figures = (of: (pair: (typeof pairs)[number]) => Round) => ({
    rps: median(pairs.map((pair) => of(pair).rps)),
    p50Ms: median(pairs.map((pair) => of(pair).busy.quantileMs(0.5))),
    p99Ms: median(pairs.map((pair) => of(pair).busy.quantileMs(0.99))),
    cpuMicros: median(pairs.map((pair) => of(pair).cpuMicros)),
  });
  return {
    ratios: {
      front_door_vs_hono: median(pairs.map((pair) => pair.stub.rps / pair.hono.rps)),
      front_door_cpu_vs_hono: median(pairs.map((pair) => pair.stub.cpuMicros / pair.hono.cpuMicros)),
      front_door_extra_micros: median(pairs.map((pair) => pair.stub.cpuMicros - pair.hono.cpuMicros)),
    },
    results: { hono: figures((pair) => pair.hono), 'front door': figures((pair) => pair.stub) },
  };
}

async function startStub(): Promise<Subject> {
  const server = await ServerProcess.start({
    program: process.execPath,
    args: [fileURLToPath(new URL('./front-door/stub-process.ts', import.meta.url)), TEXT],
    ready: /listening on (\d+)/,
  });
  return { name: 'front door', port: Number(server.said[1]), path: '/fn/default/hello/', server };
}
