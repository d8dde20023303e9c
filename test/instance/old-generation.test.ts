import { readFile } from 'node:fs/promises';
import { getHeapSpaceStatistics } from 'node:v8';
import test from 'ava';
import { createMayflyCycle } from '../../bench/cold-start/mayfly-cycle.ts';

const CALLS = 4_000;
/** What V8 itself puts there for a call that may be parked: about 390 bytes. With pretenuring it was 2,500. */
const MAX_BYTES_PER_CALL = 1_000;

function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')!.space_used_size;
}

test('what an invocation makes dies young', async (t) => {
  const { exampleNamed } = await import('../../examples/examples.ts');
  await using cycle = await createMayflyCycle(await readFile(await exampleNamed('tiny-wat')!.build()));
  const grown: number[] = [];
  // V8 makes up its mind in the first ones.
  for (let round = 0; round < 4; round++) {
    const before = oldBytes();
    for (let call = 0; call < CALLS; call++) {
      await cycle.cycle();
      await new Promise((resolve) => setImmediate(resolve));
    }
    grown.push((oldBytes() - before) / CALLS);
  }
  // A collection of the old generation in between makes it less, which is no failure.
  const bytes = Math.max(...grown.slice(2));
  t.true(bytes < MAX_BYTES_PER_CALL, `${Math.round(bytes)} bytes of each call became old`);
});
