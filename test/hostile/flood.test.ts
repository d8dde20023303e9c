/** A tenant that asks for a hundred times what it may have gets what it may have; everybody else gets all of theirs. */

import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { Pool } from 'undici';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { clockCommand, plainCommand } from '../harness/wat-commands.ts';

let host: TestHost;
let operator: Operator;
test.before(async () => {
  // One thread, so that everybody is in everybody's way.
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
  operator = new Operator(host);
  const small = await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))'));
  const napping = await parse(
    clockCommand('(func (export "run") (result i32) (call $sleep (i64.const 20000000)) (i32.const 0))'),
  );
  await operator.tenant('victim');
  await operator.deploy('victim', 'small', small);
  await operator.tenant('fast', { requestsPerSecond: 1, requestBurst: 10 });
  await operator.deploy('fast', 'small', small);
  await operator.tenant('wide', { concurrency: 2, queuedInvocations: 5, queueTimeoutMs: 200 });
  await operator.deploy('wide', 'napping', napping);
});
test.after.always(() => host.dispose());

/** Calls in a hundred lanes, `calls` in all; gives how many got which status. */
async function flood(path: string, calls: number): Promise<Record<number, number>> {
  const pool = new Pool(host.origin, { connections: 100, pipelining: 1 });
  const counts: Record<number, number> = {};
  let left = calls;
  await Promise.all(
    Array.from({ length: 100 }, async () => {
      while (left-- > 0) {
        const { statusCode, body } = await pool.request({ method: 'GET', path });
        await body.dump();
        counts[statusCode] = (counts[statusCode] ?? 0) + 1;
      }
    }),
  );
  await pool.close();
  return counts;
}

/** Calls of the victim, one after the other, while something is under way. */
async function victimsDuring(pending: Promise<unknown>): Promise<number[]> {
  let isOver = false;
  void pending.finally(() => {
    isOver = true;
  });
  const statuses: number[] = [];
  while (!isOver) statuses.push((await operator.call('victim', 'small')).status);
  return statuses;
}

test.serial('beyond its rate: refused to the unit, and nobody else notices', async (t) => {
  const startMs = performance.now();
  const flooding = flood('/fn/fast/small/', 1_000);
  const victims = await victimsDuring(flooding);
  const counts = await flooding;
  const seconds = Math.ceil((performance.now() - startMs) / 1_000);
  t.deepEqual(Object.keys(counts), ['200', '429']);
  t.true(counts[200]! >= 10 && counts[200]! <= 10 + seconds, JSON.stringify(counts));
  t.true(victims.length >= 5, `${victims.length} calls of the victim`);
  t.true(victims.every((status) => status === 200));
});

test.serial('beyond its concurrency: some wait, the rest is refused, and nobody else notices', async (t) => {
  const flooding = flood('/fn/wide/napping/', 500);
  const victims = await victimsDuring(flooding);
  const counts = await flooding;
  t.deepEqual(Object.keys(counts), ['200', '429']);
  t.true(victims.length >= 5, `${victims.length} calls of the victim`);
  t.true(victims.every((status) => status === 200));
  t.is((await operator.quota('wide', 'concurrency')).used, 0);
  t.is((await operator.quota('wide', 'queuedInvocations')).used, 0);
});

test.serial('asking for what is not there is told at a pace, and nobody else notices', async (t) => {
  const startMs = performance.now();
  const flooding = flood('/fn/nobody/nothing/', 300);
  const victims = await victimsDuring(flooding);
  t.deepEqual(await flooding, { 404: 300 });
  // A burst of 50 at once, the others at 100 a second.
  t.true(performance.now() - startMs > 2_000);
  t.true(victims.length >= 5, `${victims.length} calls of the victim`);
  t.true(victims.every((status) => status === 200));
});
