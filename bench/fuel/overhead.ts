import type { Engine, GuestProgram, LoadedProgram } from './guest-program.ts';

export interface Overhead {
  readonly name: string;
  /** Median over the rounds of one form's time, in milliseconds a run. */
  readonly plainMs: number;
  readonly meteredMs: number;
  /** Median over the rounds of metered / plain. */
  readonly ratio: number;
  /** The same of the fastest rounds, as a check on noise. */
  readonly ratioOfBest: number;
}

export interface Rounds {
  readonly warmUpMs: number;
  readonly roundMs: number;
  readonly rounds: number;
}

/** Milliseconds for one run, of `runs` in a row. */
function timed(program: LoadedProgram, runs: number): number {
  const start = performance.now();
  for (let i = 0; i < runs; i++) program.run();
  return (performance.now() - start) / runs;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A large parser's functions are hot after some dozens of runs only, and the optimising compiler is behind then. */
const MIN_WARM_RUNS = 60;

/** Lets pending work of the compiler's threads be taken over. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One form until the optimising compiler has long had its say, with pauses for its results to arrive. */
async function warmUp(form: LoadedProgram, millis: number): Promise<void> {
  const until = performance.now() + millis;
  let runs = 0;
  while (performance.now() < until || runs < MIN_WARM_RUNS) {
    form.run();
    runs++;
    await breathe();
  }
}

/**
 * One program, metered against unmetered: alternating rounds in one thread. Rounds are shorter than a
 * scheduler's time slice, so that on a busy machine most of them pass undisturbed, which the medians rely on.
 */
export async function measureOverhead(
  program: GuestProgram,
  plainEngine: Engine,
  meteredEngine: Engine,
  { warmUpMs, roundMs, rounds }: Rounds,
): Promise<Overhead> {
  const plain = await program.load(plainEngine);
  const metered = await program.load(meteredEngine);
  const expected = plain.run();
  const actual = metered.run();
  if (String(expected) !== String(actual))
    throw new Error(`${program.name}: ${expected} plain, ${actual} metered`);
  for (const millis of [warmUpMs, warmUpMs / 2]) {
    await warmUp(plain, millis);
    await warmUp(metered, millis);
  }
  const once = Math.min(...Array.from({ length: 5 }, () => timed(plain, 1)));
  const runs = Math.max(1, Math.round(roundMs / once));
  const plainTimes: number[] = [];
  const meteredTimes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // Who goes first alternates too: the second finds the caches as the first left them.
    if (round % 2) meteredTimes.push(timed(metered, runs));
    plainTimes.push(timed(plain, runs));
    if (round % 2 === 0) meteredTimes.push(timed(metered, runs));
    await breathe();
  }
  return {
    name: program.name,
    plainMs: median(plainTimes),
    meteredMs: median(meteredTimes),
    ratio: median(meteredTimes.map((time, i) => time / plainTimes[i]!)),
    ratioOfBest: Math.min(...meteredTimes) / Math.min(...plainTimes),
  };
}
