/**
 * `npm run hostile -- noisy-neighbour [--seconds N]`: the long form of the hostile suite. A tenant asks for a hundred times
 * its quota for a minute, and another one must not notice: no error, and a p99 of at most twice its own without that.
 */
import { parseArgs } from 'node:util';
import { run } from '../../bench/noisy-neighbour.ts';

const MAX_P99_RATIO = 2;
/** Quiet and noisy, of two floods. */
const ROUND_KINDS = 4;
const ROUND_MS = 3_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' } },
});
if (positionals.length !== 1 || positionals[0] !== 'noisy-neighbour') {
  console.error('usage: npm run hostile -- noisy-neighbour [--seconds N]');
  process.exit(2);
}
const rounds = Math.max(1, Math.round((Number(values.seconds) * 1_000) / ROUND_KINDS / ROUND_MS));
const { ratios, results } = await run({ rounds, roundMs: ROUND_MS });
console.table(results);
console.table(ratios);
const isHeld = ratios['victim_p99_ratio']! <= MAX_P99_RATIO && ratios['victim_errors'] === 0;
console.log(isHeld ? 'The neighbour noticed nothing.' : 'The neighbour noticed.');
process.exitCode = isHeld ? 0 : 1;
