/**
 * `npm run crash -- --engine sqlite|redis [--kills 100] [--messages 100000] [--seed N]`: kills a host under load and judges what came of
 * its messages. The last line is `ok`, or says what was broken; a failure is repeated with its seed, as far as a race can be.
 */
import { parseArgs } from 'node:util';
import { seedOf } from '../instrument/random.ts';
import { broken, crashRun } from './crash-run.ts';

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'sqlite' },
    kills: { type: 'string', default: '100' },
    messages: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(seedOf('CRASH_SEED')) },
  },
});
const { engine } = values;
if (engine !== 'sqlite' && engine !== 'redis') {
  console.error(`--engine is '${engine}'; it must be sqlite or redis`);
  process.exit(2);
}
const seed = Number(values.seed);
console.log(`seed ${seed}`);
const result = await crashRun({
  engine,
  kills: Number(values.kills),
  messages: Number(values.messages),
  seed,
  timeoutMs: 30_000,
  say: (line) => console.log(line),
});
console.log(result);
const faults = broken(result);
console.log(faults.length === 0 ? 'ok' : faults.join('\n'));
process.exitCode = faults.length === 0 ? 0 : 1;
