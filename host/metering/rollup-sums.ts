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

/** Adds records up by row, so that a burst of one function costs one statement per level. */
export class RollupGrowths {
  readonly #rows = new Map<string, RollupGrowth>();
  /** The last minute, whose four rows most records of a batch belong to. */
  readonly #minutes = new Map<string, readonly RollupGrowth[]>();

  add(subject: number, record: UsageRecord): void {
    const billed = isBilled(record.outcome);
    const sums = sumsOf(record);
    for (const row of this.#rowsOf(subject, billed, record.endedAtMs)) {
      addSums(row.sums, sums);
      row.peakMemoryBytes = Math.max(row.peakMemoryBytes, record.peakMemoryBytes);
    }
  }

  values(): IterableIterator<RollupGrowth> {
    return this.#rows.values();
  }

  #rowsOf(subject: number, billed: boolean, atMs: number): readonly RollupGrowth[] {
    const minuteKey = `${subject} ${billed} ${startOf('minute', atMs)}`;
    let rows = this.#minutes.get(minuteKey);
    if (rows === undefined) {
      rows = ROLLUP_LEVELS.map((level) => this.#row(subject, level, billed, startOf(level, atMs)));
      this.#minutes.set(minuteKey, rows);
    }
    return rows;
  }

  #row(subject: number, level: RollupLevel, billed: boolean, startMs: number): RollupGrowth {
    const key = `${level} ${subject} ${billed} ${startMs}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = { subject, level, startMs, billed, sums: noSums(), peakMemoryBytes: 0 };
      this.#rows.set(key, row);
    }
    return row;
  }
}
