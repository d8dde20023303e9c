/** Reads of the ledger in pages: what export streams and lists are made of. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { UsageRecord, UsageSubject } from '../model/usage-record.ts';
import { ROLLUP_SUMS, type RollupLevel, type RollupSum, type UsageRollup } from '../model/usage-rollup.ts';
import { columnOf, LEVEL_NUMBERS, RECORD_COLUMNS } from './usage-schema.ts';

/** Whose usage, and when: records by the time they ended, roll-ups by the time they begin. */
export interface UsageRange {
  /** Of all tenants where it is absent. */
  readonly tenant?: TenantName;
  readonly generation?: number;
  readonly name?: FunctionName;
  readonly version?: number;
  readonly fromMs: number;
  /** Not included. */
  readonly toMs: number;
}

/** Where a page begins: behind the last row of the one before. Plain data; nobody looks into it. */
export type UsageCursor = readonly (string | number)[];

export interface UsagePage<Row> {
  readonly rows: readonly Row[];
  /** Absent on the last page. */
  readonly next?: UsageCursor;
}

interface Subject extends UsageSubject {
  readonly id: number;
}

/** Subject by subject, each in the order in which its invocations ended. */
export function recordPage(
  database: DatabaseSync,
  range: UsageRange,
  limit: number,
  after?: UsageCursor,
): UsagePage<UsageRecord> {
  const select = database.prepare(
    `SELECT ${RECORD_COLUMNS.map((name) => `${columnOf(name)} AS ${name}`).join(', ')}
     FROM records WHERE subject = ? AND ended_at_ms >= ? AND ended_at_ms < ?
       AND (ended_at_ms, invocation_id, attempt) > (?, ?, ?)
     ORDER BY ended_at_ms, invocation_id, attempt LIMIT ?`,
  );
  const [atSubject = 0, ...atRow] = after ?? [];
  const rows: UsageRecord[] = [];
  let next: UsageCursor | undefined;
  for (const { id, ...subject } of subjectsOf(database, range, Number(atSubject))) {
    const begin = id === atSubject ? atRow : [-1, '', 0];
    const found = select.all(id, range.fromMs, range.toMs, ...begin, limit - rows.length);
    for (const row of found) rows.push({ ...subject, ...row } as unknown as UsageRecord);
    if (rows.length < limit) continue;
    const { endedAtMs, invocationId, attempt } = rows.at(-1)!;
    next = [id, endedAtMs, invocationId, attempt];
    break;
  }
  return { rows, ...(next === undefined ? {} : { next }) };
}

/** Subject by subject, each in the order of time; what is billed of a time behind what is not. */
export function rollupPage(
  database: DatabaseSync,
  level: RollupLevel,
  range: UsageRange,
  limit: number,
  after?: UsageCursor,
): UsagePage<UsageRollup> {
  const select = database.prepare(
    `SELECT start_ms, billed, peak_memory_bytes, ${ROLLUP_SUMS.map(columnOf).join(', ')}
     FROM rollups WHERE level = ? AND subject = ? AND start_ms >= ? AND start_ms < ?
       AND (start_ms, billed) > (?, ?)
     ORDER BY start_ms, billed LIMIT ?`,
  );
  select.setReadBigInts(true);
  const [atSubject = 0, ...atRow] = after ?? [];
  const rows: UsageRollup[] = [];
  let next: UsageCursor | undefined;
  for (const { id, ...subject } of subjectsOf(database, range, Number(atSubject))) {
    const begin = id === atSubject ? atRow : [-1, 0];
    const { fromMs, toMs } = range;
    const found = select.all(LEVEL_NUMBERS[level], id, fromMs, toMs, ...begin, limit - rows.length);
    for (const row of found) rows.push(toRollup(subject, level, row));
    if (rows.length < limit) continue;
    const { startMs, billed } = rows.at(-1)!;
    next = [id, startMs, billed ? 1 : 0];
    break;
  }
  return { rows, ...(next === undefined ? {} : { next }) };
}

/** What a range names, in the order in which the ledger met it. */
export function subjectsOf(
  database: DatabaseSync,
  { tenant, generation, name, version }: Partial<UsageRange>,
  fromId = 0,
): readonly Subject[] {
  const asked = { tenant, generation, name, version };
  const given = Object.entries(asked).filter(([, value]) => value !== undefined);
  const conditions = given.map(([column]) => `AND ${column} = ?`).join(' ');
  const values = given.map(([, value]) => value as string | number);
  return database
    .prepare(
      `SELECT id, tenant, generation, name, version, artifact_key AS artifactKey, fuel_model AS fuelModel
       FROM subjects WHERE id >= ? ${conditions} ORDER BY id`,
    )
    .all(fromId, ...values) as unknown as Subject[];
}

function toRollup(
  subject: UsageSubject,
  level: RollupLevel,
  row: Readonly<Record<string, SQLOutputValue>>,
): UsageRollup {
  const sums = Object.fromEntries(ROLLUP_SUMS.map((name) => [name, row[columnOf(name)]]));
  return {
    ...subject,
    level,
    startMs: Number(row['start_ms']),
    billed: row['billed'] === 1n,
    peakMemoryBytes: row['peak_memory_bytes'] as bigint,
    ...(sums as Record<RollupSum, bigint>),
  };
}
