/** Several threads ask at the same time: what is admitted is what the quotas say, to the unit. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { Admission } from '../../host/scheduler/admission.ts';
import {
  FUNCTION_COUNT,
  HOST,
  QuotaTable,
  type QuotaTableBuffers,
  STATE,
  TENANT_COUNT,
} from '../../host/scheduler/quota-table.ts';
import { seedOf } from '../instrument/random.ts';
import type { AskingThreadData, AskingThreadResult } from './asking-thread.ts';
import { applicant, ManualClock, quotaBuffers, TENANT } from './quota-fixture.ts';

const THREADS = 4;
const ASKS = 20_000;

type Work = Omit<AskingThreadData, 'buffers' | 'thread' | 'threads' | 'seed' | 'truth'>;

function spawn(data: AskingThreadData): Worker {
  return new Worker(new URL('./asking-thread.ts', import.meta.url), { workerData: data });
}

async function askFromAll(
  t: ExecutionContext,
  buffers: QuotaTableBuffers,
  work: Work,
): Promise<AskingThreadResult & { readonly most: number }> {
  const seed = seedOf('SEED');
  t.log(`SEED=${seed}`);
  const truth = new SharedArrayBuffer(12);
  const results = await Promise.all(
    Array.from({ length: THREADS }, async (_, thread) => {
      const worker = spawn({ buffers, thread, threads: THREADS, seed: seed + thread, truth, ...work });
      const [result] = await once(worker, 'message');
      await worker.terminate();
      return result as AskingThreadResult;
    }),
  );
  const sum = (key: keyof AskingThreadResult): number =>
    results.reduce((all, result) => all + result[key], 0);
  return { admitted: sum('admitted'), fuel: sum('fuel'), most: new Int32Array(truth)[1]! };
}

function isEmpty(t: ExecutionContext, table: QuotaTable): void {
  for (const [name, count] of Object.entries(TENANT_COUNT)) {
    t.is(table.tenantCount(TENANT, count), 0, name);
  }
  t.is(table.tenantCount(HOST, TENANT_COUNT.common), 0);
  t.is(table.functionCount(0, FUNCTION_COUNT.common), 0);
}

test.serial('never more run than may, all that may do, and nothing is left behind', async (t) => {
  const cap = 6;
  const buffers = quotaBuffers(THREADS, { concurrency: cap });
  const work: Work = { asks: ASKS, holds: 3, mode: 'ask', functionConcurrency: 1_000 };
  const { admitted, fuel, most } = await askFromAll(t, buffers, work);
  const table = new QuotaTable(buffers);
  t.is(most, cap);
  isEmpty(t, table);
  t.is(table.functionCount(0, FUNCTION_COUNT.ended), admitted);
  t.is(table.state(TENANT, STATE.fuelOfMonth), fuel);
});

test.serial('the concurrency of one function is exact, too', async (t) => {
  const buffers = quotaBuffers(THREADS);
  const { most } = await askFromAll(t, buffers, {
    asks: ASKS,
    holds: 3,
    mode: 'ask',
    functionConcurrency: 5,
  });
  t.is(most, 5);
  isEmpty(t, new QuotaTable(buffers));
});

test.serial('of a burst exactly as many are admitted as it has', async (t) => {
  // One more would come after 1,000 s.
  const buffers = quotaBuffers(THREADS, { requestsPerSecond: 0.001, requestBurst: 12_345 });
  const { admitted } = await askFromAll(t, buffers, {
    asks: ASKS,
    holds: 3,
    mode: 'ask',
    functionConcurrency: 1_000,
  });
  t.is(admitted, 12_345);
});

test.serial('a thread that dies while it decides keeps nobody out', async (t) => {
  const buffers = quotaBuffers(THREADS, { concurrency: 1 });
  const dying = spawn({
    buffers,
    thread: 1,
    threads: 1,
    seed: 0,
    truth: new SharedArrayBuffer(8),
    asks: 0,
    holds: 0,
    mode: 'die-inside',
    functionConcurrency: 1,
  });
  await once(dying, 'message');
  await dying.terminate();
  const table = new QuotaTable(buffers);
  table.clearThread(1);
  const admission = new Admission(table, 0, new ManualClock());
  t.is(admission.ask(applicant()).kind, 'place');
});
