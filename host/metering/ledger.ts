/**
 * The ledger: usage records and what they come to, in an SQLite file of their own.
 *
 * Owner: the ledger's thread (ledger-thread.ts). Invariants:
 *  1. A record is in the ledger once, however often it is told of: its key is invocation id and attempt.
 *  2. A record and its part of every roll-up are one transaction: of all records ever taken, the roll-ups of a level are the
 *     sum, for the time that the level is kept.
 *  3. Records and roll-ups are trimmed from the old end only, each level at a boundary of a coarser one, and `kept` says from when on a
 *     level is complete before anything of it is deleted. Months are never trimmed.
 *  4. What is committed survives the process, however it dies; with the power the last commits may go, whole.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { UsageRecord, UsageSubject } from '../model/usage-record.ts';
import { nextStartOf, ROLLUP_SUMS, startOf, USAGE_LEVELS, type UsageLevel } from '../model/usage-rollup.ts';
import { openDatabase, transaction } from '../store/database.ts';
import { type RollupGrowth, RollupGrowths } from './rollup-sums.ts';
import { columnOf, LEVEL_NUMBERS, RECORD_COLUMNS, USAGE_MIGRATIONS } from './usage-schema.ts';

/** How long each level is kept. */
export interface UsageRetention {
  readonly recordDays: number;
  readonly minuteDays: number;
  readonly hourDays: number;
  readonly dayDays: number;
  /** Records beyond this many go before their time: what bounds the file. About 0.2 KB each, with their index. */
  readonly maxRecords: number;
}

export interface LedgerOptions {
  /** A path, or `:memory:`. */
  readonly path: string;
  readonly retention: UsageRetention;
}

const DAY_MS = 86_400_000;

/** Rows deleted in one transaction: some 20 ms, between which records are written. */
const TRIM_ROWS = 5_000;

/** Each level is cut where one of these begins, so that what is left of it adds up to whole ones of it. */
const CUT_AT = { record: 'hour', minute: 'hour', hour: 'day', day: 'month' } as const;
type TrimmedLevel = keyof typeof CUT_AT;

export class Ledger implements Disposable {
  readonly database: DatabaseSync;
  readonly #retention: UsageRetention;
  readonly #subjects = new Map<string, number>();
  /** Most records are of the same one as the record before. */
  #latest: { readonly subject: UsageSubject; readonly id: number } | undefined;
  readonly #insert: StatementSync;
  readonly #grow: StatementSync;

