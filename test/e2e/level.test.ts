/** What a call takes is given back, however it ends: memory levels off, and nothing goes on behind an answer. */
import { createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { cCommand, exampleComponent } from '../harness/guests.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';

const MiB = 2 ** 20;

let host: TestHost;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
});
test.after.always(() => host.dispose());

/** Calls ten at a time: resident memory of the host afterwards. */
async function memoryAfter(calls: number, call: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < calls; i += 10) await Promise.all(Array.from({ length: 10 }, call));
  return process.memoryUsage.rss();
}

/** The first calls fill caches and let the collector's heap find its size; after as many again, it has grown by little. */
async function levelsOff(
  t: ExecutionContext,
  calls: number,
  boundBytes: number,
  call: () => Promise<unknown>,
): Promise<void> {
  const before = await memoryAfter(calls, call);
  const growth = (await memoryAfter(calls, call)) - before;
  t.true(growth < boundBytes, `${Math.round(growth / MiB)} MiB more after another ${calls} calls`);
}

test.serial('a component by hand', async (t) => {
  await host.deploy('tiny', await exampleComponent('tiny-wat'));
  // A memory page that was written to, and the glue's objects: 100 KB each.
  await levelsOff(t, 1_000, 64 * MiB, () => host.call('tiny'));
});

test.serial('a TypeScript handler', async (t) => {
  await host.deploy('hello', await exampleComponent('hello-ts'));
  // Its memory has 2 MB.
  await levelsOff(t, 200, 128 * MiB, () => host.call('hello'));
});

test.serial('a guest that is ended while it is parked', async (t) => {
  const sleeper = await cCommand('#include <unistd.h>\nint main(void) { return sleep(60); }');
  await host.deploy('sleeper', sleeper, { timeoutMs: 20 });
  // V8 never frees a parked stack: the stacks and instances of 700 calls that stayed parked were 150 MiB.
  await levelsOff(t, 700, 64 * MiB, async () => t.is(await host.failure('sleeper'), 'timed_out'));
});

test.serial('a guest that is ended while it waits for a fetch', async (t) => {
  const silent = createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => silent.close());
  const authority = `127.0.0.1:${(silent.address() as { port: number }).port}`;
  await host.deploy('fetching', await exampleComponent('fetch-two-ts'), {
    timeoutMs: 60,
    allowedHosts: [authority],
  });
  const url = encodeURIComponent(`http://${authority}/`);
  const path = `/?first=${url}&second=${url}`;
  await levelsOff(t, 150, 128 * MiB, async () => t.is(await host.failure('fetching', path), 'timed_out'));
});
