/** The short form of `npm run fuzz:http`. */
import test from 'ava';
import { seedOf } from '../../instrument/random.ts';
import { fuzzHttp } from './http-fuzz.ts';

const REQUESTS = 300;

test('whatever is asked, the host answers as it has described, and complains of nothing', async (t) => {
  const seed = seedOf('MAYFLY_FUZZ_SEED');
  t.log(`seed ${seed}`);
  const failures: string[] = [];
  const { sent, outcomes, complaints } = await fuzzHttp({
    seed,
    first: 0,
    goesOn: (count) => count < REQUESTS,
    onFailure: (index, what, { bytes }) => {
      failures.push(`case ${index} of seed ${seed}: ${what}: ${bytes.toString('latin1', 0, 300)}`);
    },
  });
  t.deepEqual(failures, []);
  t.deepEqual(complaints, []);
  t.true(sent >= REQUESTS);
  // It reaches what is behind the first checks, too. (201 does not come up in one of fifty samples of this size.)
  for (const status of ['200', '400', '401', '404']) t.true((outcomes[status] ?? 0) > 0, status);
});