  /** Throws DatabaseOpenError when the file is in use, damaged or from a newer release. */
  constructor({ path, retention }: LedgerOptions) {
    this.database = openDatabase({ path, synchronous: 'NORMAL', migrations: USAGE_MIGRATIONS });
    this.#retention = retention;
    const columns = [...RECORD_COLUMNS.map(columnOf), 'subject'];
    this.#insert = this.database.prepare(
      `INSERT INTO records (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
       ON CONFLICT DO NOTHING`,
    );
    const sums = ROLLUP_SUMS.map(columnOf);
    this.#grow = this.database.prepare(
      `INSERT INTO rollups (subject, level, start_ms, billed, peak_memory_bytes, ${sums.join(', ')})
       VALUES (?, ?, ?, ?, ?, ${sums.map(() => '?').join(', ')})
       ON CONFLICT DO UPDATE SET peak_memory_bytes = max(peak_memory_bytes, excluded.peak_memory_bytes),
         ${sums.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`,
    );
  }

  /** Takes records, all or none of them; gives how many were new. */
  append(records: Iterable<UsageRecord>): number {
    try {
      return transaction(this.database, () => this.#append(records));
    } catch (error) {
      // Those that were new are not in the file.
      this.#subjects.clear();
      this.#latest = undefined;
      throw error;
    }
  }

  /** From when on a level is complete. */
  keptFromMs(level: UsageLevel): number {
    const row = this.database.prepare('SELECT from_ms FROM kept WHERE level = ?').get(levelNumber(level));
    return Number(row?.['from_ms'] ?? 0);
  }

  /** Deletes some of what has been kept long enough; says whether there is more to delete. */
  trim(nowMs: number): boolean {
    const { recordDays, minuteDays, hourDays, dayDays } = this.#retention;
    const days = { record: recordDays, minute: minuteDays, hour: hourDays, day: dayDays };
    for (const level of ['record', 'minute', 'hour', 'day'] as const) {
      const untilMs = startOf(CUT_AT[level], nowMs - days[level] * DAY_MS);
      const endMs = Math.max(untilMs, level === 'record' ? this.#overflowMs() : 0);
      if (this.#trimLevel(level, endMs, nowMs)) return true;
    }
    return false;
  }

  [Symbol.dispose](): void {
    if (!this.database.isOpen) return;
    this.database.close();
  }

  #append(records: Iterable<UsageRecord>): number {
    const growths = new RollupGrowths();
    let taken = 0;
    for (const record of records) {
      const subject = this.#subjectOf(record);
      if (this.#insertRecord(record, subject).changes === 0) continue;
      growths.add(subject, record);
      taken++;
    }
    for (const growth of growths.values()) this.#add(growth);
    return taken;
  }

  /** In the order of RECORD_COLUMNS. Written out: to look thirty names up takes 1 µs, which is done for every record. */
  #insertRecord(record: UsageRecord, subject: number): ReturnType<StatementSync['run']> {
    return this.#insert.run(
      record.invocationId,
      record.attempt,
      record.trigger,
      record.outcome,
      record.endedAtMs,
      record.fuel,
      record.peakMemoryBytes,
      record.queueUs,
      record.initUs,
      record.execUs,
      record.start,
      record.requestBytes,
      record.responseBytes,
      record.immediateCalls,
      record.waitingCalls,
      record.componentCalls,
      record.cliCalls,
      record.clocksCalls,
      record.filesystemCalls,
      record.httpCalls,
      record.ioCalls,
      record.randomCalls,
      record.socketsCalls,
      record.otherCalls,
      record.outboundRequests,
      record.outboundSentBytes,
      record.outboundReceivedBytes,
      record.logBytes,
      record.batchSize,
      subject,
    );
  }

  #add({ subject, level, startMs, billed, sums, peakMemoryBytes }: RollupGrowth): void {
    const values = ROLLUP_SUMS.map((name) => sums[name]);
    this.#grow.run(subject, LEVEL_NUMBERS[level], startMs, billed ? 1 : 0, peakMemoryBytes, ...values);
  }

  #subjectOf(subject: UsageSubject): number {
    const latest = this.#latest;
    if (latest !== undefined && isSameSubject(latest.subject, subject)) return latest.id;
    const id = this.#idOf(subject);
    this.#latest = { subject, id };
    return id;
  }

  #idOf({ tenant, generation, name, version, artifactKey, fuelModel }: UsageSubject): number {
    const key = `${tenant}/${generation}/${name}/${version}/${artifactKey}/${fuelModel}`;
    const known = this.#subjects.get(key);
    if (known !== undefined) return known;
    const row = this.database
      .prepare(
        `INSERT INTO subjects (tenant, generation, name, version, artifact_key, fuel_model)
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = version RETURNING id`,
      )
      .get(tenant, generation, name, version, artifactKey, fuelModel);
    const id = Number(row?.['id']);
    if (this.#subjects.size > 10_000) this.#subjects.clear();
    this.#subjects.set(key, id);
    return id;
  }

  /** Until when records have to go because there are too many of them; 0 if there are not. */
  #overflowMs(): number {
    let left = this.#retention.maxRecords;
    const hours = this.database
      .prepare(
        `SELECT start_ms, sum(invocations) AS records FROM rollups WHERE level = ? AND start_ms >= ?
         GROUP BY start_ms ORDER BY start_ms DESC`,
      )
      .iterate(LEVEL_NUMBERS.hour, this.keptFromMs('record'));
    for (const row of hours) {
      left -= Number(row['records']);
      if (left < 0) return nextStartOf('hour', Number(row['start_ms']) + 1);
    }
    return 0;
  }

  #trimLevel(level: TrimmedLevel, untilMs: number, nowMs: number): boolean {
    const number = levelNumber(level);
    const fromMs = this.keptFromMs(level);
    // What is complete from a later time on was trimmed by a clock that was ahead: what comes from now on is kept.
    const keptMs = Math.max(untilMs, Math.min(fromMs, nextStartOf(CUT_AT[level], nowMs)));
    if (keptMs !== fromMs) {
      this.database
        .prepare('INSERT INTO kept VALUES (?, ?) ON CONFLICT DO UPDATE SET from_ms = excluded.from_ms')
        .run(number, keptMs);
    }
    const endMs = keptMs > nowMs ? untilMs : keptMs;
    if (level !== 'record') return this.#deleteRollups(number, endMs) > 0;
    for (const row of this.database.prepare('SELECT id FROM subjects').all()) {
      if (this.#deleteRecords(Number(row['id']), endMs) > 0) return true;
    }
    return false;
  }

  #deleteRecords(subject: number, untilMs: number): number {
    const { changes } = this.database
      .prepare(
        `DELETE FROM records WHERE (invocation_id, attempt) IN (
           SELECT invocation_id, attempt FROM records WHERE subject = ? AND ended_at_ms < ? LIMIT ?)`,
      )
      .run(subject, untilMs, TRIM_ROWS);
    return Number(changes);
  }

  #deleteRollups(level: number, untilMs: number): number {
    const { changes } = this.database
      .prepare(
        `DELETE FROM rollups WHERE (level, subject, start_ms, billed) IN (
           SELECT level, subject, start_ms, billed FROM rollups WHERE level = ? AND start_ms < ? LIMIT ?)`,
      )
      .run(level, untilMs, TRIM_ROWS);
    return Number(changes);
  }
}

/** Records are level 0. */
export function levelNumber(level: UsageLevel): number {
  return USAGE_LEVELS.indexOf(level);
}

function isSameSubject(a: UsageSubject, b: UsageSubject): boolean {
  return (
    a.version === b.version &&
    a.generation === b.generation &&
    a.name === b.name &&
    a.tenant === b.tenant &&
    a.artifactKey === b.artifactKey &&
    a.fuelModel === b.fuelModel
  );
}
