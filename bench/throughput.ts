/** Requests per second and latency through real sockets, each system with the same answer, all in one run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './fairness/figures.ts';
import { Histogram } from './latency/histogram.ts';
import { histogramLines } from './latency/text.ts';
import type { BenchReport, Figures } from './run.ts';
import { buildGuests } from './throughput/guests.ts';
import { LoadGenerator } from './throughput/load.ts';
import { MayflyProcess } from './throughput/mayfly.ts';
import { hasWasmtime, startHono, startJcoServe, startWasmtime, startWorkerd } from './throughput/peers.ts';
import { measureRound, type Round } from './throughput/round.ts';
import type { Subject } from './throughput/subject.ts';

export { plot } from './throughput/plot.ts';

export const summary =
  'a hello through the front door, each in a fresh guest, beside Hono, workerd, jco and Wasmtime';

export const notMeasured = [
  'connecting: connections are kept alive; and any network but loopback',
  'a guest that does anything but answer, and bodies: the answer has 26 bytes',
  'many functions or tenants at a time (see density and fairness)',
  'a load generator on another machine: it takes one of the cores, the server has the others',
  'peers with a process per core: they have one thread, as the hosts of the ratios without `all_cores` have',
];

/** V8 goes on optimising a host for ten seconds of load; each system gets as many before it is measured. */
const WARM_UPS = 12;
const ROUNDS = 9;

/** Rows of the table that ratios are made of. */
const SMALL = 'mayfly, small';
const QUICKJS = 'mayfly, quickjs';
const STARLINGMONKEY = 'mayfly, starlingmonkey';
const JCO_SERVE = 'jco serve, starlingmonkey';
const RATIOS = {
  http_vs_hono: [SMALL, 'hono'],
  http_vs_workerd: [QUICKJS, 'workerd'],
  http_vs_jco_serve: [STARLINGMONKEY, JCO_SERVE],
  http_vs_wasmtime: [SMALL, 'wasmtime serve, small'],
  // A host as it starts by itself, beside peers that have one thread however many cores there are.
  http_all_cores_vs_hono: [wide(SMALL), 'hono'],
  http_all_cores_vs_workerd: [wide(QUICKJS), 'workerd'],
  http_all_cores_vs_jco_serve: [wide(STARLINGMONKEY), JCO_SERVE],
} as const;

/** @param name of the row of a host with one serving thread */
function wide(name: string): string {
  return `${name}, a thread per core`;
}

export async function run(): Promise<BenchReport> {
  await using resources = new AsyncDisposableStack();
  const subjects = await startAll(resources);
  const generator = resources.use(await LoadGenerator.start());
  const rounds = new Map<string, Round[]>(subjects.map(({ name }) => [name, []]));
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    // In turn, and every other time backwards, so that a noisy neighbour and a slow drift hit all of them.
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const measured = await measureRound(generator, subject);
      if (round >= 0) rounds.get(subject.name)!.push(measured);
    }
  }
  for (const [name, all] of rounds) {
    const alone = new Histogram();
    for (const each of all) alone.addAll(each.alone);
    for (const line of histogramLines(`${name}, one caller`, alone)) console.log(line);
    console.log();
  }
  return { ratios: ratiosOf(rounds), results: resultsOf(rounds) };
}

async function startAll(resources: AsyncDisposableStack): Promise<readonly Subject[]> {
  const cache = join(tmpdir(), 'mayfly-bench', 'peers');
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const guests = await buildGuests(join(folder, 'guests'));
  const subjects: Subject[] = [];
  const add = (subject: Subject): void => {
    resources.use(subject.server);
    subjects.push(subject);
  };
  const one = resources.use(await MayflyProcess.start({ MAYFLY_THREADS: '1' }));
  const all = resources.use(await MayflyProcess.start({}));
  for (const { name, bytes } of Object.values(guests)) {
    const row = `mayfly, ${name}`;
    const path = await one.deploy(name, bytes);
    subjects.push({ name: row, port: one.port, path, server: one.server });
    await all.deploy(name, bytes);
    subjects.push({ name: wide(row), port: all.port, path, server: all.server });
  }

  const peers: [string, () => Promise<Subject>][] = [
    ['hono', startHono],
    ['workerd', () => startWorkerd(cache)],
    ['jco serve', () => startJcoServe(guests.starlingmonkey, join(folder, 'jco'))],
  ];
  if (await hasWasmtime()) {
    peers.push(['wasmtime', () => startWasmtime(guests.small)]);
    peers.push(['wasmtime', () => startWasmtime(guests.starlingmonkey)]);
  }
  for (const [name, start] of peers) {
    try {
      add(await start());
    } catch (error) {
      console.error(`left out: ${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return subjects;
}

function resultsOf(rounds: ReadonlyMap<string, readonly Round[]>): Record<string, Figures> {
  return Object.fromEntries(
    [...rounds].map(([name, all]) => [
      name,
      {
        rps: median(all.map(({ rps }) => rps)),
        p50Ms: median(all.map(({ busy }) => busy.quantileMs(0.5))),
        p99Ms: median(all.map(({ busy }) => busy.quantileMs(0.99))),
        alone50Ms: median(all.map(({ alone }) => alone.quantileMs(0.5))),
        alone99Ms: median(all.map(({ alone }) => alone.quantileMs(0.99))),
        cpuMicros: median(all.map(({ cpuMicros }) => cpuMicros)),
        clientCpuMicros: median(all.map(({ clientCpuMicros }) => clientCpuMicros)),
      },
    ]),
  );
}

/** Requests per second of one over another's, round by round: both have the same neighbours then. */
function ratiosOf(rounds: ReadonlyMap<string, readonly Round[]>): Record<string, number> {
  const ratios: Record<string, number> = {};
  for (const [ratio, [subject, peer]] of Object.entries(RATIOS)) {
    const [own, others] = [rounds.get(subject), rounds.get(peer)];
    if (own === undefined || others === undefined) continue;
    ratios[ratio] = median(own.map(({ rps }, round) => rps / others[round]!.rps));
    // Of processor time, which other processes disturb less.
    ratios[ratio.replace('http', 'cpu')] = median(
      own.map(({ cpuMicros }, round) => others[round]!.cpuMicros / cpuMicros),
    );
  }
  return ratios;
}
