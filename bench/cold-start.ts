/** How long a guest takes to start with a state of its own, inside one process: no sockets, no front door. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cycle, time } from './cold-start/cycle.ts';
import { instantiateFloor } from './cold-start/floor.ts';
import { createJcoCycle } from './cold-start/jco-cycle.ts';
import { createMayflyCycle } from './cold-start/mayfly-cycle.ts';
import { plot as draw } from './cold-start/plot.ts';
import { measureScaling } from './cold-start/scaling.ts';
import { median } from './fairness/figures.ts';
import { Histogram } from './latency/histogram.ts';
import { histogramLines } from './latency/text.ts';
import type { BenchReport, Figures } from './run.ts';
import { buildGuests, type GuestName } from './throughput/guests.ts';

export const summary = 'starting a guest with a fresh state, beside an empty instance of V8 and beside jco';

export const notMeasured = [
  'sockets and the front door (see throughput), and the first start of an artifact (see density)',
  "jco's own WASI: its glue gets this host's, which answers in the same thread",
  'guests that touch much memory: a hello',
];

export const plot: (report: BenchReport) => string = draw;

/** Each is run this long before anything is measured: a host is warm for nearly all of its calls, and so is a loop of jco's. */
const WARM_UP_MS = 1_500;
const ROUNDS = 9;
const ROUND_MS = 150;
const LEAST_RUNS = 10;
const SCALING_MS = 1_000;

interface Task {
  readonly name: string;
  readonly work: () => Promise<number> | number;
}

export async function run(): Promise<BenchReport> {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const guests = Object.values(await buildGuests(folder));
  const tasks: Task[] = [{ name: 'floor', work: instantiateFloor }];
  const add = (system: string, guest: GuestName, cycle: Cycle): void => {
    resources.use(cycle);
    tasks.push({ name: `${system} start, ${guest}`, work: () => cycle.start() });
    tasks.push({ name: `${system} cycle, ${guest}`, work: () => cycle.cycle() });
  };
  for (const { name, bytes } of guests) {
    add('jco', name, await createJcoCycle(bytes));
    add('mayfly', name, await createMayflyCycle(bytes));
  }
  const rounds = new Map<string, (readonly number[])[]>(tasks.map(({ name }) => [name, []]));
  for (const { work } of tasks) await time(work, WARM_UP_MS, LEAST_RUNS);
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, work } of round % 2 === 0 ? tasks : tasks.toReversed()) {
      rounds.get(name)!.push(await time(work, ROUND_MS, LEAST_RUNS));
    }
  }
  const small = guests.find(({ name }) => name === 'small')!;
  const scaled = { component: small.bytes, durationMs: SCALING_MS };
  const results: Record<string, Figures> = {};
  for (const [name, timings] of rounds) {
    const histogram = new Histogram();
    for (const micros of timings.flat()) histogram.add(micros);
    for (const line of histogramLines(name, histogram)) console.log(line);
    results[name] = {
      p50Micros: histogram.quantileMs(0.5) * 1_000,
      p99Micros: histogram.quantileMs(0.99) * 1_000,
      runs: histogram.total,
    };
  }
  return { ratios: { ...ratiosOf(rounds), ...(await measureScaling(scaled)) }, results };
}

/** Medians of one over another's, round by round. */
function ratiosOf(rounds: ReadonlyMap<string, readonly (readonly number[])[]>): Record<string, number> {
  const ratio = (name: string, peer: string): number => {
    const [own, others] = [rounds.get(name)!, rounds.get(peer)!];
    return median(own.map((micros, round) => median(micros) / median(others[round]!)));
  };
  return {
    start_vs_floor_small: ratio('mayfly start, small', 'floor'),
    start_vs_floor_quickjs: ratio('mayfly start, quickjs', 'floor'),
    start_vs_floor_starlingmonkey: ratio('mayfly start, starlingmonkey', 'floor'),
    cycle_vs_jco_quickjs: ratio('mayfly cycle, quickjs', 'jco cycle, quickjs'),
    cycle_vs_jco_starlingmonkey: ratio('mayfly cycle, starlingmonkey', 'jco cycle, starlingmonkey'),
    jco_start_vs_floor_quickjs: ratio('jco start, quickjs', 'floor'),
    jco_start_vs_floor_starlingmonkey: ratio('jco start, starlingmonkey', 'floor'),
  };
}
