/**
 * A guest alone in its thread, in slices and in one piece: what its slices cost. Runs of each kind follow one another closely, in an order that
 * changes with each round, and each is compared with the run in one piece of its own round (telemetry/estimate.ts).
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { ArtifactMessage } from '../../host/instance/artifact.ts';
import { LoadedArtifact } from '../../host/instance/artifact.ts';
import { FuelAccount } from '../../host/instance/fuel-account.ts';
import { Guest } from '../../host/instance/guest.ts';
import { linkGuest } from '../../host/instance/linked-guest.ts';
import { FUEL_SLICE } from '../../host/limits/limits.ts';
import { EVENT_LOOP } from '../../host/scheduler/event-loop.ts';
import { EventLoopWatch } from '../../host/scheduler/event-loop-watch.ts';
import { RunQueue } from '../../host/scheduler/run-queue.ts';
import { ThreadHeap } from '../../host/worker/thread-heap.ts';
import { guestRun } from '../../test/harness/engine-ports.ts';
import type { Figures } from '../run.ts';
import { estimate } from '../telemetry/estimate.ts';
import { median, percentile } from './figures.ts';
import { openThreadClock } from './thread-clock.ts';

/** Beyond what the loop's own code costs in one piece, as a share of that: the ratio - 1, and its standard error. */
export interface Cost {
  readonly cost: number;
  readonly error: number;
}

export interface SliceCost {
  readonly sliced: Cost;
  readonly rows: Readonly<Record<string, Figures>>;
}

const KINDS = {
  whole: {},
  /** The same again: what it seems to cost is the error of the bench. */
  control: {},
  /** Calls the host at the end of each slice, and is never parked. */
  unparked: { slice: FUEL_SLICE, keeps: true },
  sliced: { slice: FUEL_SLICE, asks: true },
  /** As a serving thread does where it is watched over: it looks at its heap behind each park. */
  watched: { slice: FUEL_SLICE, asks: true, looks: true },
  /** Where the kernel cannot be asked whether anything has come. */
  unasked: { slice: FUEL_SLICE },
} as const satisfies Record<string, Kind>;

interface Kind {
  readonly slice?: number;
  readonly keeps?: boolean;
  readonly asks?: boolean;
  readonly looks?: boolean;
}

type KindName = keyof typeof KINDS;

interface Run {
  readonly ms: number;
  /** Of the event loop. */
  readonly turns: number;
}

const NAMES = Object.keys(KINDS) as KindName[];
const BUDGET = Number.MAX_SAFE_INTEGER;
/** Until the host's own code is compiled, as it is in a thread that has parked guests before. */
const WARM_UP_RUNS = 20;
/** What is pending before a run (a collection, the compiler's result) belongs to nobody's time. */
const SETTLING_TURNS = 5;
/** Where few others disturb: the twentieth that was fastest. */
const FAST = 0.05;

export async function measureSliceCost(message: ArtifactMessage, rounds: number): Promise<SliceCost> {
  const artifact = new LoadedArtifact(message);
  await using resources = new AsyncDisposableStack();
  const measured: Measured = { artifact, clock: openThreadClock(), watch: await watchLoop(resources) };
  // V8 replaces a function's code only when it is called anew.
  for (let i = 0; i < WARM_UP_RUNS; i++) for (const name of NAMES) await timed(measured, KINDS[name]);
  const runs: Record<KindName, Run[]> = {
    whole: [],
    control: [],
    unparked: [],
    sliced: [],
    watched: [],
    unasked: [],
  };
  for (let round = 0; round < rounds; round++) {
    for (const name of inSomeOrder(NAMES)) runs[name].push(await timed(measured, KINDS[name]));
  }
  const costOf = (name: KindName): Cost => {
    const { ratio, error } = estimate(runs[name].map(({ ms }, round) => ms / runs.whole[round]!.ms));
    return { cost: ratio - 1, error };
  };
  const msOf = (name: KindName): number[] => runs[name].map(({ ms }) => ms);
  const rows = NAMES.filter((name) => name !== 'whole').map((name): [string, Figures] => [
    `a lone guest, ${name}`,
    {
      ...costOf(name),
      fastestCost: percentile(msOf(name), FAST) / percentile(msOf('whole'), FAST) - 1,
      turns: median(runs[name].map(({ turns }) => turns)),
      runMs: median(msOf(name)),
    },
  ]);
  return { sliced: costOf('sliced'), rows: Object.fromEntries(rows) };
}

function inSomeOrder<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ value }) => value);
}

const heap = new ThreadHeap();

interface Measured {
  readonly artifact: LoadedArtifact;
  readonly clock: () => number;
  readonly watch: EventLoopWatch | undefined;
}

/** As that of a serving thread. */
async function watchLoop(resources: AsyncDisposableStack): Promise<EventLoopWatch | undefined> {
  const server = resources.use(createServer());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const watch = await EventLoopWatch.of(server);
  resources.defer(() => watch?.close());
  return watch;
}

async function timed(
  { artifact, clock, watch }: Measured,
  { slice = BUDGET, keeps = false, asks = false, looks = false }: Kind,
): Promise<Run> {
  const queue = new RunQueue({
    ...EVENT_LOOP,
    quantum: FUEL_SLICE,
    ...(asks && watch !== undefined ? { isQuiet: () => watch.isQuiet() } : {}),
    ...(looks ? { onQuantum: () => void heap.usedBytes() } : {}),
  });
  const fuel = new FuelAccount(BUDGET, slice);
  const endsMs = performance.now() + 60_000;
  let turns = 0;
  let reported = 0;
  const guest = new Guest(
    guestRun({
      fuel,
      onTrap: (error) => {
        throw error;
      },
      // As an invocation's deadline (engine.ts).
      isOver: () => performance.now() > endsMs,
      keepsThread: (hasOnlyComputed) => keeps || queue.keepsTurn(hasOnlyComputed),
      yieldThread: (resume) => {
        turns++;
        const used = fuel.used - reported;
        reported += used;
        queue.park('alone', used, resume);
      },
    }),
  );
  if (artifact.road.kind !== 'linked') throw new Error('the guest has no link plan');
  const { plan } = artifact.road;
  const { component } = linkGuest(guest, {
    plan,
    modules: artifact.modules,
    states: artifact.states,
    imports: () => ({}),
  });
  const run = component.exports['run']!;
  for (let turn = 0; turn < SETTLING_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
  // As a host asks before a guest begins; it is let in at once.
  void queue.admit('alone');
  const startMs = clock();
  await run();
  const ms = clock() - startMs;
  guest.end();
  return { ms, turns };
}
