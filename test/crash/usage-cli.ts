/**
 * `npm run crash:usage -- [--lives 30] [--seed N]`: kills a host under random traffic, life after life, and compares bill, ledger, metrics and
 * replies. The last line is `ok`, or says what differs.
 */
import { parseArgs } from 'node:util';
import { seedOf } from '../instrument/random.ts';
import { usageCrashRun } from './usage-run.ts';

const { values } = parseArgs({
  options: {
    lives: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(seedOf('USAGE_CRASH_SEED')) },
  },
});
const seed = Number(values.seed);
console.log(`seed ${seed}`);
const result = await usageCrashRun({
  lives: Number(values.lives),
  seed,
  say: (line) => console.log(line),
});
console.log(result);
console.log(result.faults.length === 0 ? 'ok' : result.faults.join('\n'));
process.exitCode = result.faults.length === 0 ? 0 : 1;
