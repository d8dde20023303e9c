/** The host's side of an isolated tenant's process, with one that does what the test says. */
import test, { type ExecutionContext } from 'ava';
import type { TenantName } from '../../host/model/ids.ts';
import { IsolatedChild } from '../../host/worker/isolated-child.ts';

const ENTRY = new URL('speaking-process.ts', import.meta.url);

function start(t: ExecutionContext, tenant: string): { child: IsolatedChild; heard: unknown[] } {
  const heard: unknown[] = [];
  const data = {
    tenant: tenant as TenantName,
    socketPath: '',
    dataDir: '',
    heapBytes: 64 * 2 ** 20,
    rewind: 'fresh',
    idleMemoryBytes: 0,
    idleSlots: 0,
    tracing: undefined as never,
  } as const;
  const child = new IsolatedChild(ENTRY, data, {
    resolve: () => undefined,
    onSpent: (...spent) => heard.push(spent),
    onLogs: (records) => heard.push(...records),
    onUsage: (batch) => heard.push(batch),
    onSpans: ({ spans }) => heard.push(...spans),
    onRelieved: (functions) => heard.push(...functions),
  });
  t.teardown(() => child.kill());
  return { child, heard };
}

test('one that answers lives on, however often it is asked', async (t) => {
  const { child } = start(t, 'lives');
  await child.serving;
  for (let times = 0; times < 3; times++) await Promise.all([child.probe(), child.probe()]);
  t.is(await Promise.race([child.ended, child.probe()]), undefined);
});

test('one that does not answer is ended as hung', async (t) => {
  const { child } = start(t, 'hangs');
  await child.serving;
  await child.probe();
  t.is(await child.ended, 'it did not answer for 1000 ms');
});

test('what it says is of its own tenant, and takes nothing from what was used', async (t) => {
  const { child, heard } = start(t, 'lies');
  await child.serving;
  // What was said before has been heard then.
  await child.probe();
  t.deepEqual(heard, [
    { tenant: 'lies', message: 'forged' },
    { tenant: 'lies', name: 'f', version: 1 },
    [0, 0],
  ]);
});

test('one that says what makes no sense is ended', async (t) => {
  const { child, heard } = start(t, 'raves');
  t.is(await child.ended, 'it was ended by SIGKILL');
  t.deepEqual(heard, []);
});
