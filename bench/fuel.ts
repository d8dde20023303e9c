/** What metering costs: each program with and without it, in one process, round by round in turn. */
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { C_COMPILER, ensureTools } from '../test/tools.ts';
import { compilePrograms } from './fuel/c-programs.ts';
import { type GuestProgram, meteredEngine, PLAIN } from './fuel/guest-program.ts';
import { measureOverhead, type Overhead } from './fuel/overhead.ts';
import { installPackages, packagePrograms } from './fuel/package-programs.ts';
import { measureFirst, measureRewriting, type Rewriting, STARLING_MONKEY } from './fuel/rewriting.ts';
import type { BenchReport, Figures } from './run.ts';

export const summary = 'programs with fuel metering beside the same programs without';

export const notMeasured = [
  'what refilling, parking and slicing cost: the counter holds plenty from the start',
  "the baseline compiler's code: both forms are warm, which takes a fraction of a second",
  'instantiating and compiling, which take longer in proportion to the code',
];

/** Shorter than a scheduler's time slice, many of them: see overhead.ts. */
const ROUNDS = { warmUpMs: 250, roundMs: 1.5, rounds: 121 };
const REWRITING_MS = 250;
const STARLING_MONKEY_MS = 3_000;
/** Too small for its time to be more than that of a few calls. */
const SMALL_MODULE_BYTES = 100_000;

/** Tells that something could not be had, and why. */
type LeaveOut = (error: unknown, name?: string) => void;

/** The programs, but for those that could not be had (a C compiler, or the packages, may be missing). */
async function programs(folder: string, leaveOut: LeaveOut): Promise<readonly GuestProgram[]> {
  const sources = [
    async () => {
      ensureTools(C_COMPILER);
      return compilePrograms(join(folder, 'programs'));
    },
    async () => {
      await installPackages(join(folder, 'packages'));
      return packagePrograms(join(folder, 'packages'));
    },
  ];
  const found: GuestProgram[] = [];
  for (const source of sources) {
    try {
      found.push(...(await source()));
    } catch (error) {
      leaveOut(error);
    }
  }
  return found;
}

export async function run(): Promise<BenchReport> {
  const results: Record<string, Figures> = {};
  const overheads: Overhead[] = [];
  const modules = new Map<string, Uint8Array>();
  let isComplete = true;
  const leaveOut: LeaveOut = (error, name) => {
    isComplete = false;
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`left out: ${name === undefined ? reason : `${name}: ${reason}`}`);
  };
  for (const program of await programs(join(tmpdir(), 'mayfly-bench'), leaveOut)) {
    const engine = meteredEngine((original) => {
      modules.set(`${program.name} ${original.length}`, original);
    });
    try {
      const { name, ...figures } = await measureOverhead(program, PLAIN, engine, ROUNDS);
      overheads.push({ name, ...figures });
      results[name] = { ...figures };
    } catch (error) {
      leaveOut(error, program.name);
    }
  }
  const rewritings: Rewriting[] = [];
  // Whichever came first would be measured with its rewriter's code half optimised.
  for (const bytes of modules.values()) measureRewriting(bytes, 1);
  for (const [name, bytes] of modules) {
    const rewriting = measureRewriting(bytes, bytes.length < SMALL_MODULE_BYTES ? 1 : REWRITING_MS);
    rewritings.push(rewriting);
    if (bytes.length >= SMALL_MODULE_BYTES) {
      results[`rewriting ${name.split(' ')[0]}`] = {
        bytes: rewriting.bytes,
        growth: rewriting.meteredBytes / rewriting.bytes,
        rewritingMs: rewriting.millis,
        validationMs: rewriting.validationMillis,
        mbPerS: rewriting.bytes / rewriting.millis / 1_000,
      };
    }
  }
  const starlingMonkey = await readFile(STARLING_MONKEY);
  const { millis } = measureRewriting(starlingMonkey, STARLING_MONKEY_MS);
  const first = await measureFirst(STARLING_MONKEY);
  const rewritingRatios = {
    starlingmonkey_ms: millis,
    starlingmonkey_first_ms: first.millis,
    rewrite_memory_ratio: first.grownBytes / starlingMonkey.length,
  };
  if (isComplete) return { ratios: { ...ratiosOf(overheads, rewritings), ...rewritingRatios }, results };
  // Under the name of all programs, a figure of some would pass for one of all.
  console.error('Programs were left out, so that there are no figures of all of them.');
  return { ratios: rewritingRatios, results };
}

function ratiosOf(overheads: readonly Overhead[], rewritings: readonly Rewriting[]): Record<string, number> {
  const sum = (of: readonly Rewriting[], value: (each: Rewriting) => number): number =>
    of.reduce((total, each) => total + value(each), 0);
  const ratios = overheads.map(({ ratio }) => ratio);
  const large = rewritings.filter(({ bytes }) => bytes >= SMALL_MODULE_BYTES);
  return {
    overhead_geomean: Math.exp(ratios.reduce((total, ratio) => total + Math.log(ratio), 0) / ratios.length),
    overhead_max: Math.max(...ratios),
    code_growth: sum(rewritings, (each) => each.meteredBytes) / sum(rewritings, (each) => each.bytes),
    instrument_mb_per_s: sum(large, (each) => each.bytes) / sum(large, (each) => each.millis) / 1_000,
    instrument_mb_per_s_unvalidated:
      sum(large, (each) => each.bytes) / sum(large, (each) => each.millis - each.validationMillis) / 1_000,
  };
}
