/** Whether one thread is shared fairly, at what price, and how many guests it can hold. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { mean, median, percentile } from './fairness/figures.ts';
import { type GuestName, publish } from './fairness/guests.ts';
import { LoadedThread } from './fairness/loaded-thread.ts';
import type { ParkedMemory } from './fairness/parked-memory.ts';
import { measureSliceCost } from './fairness/slice-cost.ts';
import { measureSlowCode, slowCodeRows } from './fairness/slow-code.ts';
import type { BenchReport, Figures } from './run.ts';

export { plot } from './fairness/plot.ts';

export const summary =
  'one thread, shared by tenants in endless loops: who waits how long, and what it costs';

export const notMeasured = [
  'slices beside other processes: their time is left out of slice_cost, but not what they push out of the caches (0.02)',
  'more than one serving thread; callers share the machine with it, on another core if there is one',
  'guests that differ: shares of fuel and of time part as far as programs differ in fuel per millisecond',
  'a thread that is short of memory, or whose guests collect garbage in the host by making large bodies',
  'parked guests with a connection each, or with memory of their own beyond a page',
];

const HOGS = 8;
/** Other processes may take the cores for a while; the median over the rounds leaves a bad one out. */
const ROUNDS = 7;
const CALLS_PER_ROUND = 120;
/** Between two calls of the victim: it is a caller now and then, no load of its own. */
const PAUSE_MS = 5;
const SHARES_MS = 5_000;
const WEIGHTS = { a: 1, b: 1, c: 2, d: 4 };
/** Times the usual length of a slice. */
const INTERRUPTED = 3;
const SLICE_ROUNDS = 400;
const PARKED = 10_000;

export async function run(): Promise<BenchReport> {
  const [endless, small] = [await publish('endless'), await publish('small')];
  const alone = await measureVictim({ endless, small }, 0);
  const besideOne = await measureVictim({ endless, small }, 1);
  const victim = await measureVictim({ endless, small }, HOGS);
  const shares = await measureShares({ endless });
  const slowCode = await measureSlowCode();
  const slicing = await measureSliceCost(await publish('finite'), SLICE_ROUNDS);
  const computing = await measureParked('endless-with-memory');
  const sleeping = await measureParked('sleeper');
  const boundMs = 3 * victim.sliceMs * (HOGS + 1);
  return {
    ratios: {
      victim_p99_vs_bound: victim.p99Ms / boundMs,
      share_error: Math.max(
        ...Object.values(shares).map(({ fuelError, timeError }) => Math.max(fuelError!, timeError!)),
      ),
      slice_cost: slicing.sliced.cost,
      slowest_slice_ms: Math.max(...Object.values(slowCode)),
      parked_vs_1gib: Math.max(computing.rssBytes, sleeping.rssBytes) / 2 ** 30,
    },
    results: {
      'a small call, thread idle': alone.figures,
      'beside an endless loop that is alone': besideOne.figures,
      [`beside ${HOGS} endless loops`]: { ...victim.figures, sliceMs: victim.sliceMs, boundMs },
      ...shares,
      ...slicing.rows,
      ...slowCodeRows(slowCode),
      'parked while computing': parkedFigures(computing),
      'parked in a sleep': parkedFigures(sleeping),
    },
  };
}

type Artifacts = Readonly<Record<string, Awaited<ReturnType<typeof publish>>>>;

async function measureVictim(
  artifacts: Artifacts,
  hogs: number,
): Promise<{ readonly figures: Figures; readonly p99Ms: number; readonly sliceMs: number }> {
  await using thread = await LoadedThread.start({ artifacts, weights: {} });
  for (let i = 0; i < 20; i++) await thread.call('victim', 'small');
  for (let i = 0; i < hogs; i++) thread.callEndless(`hog-${i}`, 'endless');
  await thread.settle(hogs);
  const latencies: number[] = [];
  const roundTrips: number[] = [];
  let isOver = false;
  const echo = (async () => {
    while (!isOver) {
      roundTrips.push(await thread.roundTrip());
      await pause();
    }
  })();
  const p99s: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const ofRound: number[] = [];
    for (let i = 0; i < CALLS_PER_ROUND; i++) {
      ofRound.push(await thread.call('victim', 'small'));
      await pause();
    }
    p99s.push(percentile(ofRound, 0.99));
    latencies.push(...ofRound);
  }
  isOver = true;
  await echo;
  const { tenants, tickLateMs } = await thread.look();
  const sliceMs = Object.values(tenants).flatMap((tenant) => tenant.sliceMs);
  const p99Ms = median(p99s);
  return {
    figures: {
      p50Ms: median(latencies),
      p99Ms,
      tickLateP50Ms: median(tickLateMs),
      tickLateP99Ms: percentile(tickLateMs, 0.99),
      roundTripP50Ms: median(roundTrips),
      roundTripP99Ms: percentile(roundTrips, 0.99),
    },
    p99Ms,
    sliceMs: sliceMs.length === 0 ? 0 : mean(sliceMs),
  };
}

/** A varying pause, so that calls do not fall into step with the slices. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 * Math.random()));
}

async function measureShares(artifacts: Artifacts): Promise<Readonly<Record<string, Figures>>> {
  await using thread = await LoadedThread.start({ artifacts, weights: WEIGHTS });
  for (const tenant of Object.keys(WEIGHTS)) thread.callEndless(tenant, 'endless');
  await thread.settle(Object.keys(WEIGHTS).length);
  await new Promise((resolve) => setTimeout(resolve, SHARES_MS));
  const { tenants } = await thread.look();
  const all = Object.values(tenants);
  const fuel = all.reduce((sum, tenant) => sum + tenant.fuel, 0);
  // A slice of many times the usual length is one in which another process had the core.
  const usualMs = median(all.flatMap(({ sliceMs }) => sliceMs));
  const timeOf = (sliceMs: readonly number[]): number =>
    sliceMs.reduce((sum, ms) => sum + (ms > INTERRUPTED * usualMs ? usualMs : ms), 0);
  const time = all.reduce((sum, tenant) => sum + timeOf(tenant.sliceMs), 0);
  const weights = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);
  return Object.fromEntries(
    Object.entries(WEIGHTS).map(([tenant, weight]) => {
      const expected = weight / weights;
      const got = tenants[tenant] ?? { fuel: 0, sliceMs: [] };
      const timeShare = timeOf(got.sliceMs) / time;
      const figures = {
        weight,
        slices: got.sliceMs.length,
        fuelShare: got.fuel / fuel,
        timeShare,
        fuelError: Math.abs(got.fuel / fuel / expected - 1),
        timeError: Math.abs(timeShare / expected - 1),
      };
      return [`tenant ${tenant}`, figures];
    }),
  );
}

async function measureParked(name: GuestName): Promise<ParkedMemory> {
  const script = fileURLToPath(new URL('./fairness/parked-memory.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, name, String(PARKED)]);
  return JSON.parse(stdout) as ParkedMemory;
}

function parkedFigures({ guests, rssBytes, heapBytes }: ParkedMemory): Figures {
  return {
    guests,
    rssMiB: rssBytes / 2 ** 20,
    rssBytesEach: rssBytes / guests,
    heapBytesEach: heapBytes / guests,
  };
}
