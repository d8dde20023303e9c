import { ERROR_TABLE } from '../errors/errors.ts';
import { byHostCallColumn } from '../model/host-call-kind.ts';
import { egressBytes, isBilled, memoryTimeKiBMs, type UsageRecord } from '../model/usage-record.ts';
import { ROLLUP_SUMS, type RollupSum, type UsageRollup } from '../model/usage-rollup.ts';
import type { UsageRecordJson, UsageRollupJson, UsageRowJson } from './usage-schemas.ts';

export function usageRecordJson(record: UsageRecord): UsageRecordJson {
  const { name, artifactKey, endedAtMs, outcome, ...rest } = record;
  return {
    tenant: rest.tenant,
    generation: rest.generation,
    function: name,
    version: rest.version,
    artifact: artifactKey,
    fuelModel: rest.fuelModel,
    invocationId: rest.invocationId,
    attempt: rest.attempt,
    trigger: rest.trigger,
    outcome,
    fault: outcome === 'returned' ? 'none' : ERROR_TABLE[outcome].fault,
    billed: isBilled(outcome),
    endedAt: new Date(endedAtMs).toISOString(),
    fuel: rest.fuel,
    peakMemoryBytes: rest.peakMemoryBytes,
    memoryTimeKiBMs: memoryTimeKiBMs(record),
    queueUs: rest.queueUs,
    initUs: rest.initUs,
    execUs: rest.execUs,
    start: rest.start,
    requestBytes: rest.requestBytes,
    responseBytes: rest.responseBytes,
    egressBytes: egressBytes(record),
    immediateCalls: rest.immediateCalls,
    waitingCalls: rest.waitingCalls,
    ...byHostCallColumn((column) => rest[column]),
    outboundRequests: rest.outboundRequests,
    outboundSentBytes: rest.outboundSentBytes,
    outboundReceivedBytes: rest.outboundReceivedBytes,
    logBytes: rest.logBytes,
    batchSize: rest.batchSize,
  };
}

export function usageRollupJson(rollup: UsageRollup): UsageRollupJson {
  const { tenant, generation, name, version, artifactKey, fuelModel } = rollup;
  const sums = Object.fromEntries(ROLLUP_SUMS.map((sum) => [sum, rollup[sum].toString()]));
  return {
    tenant,
    generation,
    function: name,
    version,
    artifact: artifactKey,
    fuelModel,
    level: rollup.level,
    start: new Date(rollup.startMs).toISOString(),
    billed: rollup.billed,
    peakMemoryBytes: rollup.peakMemoryBytes.toString(),
    ...(sums as Record<RollupSum, string>),
  };
}

/** RFC 4180: the head, then a line for each row. */
export function csvHead(row: UsageRowJson): string {
  return `${Object.keys(row).join(',')}\r\n`;
}

export function csvLine(row: UsageRowJson): string {
  return `${Object.values(row).map(csvCell).join(',')}\r\n`;
}

function csvCell(value: string | number | boolean): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
