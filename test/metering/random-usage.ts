import { byHostCallColumn, HOST_CALL_COLUMNS } from '../../host/model/host-call-kind.ts';
import type { InvocationId } from '../../host/model/ids.ts';
import {
  INSTANCE_STARTS,
  type InvocationUse,
  USAGE_TRIGGERS,
  type UsageOutcome,
  type UsageRecord,
} from '../../host/model/usage-record.ts';
import type { Random } from '../instrument/random.ts';

const OUTCOMES: readonly UsageOutcome[] = [
  'returned',
  'returned',
  'returned',
  'function_trapped',
  'fuel_exhausted',
  'memory_exceeded',
  'timed_out',
  'caller_gone',
  'worker_lost',
];

/** The record as it is before it is in a batch. */
export function useOfRecord(record: UsageRecord): InvocationUse {
  return { ...record, hostCalls: HOST_CALL_COLUMNS.map((column) => record[column]) };
}

/** Numbers of every size up to `bound`. */
function amount(random: Random, bound: number): number {
  return random.below(Math.min(2 ** random.below(31), bound) + 1);
}

let ids = 0;

/** A record that could have been, of one of a few functions of two tenants. */
export function randomRecord(random: Random, fields: Partial<UsageRecord> = {}): UsageRecord {
  const version = 1 + random.below(3);
  return {
    tenant: random.pick(['acme', 'umbrella']) as UsageRecord['tenant'],
    generation: 1,
    name: random.pick(['hello', 'resize']) as UsageRecord['name'],
    version,
    artifactKey: `artifact-${version}`,
    fuelModel: 'fuel-1',
    invocationId: `00000000-0000-7000-8000-${(++ids).toString().padStart(12, '0')}` as InvocationId,
    attempt: 1 + random.below(3),
    trigger: random.pick(USAGE_TRIGGERS),
    outcome: random.pick(OUTCOMES),
    endedAtMs: Date.UTC(2026, 10, 1) + random.below(30 * 86_400) * 1_000 + random.below(1_000),
    fuel: amount(random, 2 ** 31 - 1) * (1 + random.below(1_000)),
    peakMemoryBytes: 65_536 * (1 + random.below(2_048)),
    queueUs: amount(random, 10_000),
    initUs: amount(random, 10_000),
    execUs: amount(random, 900_000_000),
    start: random.pick(INSTANCE_STARTS),
    requestBytes: amount(random, 2 ** 30),
    responseBytes: amount(random, 2 ** 30),
    immediateCalls: amount(random, 10_000),
    waitingCalls: amount(random, 10_000),
    ...byHostCallColumn(() => amount(random, 10_000)),
    outboundRequests: amount(random, 100),
    outboundSentBytes: amount(random, 2 ** 30),
    outboundReceivedBytes: amount(random, 2 ** 30),
    logBytes: amount(random, 262_144),
    batchSize: 1 + random.below(100),
    ...fields,
  };
}
