import type { ArtifactMessage } from '../../host/instance/artifact.ts';
import { LoadedArtifact } from '../../host/instance/artifact.ts';
import { FuelAccount } from '../../host/instance/fuel-account.ts';
import { Guest } from '../../host/instance/guest.ts';
import { linkGuest } from '../../host/instance/linked-guest.ts';
import { SpaceAccount } from '../../host/instance/space-account.ts';
import { FUEL_SLICE } from '../../host/limits/limits.ts';
import { EVENT_LOOP } from '../../host/scheduler/event-loop.ts';
import { RunQueue } from '../../host/scheduler/run-queue.ts';
import { median, percentile } from './figures.ts';

export interface SliceCost {
  /** With slices / in one piece - 1, of the fastest twentieth of the runs of each kind. */
  readonly cost: number;
  /** The same of the medians: higher by what other processes took, if there were any. */
  readonly medianCost: number;
  /** Of the event loop, per run. */
  readonly turns: number;
  readonly runMs: number;
}

/** The share of runs that no other process is likely to have disturbed. */
const FAST = 0.05;
const BUDGET = Number.MAX_SAFE_INTEGER;

/**
 * A guest alone in the thread, in slices and in one piece, in turns: what parking and turns of the loop cost. By the
 * clock, in short runs, since Linux counts a running thread's CPU time in ticks of 1 to 4 ms.
 */
export async function measureSliceCost(message: ArtifactMessage, pairs: number): Promise<SliceCost> {
  const artifact = new LoadedArtifact(message);
  // V8 replaces a function's code only when it is called anew.
  for (let i = 0; i < 4; i++) await timed(artifact, BUDGET);
  const sliced: number[] = [];
  const whole: number[] = [];
  let turns = 0;
  for (let i = 0; i < pairs; i++) {
    // Who goes first alternates, too.
    if (i % 2 === 1) whole.push((await timed(artifact, BUDGET)).ms);
    const run = await timed(artifact, FUEL_SLICE);
    sliced.push(run.ms);
    turns = run.turns;
    if (i % 2 === 0) whole.push((await timed(artifact, BUDGET)).ms);
  }
  return {
    cost: percentile(sliced, FAST) / percentile(whole, FAST) - 1,
    medianCost: median(sliced) / median(whole) - 1,
    turns,
    runMs: percentile(sliced, FAST),
  };
}

async function timed(artifact: LoadedArtifact, slice: number): Promise<{ ms: number; turns: number }> {
  const queue = new RunQueue({ ...EVENT_LOOP, quantum: FUEL_SLICE });
  const fuel = new FuelAccount(BUDGET, slice);
  let turns = 0;
  let reported = 0;
  const guest = new Guest({
    fuel,
    memory: new SpaceAccount(0, 0),
    tables: new SpaceAccount(0, 0),
    onTrap: (error) => {
      throw error;
    },
    isOver: () => false,
    goOn: () => undefined,
    keepsThread: () => queue.keepsTurn(),
    yieldThread: (resume) => {
      turns++;
      const used = fuel.used - reported;
      reported += used;
      queue.park('alone', used, resume);
    },
  });
  if (artifact.road.kind !== 'linked') throw new Error('the guest has no link plan');
  const { plan } = artifact.road;
  const { component } = linkGuest(guest, {
    plan,
    modules: artifact.modules,
    states: artifact.states,
    imports: () => ({}),
  });
  const run = component.exports['run']!;
  // What is pending (a collection, the compiler's result) belongs to nobody's time.
  await new Promise((resolve) => setImmediate(resolve));
  // As a host asks before a guest begins; it is let in at once.
  void queue.admit('alone');
  const startMs = performance.now();
  await run();
  const ms = performance.now() - startMs;
  guest.end();
  return { ms, turns };
}
