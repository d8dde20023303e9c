/**
 * Whoever runs guests is told by the kernel when one that is alone has to make room. It is seen at the ring that process and
 * kernel share for it (event-loop-watch.ts): nobody else here has one.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { betweenLooks } from '../harness/between-looks.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { childrenOf, LeakCheck } from '../harness/leaks.ts';
import { Operator } from '../harness/operator.ts';
import { FOREVER, plainCommand } from '../harness/wat-commands.ts';

/** Some hundred slices. */
const FUEL = 100_000_000;

/** Where `struct aio_ring` has the indices of its first and its next event. */
const INDICES = { offset: 8, bytes: 8 };

let computing: Uint8Array;
let leaks: LeakCheck;
let host: TestHost;
test.before(async () => {
  // The parser keeps a thread of its own, from its first use on.
  computing = await parse(plainCommand(`(func (export "run") (result i32) ${FOREVER})`));
  leaks = new LeakCheck();
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
});
test.after.always(async () => {
  await host.dispose();
  await leaks.settled();
});

/** Addresses of the rings of a process (`/proc/[pid]/maps`, proc(5)). */
function ringsOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .filter((line) => line.includes('/[aio]'))
    .map((line) => Number.parseInt(line, 16));
}

/** Whether the kernel has told of anything there. */
function hasTold(pid: number, ring: number): boolean {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const indices = new Uint8Array(INDICES.bytes);
  readSync(memory, indices, 0, indices.length, ring + INDICES.offset);
  closeSync(memory);
  return indices.some((byte) => byte !== 0);
}

/** Calls a guest that computes, alone, until the kernel has told of something: it is asked in the midst of one, and tells once the next call comes. */
async function untilTold(operator: Operator, tenant: string, pid: number): Promise<void> {
  await operator.tenant(tenant);
  await operator.deploy(tenant, 'computing', computing, { fuel: FUEL });
  while (ringsOf(pid).length === 0) await betweenLooks();
  const [ring, ...others] = ringsOf(pid);
  if (others.length > 0) throw new Error('there are other rings');
  while (!hasTold(pid, ring!)) await operator.call(tenant, 'computing');
}

/** A host that does not ask is called in vain for as long. */
const PATIENCE_MS = 120_000;

test.serial('a serving thread asks the kernel while a guest is alone, until it ends', async (t) => {
  t.timeout(PATIENCE_MS);
  await untilTold(new Operator(host), 'here', process.pid);
  await host.stop();
  t.deepEqual(ringsOf(process.pid), []);
  await host.start();
});

test.serial('the process of an isolated tenant asks the kernel while a guest is alone', async (t) => {
  t.timeout(PATIENCE_MS);
  const operator = new Operator(host);
  await operator.tenant('apart');
  await operator.api('PATCH', '/tenants/apart/settings', { isolation: 'process' });
  const isolated = (): number | undefined =>
    childrenOf(process.pid).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('isolated-process'),
    );
  while (isolated() === undefined) await betweenLooks();
  await t.notThrowsAsync(untilTold(operator, 'apart', isolated()!));
});
