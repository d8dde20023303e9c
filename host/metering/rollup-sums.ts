import { egressBytes, isBilled, memoryTimeKiBMs, type UsageRecord } from '../model/usage-record.ts';
import {
  ROLLUP_LEVELS,
  ROLLUP_SUMS,
  type RollupLevel,
  startOf,
  type UsageSums,
} from '../model/usage-rollup.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What one row of the roll-ups is to grow by. */
export interface RollupGrowth {
  readonly subject: number;
  readonly level: RollupLevel;
  readonly startMs: number;
  readonly billed: boolean;
  readonly sums: UsageSums;
  peakMemoryBytes: number;
}

/** What one record counts for in each sum. */
export function sumsOf(record: UsageRecord): UsageSums {
  return {
    invocations: 1n,
    failures: record.outcome === 'returned' ? 0n : 1n,
    coldStarts: record.start === 'cold' ? 1n : 0n,
    fuel: BigInt(record.fuel),
    memoryTimeKiBMs: BigInt(memoryTimeKiBMs(record)),
    queueUs: BigInt(record.queueUs),
    initUs: BigInt(record.initUs),
    execUs: BigInt(record.execUs),
    requestBytes: BigInt(record.requestBytes),
    responseBytes: BigInt(record.responseBytes),
    egressBytes: BigInt(egressBytes(record)),
    immediateCalls: BigInt(record.immediateCalls),
    waitingCalls: BigInt(record.waitingCalls),
    componentCalls: BigInt(record.componentCalls),
    cliCalls: BigInt(record.cliCalls),
    clocksCalls: BigInt(record.clocksCalls),
    filesystemCalls: BigInt(record.filesystemCalls),
    httpCalls: BigInt(record.httpCalls),
    ioCalls: BigInt(record.ioCalls),
    randomCalls: BigInt(record.randomCalls),
    socketsCalls: BigInt(record.socketsCalls),
    otherCalls: BigInt(record.otherCalls),
    outboundRequests: BigInt(record.outboundRequests),
    outboundSentBytes: BigInt(record.outboundSentBytes),
    outboundReceivedBytes: BigInt(record.outboundReceivedBytes),
    logBytes: BigInt(record.logBytes),
  };
}

export function addSums(into: Mutable<UsageSums>, from: UsageSums): void {
  for (const name of ROLLUP_SUMS) into[name] += from[name];
}

export function noSums(): Mutable<UsageSums> {
  return Object.fromEntries(ROLLUP_SUMS.map((name) => [name, 0n])) as Mutable<UsageSums>;
}

/**
 * Adds records up by row, so that a burst of one function costs one statement per level. A record is added to its minute
 * alone, and minutes to what they are part of once all records are in: most of a batch are of one.
 */
export class RollupGrowths {
  readonly #minutes = new Map<string, RollupGrowth>();

  add(subject: number, record: UsageRecord): void {
    const billed = isBilled(record.outcome);
    const minute = rowOf(this.#minutes, subject, 'minute', billed, startOf('minute', record.endedAtMs));
    grow(minute, sumsOf(record), record.peakMemoryBytes);
  }

  /** Rows of all levels. */
  values(): Iterable<RollupGrowth> {
    const rows = new Map<string, RollupGrowth>();
    for (const { subject, billed, startMs, sums, peakMemoryBytes } of this.#minutes.values()) {
      for (const level of ROLLUP_LEVELS)
        grow(rowOf(rows, subject, level, billed, startOf(level, startMs)), sums, peakMemoryBytes);
    }
    return rows.values();
  }
}

function grow(row: RollupGrowth, sums: UsageSums, peakMemoryBytes: number): void {
  addSums(row.sums, sums);
  row.peakMemoryBytes = Math.max(row.peakMemoryBytes, peakMemoryBytes);
}

function rowOf(
  rows: Map<string, RollupGrowth>,
  subject: number,
  level: RollupLevel,
  billed: boolean,
  startMs: number,
): RollupGrowth {
  const key = `${level} ${subject} ${billed} ${startMs}`;
  let row = rows.get(key);
  if (row === undefined) {
    row = { subject, level, startMs, billed, sums: noSums(), peakMemoryBytes: 0 };
    rows.set(key, row);
  }
  return row;
}
