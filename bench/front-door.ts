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
const ROUNDS = 11;

export async function run(): Promise<BenchReport> {
  await using resources = new AsyncDisposableStack();
  const hono = await startHono();
  resources.use(hono.server);
  const stub = await startStub();
  resources.use(stub.server);
  const generator = resources.use(await LoadGenerator.start());
  // What is encoded may mean something else to another reader: such a target is routed by Hono (function-route.ts).
  const routed: Subject = { ...stub, path: `${stub.path}?%41` };
  const measured: Record<'hono' | 'stub' | 'routed', Round>[] = [];
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    const rounds: Partial<Record<'hono' | 'stub' | 'routed', Round>> = {};
    const subjects = Object.entries({ hono, stub, routed }) as [keyof typeof rounds, Subject][];
    for (const [name, subject] of round % 2 === 0 ? subjects : subjects.toReversed())
      rounds[name] = await measureRound(generator, subject);
    if (round >= 0) measured.push(rounds as Required<typeof rounds>);
  }
  const middle = (of: (rounds: (typeof measured)[number]) => number): number => median(measured.map(of));
  const figures = (name: 'hono' | 'stub' | 'routed') => ({
    rps: middle((rounds) => rounds[name].rps),
    p50Ms: middle((rounds) => rounds[name].busy.quantileMs(0.5)),
    p99Ms: middle((rounds) => rounds[name].busy.quantileMs(0.99)),
    cpuMicros: middle((rounds) => rounds[name].cpuMicros),
  });
  return {
    ratios: {
      front_door_vs_hono: middle(({ stub: own, hono: peer }) => own.rps / peer.rps),
      front_door_cpu_vs_hono: middle(({ stub: own, hono: peer }) => own.cpuMicros / peer.cpuMicros),
      front_door_extra_micros: middle(({ stub: own, hono: peer }) => own.cpuMicros - peer.cpuMicros),
      routed_extra_micros: middle(({ routed: through, stub: past }) => through.cpuMicros - past.cpuMicros),
    },
    results: {
      hono: figures('hono'),
      'front door': figures('stub'),
      'front door, routed': figures('routed'),
    },
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
