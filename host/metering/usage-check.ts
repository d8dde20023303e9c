/**
 * Whether the ledger adds up: each level of roll-ups against the one it was added up from, over the time that both are
 * kept. A month that was billed is proved by the chain: records = hours, minutes = hours, hours = days, days = month.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { TenantName } from '../model/ids.ts';
import { isBilled, memoryTimeKiBMs, type UsageOutcome } from '../model/usage-record.ts';
import {
  nextStartOf,
  ROLLUP_SUMS,
  type RollupLevel,
  type UsageLevel,
  type UsageSums,
} from '../model/usage-rollup.ts';
import { levelNumber } from './ledger.ts';
import { addSums, noSums } from './rollup-sums.ts';
import { recordPage, subjectsOf, type UsageCursor } from './usage-pages.ts';
import { columnOf, LEVEL_NUMBERS } from './usage-schema.ts';

/** What was compared, and what differed. */
export interface LevelCheck {
  readonly from: UsageLevel;
  readonly to: RollupLevel;
  /** The time that both are kept in; nothing was compared where it is empty. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly invocations: bigint;
  /** What the finer level says of the bill, over all functions. */
  readonly billed: BilledSums;
  readonly differences: readonly UsageDifference[];
}

export type BilledSums = Pick<UsageSums, (typeof BILLED_SUMS)[number]>;

/** What a bill is made of. */
const BILLED_SUMS = ['invocations', 'fuel', 'memoryTimeKiBMs', 'egressBytes'] as const;

export interface UsageDifference {
  readonly name: string;
  readonly version: number;
  readonly billed: boolean;
  readonly sum: string;
  readonly added: bigint;
  readonly kept: bigint;
}

const CHAIN = [
  ['record', 'hour'],
  ['minute', 'hour'],
  ['hour', 'day'],
  ['day', 'month'],
] as const satisfies readonly (readonly [UsageLevel, RollupLevel])[];

export interface CheckedMonth {
  readonly tenant: TenantName;
  readonly generation: number;
  readonly fromMs: number;
  readonly toMs: number;
}

type SumsByRow = Map<string, UsageSums>;

/** Records are read a page at a time: a month of them may be millions. */
const PAGE_ROWS = 5_000;

export function checkMonth(database: DatabaseSync, month: CheckedMonth): LevelCheck[] {
  return CHAIN.map(([from, to]) => {
    const keptMs = Math.max(month.fromMs, keptFromMs(database, from), keptFromMs(database, to));
    const range = { ...month, fromMs: Math.min(nextStartOf(to, keptMs), month.toMs) };
    const added = from === 'record' ? recordSums(database, range) : rollupSums(database, from, range);
    const kept = rollupSums(database, to, range);
    let invocations = 0n;
    for (const sums of kept.values()) invocations += sums.invocations;
    return {
      from,
      to,
      fromMs: range.fromMs,
      toMs: range.toMs,
      invocations,
      billed: billedSums(added),
      differences: differences(added, kept),
    };
  });
}

function keptFromMs(database: DatabaseSync, level: UsageLevel): number {
  const row = database.prepare('SELECT from_ms FROM kept WHERE level = ?').get(levelNumber(level));
  return Number(row?.['from_ms'] ?? 0);
}

function recordSums(database: DatabaseSync, month: CheckedMonth): SumsByRow {
  const sums: SumsByRow = new Map();
  let cursor: UsageCursor | undefined;
  do {
    const page = recordPage(database, month, PAGE_ROWS, cursor);
    for (const record of page.rows) {
      const key = `${record.name} ${record.version} ${isBilled(record.outcome as UsageOutcome)}`;
      const row = sums.get(key) ?? noSums();
      addSums(row, {
        ...noSums(),
        invocations: 1n,
        fuel: BigInt(record.fuel),
        memoryTimeKiBMs: BigInt(memoryTimeKiBMs(record)),
        egressBytes: BigInt(record.responseBytes + record.outboundSentBytes),
      });
      sums.set(key, row);
    }
    cursor = page.next;
  } while (cursor !== undefined);
  return sums;
}

export function rollupSums(database: DatabaseSync, level: RollupLevel, month: CheckedMonth): SumsByRow {
  const select = database.prepare(
    `SELECT billed, ${ROLLUP_SUMS.map((name) => `sum(${columnOf(name)}) AS ${columnOf(name)}`).join(', ')}
     FROM rollups WHERE level = ? AND subject = ? AND start_ms >= ? AND start_ms < ? GROUP BY billed`,
  );
  select.setReadBigInts(true);
  const sums: SumsByRow = new Map();
  for (const { id, name, version } of subjectsOf(database, month)) {
    for (const row of select.all(LEVEL_NUMBERS[level], id, month.fromMs, month.toMs)) {
      const key = `${name} ${version} ${row['billed'] === 1n}`;
      const into = sums.get(key) ?? noSums();
      addSums(
        into,
        Object.fromEntries(ROLLUP_SUMS.map((sum) => [sum, row[columnOf(sum)]])) as unknown as UsageSums,
      );
      sums.set(key, into);
    }
  }
  return sums;
}

function billedSums(rows: SumsByRow): BilledSums {
  const total = noSums();
  for (const [key, sums] of rows) if (key.endsWith(' true')) addSums(total, sums);
  const { invocations, fuel, memoryTimeKiBMs, egressBytes } = total;
  return { invocations, fuel, memoryTimeKiBMs, egressBytes };
}

function differences(added: SumsByRow, kept: SumsByRow): UsageDifference[] {
  const found: UsageDifference[] = [];
  for (const key of new Set([...added.keys(), ...kept.keys()])) {
    const [name = '', version, billed] = key.split(' ');
    for (const sum of BILLED_SUMS) {
      const [a, b] = [added.get(key)?.[sum] ?? 0n, kept.get(key)?.[sum] ?? 0n];
      if (a === b) continue;
      found.push({ name, version: Number(version), billed: billed === 'true', sum, added: a, kept: b });
    }
  }
  return found;
}
