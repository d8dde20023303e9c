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

/** What one record counts for in each sum, in the order of ROLLUP_SUMS. Written out: this is done for every record. */
function writeAmounts(record: UsageRecord, into: Float64Array): void {
  let at = 0;
  into[at++] = 1;
  into[at++] = record.outcome === 'returned' ? 0 : 1;
  into[at++] = record.start === 'cold' ? 1 : 0;
  into[at++] = record.fuel;
  into[at++] = memoryTimeKiBMs(record);
  into[at++] = record.queueUs;
  into[at++] = record.initUs;
  into[at++] = record.execUs;
  into[at++] = record.requestBytes;
  into[at++] = record.responseBytes;
  into[at++] = egressBytes(record);
  into[at++] = record.immediateCalls;
  into[at++] = record.waitingCalls;
  into[at++] = record.componentCalls;
  into[at++] = record.cliCalls;
  into[at++] = record.clocksCalls;
  into[at++] = record.filesystemCalls;
  into[at++] = record.httpCalls;
  into[at++] = record.ioCalls;
  into[at++] = record.randomCalls;
  into[at++] = record.socketsCalls;
  into[at++] = record.otherCalls;
  into[at++] = record.outboundRequests;
  into[at++] = record.outboundSentBytes;
  into[at++] = record.outboundReceivedBytes;
  into[at++] = record.logBytes;
}

/**
 * Sums of whole numbers, exact however large they become: as numbers while they are below 2^53, since a bigint for each amount of each
 * record took a sixth of what a record does.
 */
class ExactSums {
  readonly #wholes: bigint[] = ROLLUP_SUMS.map(() => 0n);
  readonly #parts = new Float64Array(ROLLUP_SUMS.length);

  /** @param amounts none larger than 2^53 - 1 */
  add(amounts: Float64Array): void {
    const parts = this.#parts;
    for (let i = 0; i < parts.length; i++) {
      const sum = parts[i]! + amounts[i]!;
      if (sum <= Number.MAX_SAFE_INTEGER) parts[i] = sum;
      else {
        this.#wholes[i]! += BigInt(parts[i]!);
        parts[i] = amounts[i]!;
      }
    }
  }

  get sums(): UsageSums {
    const entries = ROLLUP_SUMS.map((name, i) => [name, this.#wholes[i]! + BigInt(this.#parts[i]!)]);
    return Object.fromEntries(entries) as UsageSums;
  }
}

/** Records of one minute. */
interface MinuteGrowth {
  readonly subject: number;
  readonly startMs: number;
  readonly billed: boolean;
  readonly exact: ExactSums;
  peakMemoryBytes: number;
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
  readonly #minutes = new Map<string, MinuteGrowth>();
  readonly #amounts = new Float64Array(ROLLUP_SUMS.length);
  /** Most records are of the same minute as the one before. */
  #latest: MinuteGrowth | undefined;

  add(subject: number, record: UsageRecord): void {
    const billed = isBilled(record.outcome);
    const minute = this.#minuteOf(subject, billed, startOf('minute', record.endedAtMs));
    writeAmounts(record, this.#amounts);
    minute.exact.add(this.#amounts);
    minute.peakMemoryBytes = Math.max(minute.peakMemoryBytes, record.peakMemoryBytes);
  }

  /** Rows of all levels. */
  values(): Iterable<RollupGrowth> {
    const rows = new Map<string, RollupGrowth>();
    for (const { subject, billed, startMs, exact, peakMemoryBytes } of this.#minutes.values()) {
      const { sums } = exact;
      for (const level of ROLLUP_LEVELS)
        grow(rowOf(rows, subject, level, billed, startOf(level, startMs)), sums, peakMemoryBytes);
    }
    return rows.values();
  }

  #minuteOf(subject: number, billed: boolean, startMs: number): MinuteGrowth {
    const latest = this.#latest;
    if (latest?.subject === subject && latest.billed === billed && latest.startMs === startMs) return latest;
    const key = `${subject} ${billed} ${startMs}`;
    let minute = this.#minutes.get(key);
    if (minute === undefined) {
      minute = { subject, billed, startMs, exact: new ExactSums(), peakMemoryBytes: 0 };
      this.#minutes.set(key, minute);
    }
    this.#latest = minute;
    return minute;
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
