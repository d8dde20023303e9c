import test, { type ExecutionContext } from 'ava';
import { LATENCY_BOUNDS_US, latencyHistogram } from '../../host/metering/latency-histogram.ts';
import { Ledger } from '../../host/metering/ledger.ts';
import type { FunctionName, TenantName } from '../../host/model/ids.ts';
import type { UsageRecord } from '../../host/model/usage-record.ts';
import { Random, seedOf } from '../instrument/random.ts';
import { randomRecord } from './random-usage.ts';

const NOVEMBER = { fromMs: Date.UTC(2026, 10, 1), toMs: Date.UTC(2026, 11, 1) };
const RETENTION = {
  recordDays: 9_999,
  minuteDays: 9_999,
  hourDays: 9_999,
  dayDays: 9_999,
  maxRecords: 100_000,
};

function ledgerOf(t: ExecutionContext, records: readonly UsageRecord[]): Ledger {
  const ledger = new Ledger({ path: ':memory:', retention: RETENTION });
  t.teardown(() => ledger[Symbol.dispose]());
  ledger.append(records);
  return ledger;
}

const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);

test('each record that had an instance is in the bucket of the first bound that it is not above', (t) => {
  const seed = seedOf('MAYFLY_USAGE_SEED');
  t.log(`seed ${seed}: MAYFLY_USAGE_SEED=${seed}`);
  const random = new Random(seed);
  const records = Array.from({ length: 500 }, () => randomRecord(random));
  const { database } = ledgerOf(t, records);
  const expected = { warm: new Map<number, number>(), cold: new Map<number, number>() };
  for (const { start, queueUs, initUs, execUs } of records) {
    if (start === 'none') continue;
    const index = LATENCY_BOUNDS_US.findIndex((bound) => queueUs + initUs + execUs <= bound);
    const bucket = index === -1 ? LATENCY_BOUNDS_US.length : index;
    expected[start].set(bucket, (expected[start].get(bucket) ?? 0) + 1);
  }
  const histogram = latencyHistogram(database, { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER });
  for (const kind of ['warm', 'cold'] as const) {
    for (const [bucket, count] of histogram[kind].entries()) t.is(count, expected[kind].get(bucket) ?? 0);
  }
  t.is(sum(histogram.init), sum(histogram.cold));
  t.false(histogram.isSampled);
});

test('a bound is part of its bucket, and what is beyond all of them is counted', (t) => {
  const random = new Random(1);
  const took = (execUs: number) =>
    randomRecord(random, {
      endedAtMs: NOVEMBER.fromMs,
      start: 'warm',
      queueUs: 0,
      initUs: 0,
      execUs,
    });
  const last = LATENCY_BOUNDS_US.at(-1)!;
  const { database } = ledgerOf(t, [0, 10, 11, last, last + 1].map(took));
  const { warm } = latencyHistogram(database, NOVEMBER);
  t.deepEqual([warm[0], warm[1], warm.at(-2), warm.at(-1)], [2, 1, 1, 1]);
  t.is(sum(warm), 5);
});

test('of a tenant, a function and a time; of many records the newest', (t) => {
  const random = new Random(1);
  const fields = { start: 'cold', queueUs: 0, initUs: 1, execUs: 1, version: 1, artifactKey: 'a' } as const;
  const record = (tenant: string, name: string, endedAtMs: number, execUs = 1) =>
    randomRecord(random, {
      ...fields,
      tenant: tenant as TenantName,
      name: name as FunctionName,
      endedAtMs,
      execUs,
    });
  const at = NOVEMBER.fromMs;
  const { database } = ledgerOf(t, [
    record('acme', 'hello', at, 1_000_000),
    record('acme', 'hello', at + 1),
    record('acme', 'hello', at + 2),
    record('acme', 'other', at),
    record('umbrella', 'hello', at),
    record('acme', 'hello', NOVEMBER.toMs),
  ]);
  const asked = { ...NOVEMBER, tenant: 'acme' as TenantName, name: 'hello' as FunctionName };
  t.is(sum(latencyHistogram(database, asked).cold), 3);
  t.is(sum(latencyHistogram(database, { ...NOVEMBER, tenant: 'acme' as TenantName }).cold), 4);
  const sampled = latencyHistogram(database, asked, 2);
  t.deepEqual([sampled.cold[0], sum(sampled.cold), sampled.isSampled], [2, 2, true]);
});
