import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { HEAP_FLAGS, YOUNG_GENERATION_MB } from '../host/heap-policy.ts';

const run = promisify(execFile);
const POLICY = new URL('../host/heap-policy.ts', import.meta.url).href;

/** What a thread that has just begun can make before its first collection, in MiB, in a process of its own. */
async function roomOfNewThread(prepare: string): Promise<number> {
  const inThread = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { parentPort } from 'node:worker_threads';
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    parentPort.postMessage(young.space_available_size / 2 ** 20);`;
  const program = `
    import { Worker } from 'node:worker_threads';
    ${prepare}
    const resourceLimits = { maxYoungGenerationSizeMb: ${YOUNG_GENERATION_MB} };
    new Worker(${JSON.stringify(inThread)}, { eval: true, resourceLimits }).on('message', (room) => console.log(room));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { timeout: 30_000 });
  return Number(stdout);
}

test('V8 knows each flag of the heap policy', async (t) => {
  // One that it does not know ends Node; set while it runs, it would be passed over in silence.
  for (const flag of HEAP_FLAGS) {
    const { stdout } = await run(process.execPath, [flag, '-p', '"started"'], { timeout: 30_000 });
    t.is(stdout, 'started\n', flag);
  }
});

test('the young generation of a serving thread is never smaller than at its largest', async (t) => {
  const room = await roomOfNewThread(
    `import { setHeapPolicy } from ${JSON.stringify(POLICY)}; setHeapPolicy();`,
  );
  t.true(room > YOUNG_GENERATION_MB / 3 - 1, `${room} MiB`);
  const asV8HasIt = await roomOfNewThread('');
  t.true(asV8HasIt < YOUNG_GENERATION_MB / 6, `${asV8HasIt} MiB: the flag is of no use any more`);
});
