/** What a usage record costs: the thread that serves, and the thread that keeps the ledger. */
import { randomUUIDv7 } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useOf } from '../host/front-door/invocation-use.ts';
import type { InvocationResult } from '../host/instance/engine.ts';
import { Ledger } from '../host/metering/ledger.ts';
import type { FunctionName, InvocationId, TenantName } from '../host/model/ids.ts';
import { recordsOf, type UsageBatch, UsageBatchWriter } from '../host/model/usage-batch.ts';
import type { InvocationUse, UsageSubject } from '../host/model/usage-record.ts';
import type { BenchReport, Figures } from './run.ts';

export const summary =
  'a usage record on its way: composed and packed on a serving thread, beside the same as objects; kept in the ledger';

export const notMeasured = [
  'what composing a record adds to an invocation in a host: the caches are warm here',
  'many tenants at once: a batch here is of one function, as a burst is',
];

const ROUNDS = 15;
const BATCH = 1_000;
const LEDGER_RECORDS = 20_000;

const CALLED: UsageSubject = {
  tenant: 'acme' as TenantName,
  generation: 0,
  name: 'hello' as FunctionName,
  version: 1,
  artifactKey: 'a'.repeat(64),
  fuelModel: 'bench',
};
const RESULT: InvocationResult = {
  failure: undefined,
  fuel: 100_073,
  peakMemoryBytes: 65_536,
  queueMs: 0.1,
  initMs: 0.1,
  execMs: 1.3,
  logBytes: 0,
  start: 'warm',
  immediateCalls: 8,
  waitingCalls: 1,
  hostCalls: [2, 0, 0, 0, 6, 1, 0, 0, 0],
  outbound: { requests: 0, sentBytes: 0, receivedBytes: 0 },
};
const END = { failure: undefined, queueMs: 0.2, requestBytes: 5, responseBytes: 26 };
const IDS = Array.from({ length: BATCH }, () => randomUUIDv7() as InvocationId);

export async function run(): Promise<BenchReport> {
  const writer = new UsageBatchWriter(BATCH);
  const compose = (i: number): InvocationUse =>
    useOf({ invocationId: IDS[i]!, trigger: 'http' }, RESULT, END);
  const subjects: Readonly<Record<string, () => unknown>> = {
    composed: () => {
      for (let i = 0; i < BATCH; i++) compose(i);
    },
    'composed, packed, cloned': () => {
      for (let i = 0; i < BATCH; i++) writer.append(CALLED, CALLED.fuelModel, compose(i));
      return structuredClone(writer.take());
    },
    'composed, cloned as objects': () =>
      structuredClone(Array.from({ length: BATCH }, (_, i) => ({ ...CALLED, ...compose(i) }))),
  };
  const nanoseconds = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, work] of Object.entries(subjects)) {
      const startMs = performance.now();
      for (let i = 0; i < 20; i++) work();
      const ns = ((performance.now() - startMs) / 20 / BATCH) * 1e6;
      nanoseconds.set(name, [...(nanoseconds.get(name) ?? []), ns]);
    }
  }
  const results: Record<string, Figures> = {};
  for (const [name, values] of nanoseconds) results[name] = { recordNs: median(values) };
  for (const size of [100, 500, 2_000]) results[`ledger, ${size} at once`] = await ledgerFigures(size);
  const packed = results['composed, packed, cloned']!['recordNs']!;
  return {
    results,
    ratios: {
      packed_vs_objects: packed / results['composed, cloned as objects']!['recordNs']!,
      ledger_100_vs_2000:
        results['ledger, 100 at once']!['recordNs']! / results['ledger, 2000 at once']!['recordNs']!,
    },
  };
}

async function ledgerFigures(size: number): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-usage-'));
  try {
    const retention = { recordDays: 1e4, minuteDays: 1e4, hourDays: 1e4, dayDays: 1e4, maxRecords: 1e9 };
    using ledger = new Ledger({ path: join(folder, 'usage.db'), retention });
    const wallMs: number[] = [];
    let cpuUs = 0;
    for (let written = 0; written < LEDGER_RECORDS; written += size) {
      const batch = batchOf(size);
      const startMs = performance.now();
      const startCpu = process.threadCpuUsage();
      ledger.append(recordsOf(batch));
      const { user, system } = process.threadCpuUsage(startCpu);
      cpuUs += user + system;
      wallMs.push(performance.now() - startMs);
    }
    // The thread's own time: a busy machine takes the core away in the middle of a large batch, and not of a small one.
    const recordNs = (cpuUs / LEDGER_RECORDS) * 1_000;
    return { recordNs, commitP50Ms: median(wallMs), commitMaxMs: Math.max(...wallMs) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function batchOf(size: number): UsageBatch {
  const writer = new UsageBatchWriter(size);
  for (let i = 0; i < size; i++) {
    const use = useOf({ invocationId: randomUUIDv7() as InvocationId, trigger: 'http' }, RESULT, END);
    writer.append(CALLED, CALLED.fuelModel, use);
  }
  return writer.take();
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
