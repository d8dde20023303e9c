/** The short form of `npm run crash:usage`: the same traffic, fewer lives. */
import test from 'ava';
import { seedOf } from '../instrument/random.ts';
import { usageCrashRun } from './usage-run.ts';

test('bill, ledger and metrics agree for random traffic and random crashes', async (t) => {
  t.timeout(240_000);
  const seed = seedOf('USAGE_CRASH_SEED');
  t.log(`seed ${seed}: USAGE_CRASH_SEED=${seed}`);
  const { faults, outcomes, ...result } = await usageCrashRun({ lives: 3, seed, say: (line) => t.log(line) });
  t.log(result, outcomes);
  t.deepEqual(faults, []);
  t.true(result.kills > 0 && result.records > 0 && result.replies > 0);
});
