/**
 * What functions wrote to their logs, in an SQLite file of its own: losing it costs no function, so it is not
 * synced at every commit and never slows a publish down.
 *
 * Owner: the main thread. Invariants:
 *  1. Ids grow with the order of `append`, over all functions, and are never given twice.
 *  2. A function keeps at most `retainedBytes` of log; the oldest records go first. A record counts its
 *     message and RECORD_OVERHEAD_BYTES, so that a flood of empty lines is bounded as well. All functions of a tenant
 *     together keep at most `retainedBytesPerTenant`, in the same order.
 *  3. At most PENDING_BYTES wait in memory; one transaction per turn of the event loop writes them, which is
 *     30 µs for the commit instead of for every record.
 *  4. Reads see every record that was appended before them.
 *  5. A log that cannot be written harms nothing but itself: neither `append` nor the flush throws.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { HOST_LIMITS } from '../limits/limits.ts';
import type { FunctionName, InvocationId, TenantName } from '../model/ids.ts';
import { type LogFilter, levelsFrom } from '../model/log-filter.ts';
import type { LogRecord } from '../model/log-record.ts';
import { Outage } from '../outage.ts';
import { type CopyOptions, copyDatabase } from './backup/database-copy.ts';
import { openDatabase, transaction } from './database.ts';

/** A record with its place in the order of all records. */
export interface StoredLogRecord extends LogRecord {
  readonly id: number;
}

export interface LogStoreOptions {
  /** A path, or `:memory:`. */
  readonly path: string;
  readonly retainedBytes?: number;
  readonly retainedBytesPerTenant?: number;
  /** For the operator: records could not be written, say on a full disk, and are lost. A process warning where absent. */
  readonly report?: (message: string, error?: unknown) => void;
}

/** Which records to read: of those that are wanted the newest `limit`, below `beforeId` where it is given. */
export interface LogPage extends LogFilter {
  readonly limit: number;
  readonly beforeId?: number;
}

/** A row's other columns and its place in two B-trees. */
const RECORD_OVERHEAD_BYTES = 200;

/** About one function's whole log; beyond it `append` writes before it returns. */
const PENDING_BYTES = HOST_LIMITS.logRetainedBytesPerFunction;

/** Trimming to seven eighths of the cap makes it one delete per eighth written, instead of one per flush. */
const TRIM_TO = 7 / 8;

/** A longer message would alone evict most of the log; it is cut, and says so. */
const MESSAGE_SHARE = 1 / 4;

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE logs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant        TEXT NOT NULL,
    name          TEXT NOT NULL,
    version       INTEGER NOT NULL,
    invocation_id TEXT NOT NULL,
    timestamp_ms  REAL NOT NULL,
    level         TEXT NOT NULL,
    source        TEXT NOT NULL,
    message       TEXT NOT NULL,
    bytes         INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX logs_by_function ON logs (tenant, name, id, bytes);
  `,
  `
  ALTER TABLE logs ADD COLUMN trace_id TEXT;
  ALTER TABLE logs ADD COLUMN span_id TEXT;
  CREATE INDEX logs_by_tenant ON logs (tenant, id, bytes);
  `,
];

export class LogStore implements Disposable {
  readonly #database: DatabaseSync;
  readonly #retainedBytes: number;
  readonly #retainedBytesPerTenant: number;
  readonly #writing: Outage;
  readonly #insert: StatementSync;
  /** Bytes kept per function, filled when a function is first written to. */
  readonly #kept = new Map<string, number>();
  /** The same per tenant. */
  readonly #keptOfTenant = new Map<TenantName, number>();
  #pending: StoredLogRecord[] = [];
  #pendingBytes = 0;
  #flushing: NodeJS.Immediate | undefined;
  #lastId: number;

  /** Throws DatabaseOpenError when the file is in use, damaged or from a newer release. */
  constructor(options: LogStoreOptions) {
    this.#retainedBytes = options.retainedBytes ?? HOST_LIMITS.logRetainedBytesPerFunction;
    this.#retainedBytesPerTenant = options.retainedBytesPerTenant ?? HOST_LIMITS.logRetainedBytesPerTenant;
    this.#writing = new Outage(
      { failing: 'logs of functions could not be written', working: 'logs of functions are written again' },
      options.report ?? ((message, error = '') => process.emitWarning(`${message}: ${error}`)),
    );
    this.#database = openDatabase({ path: options.path, synchronous: 'NORMAL', migrations: MIGRATIONS });
    this.#insert = this.#database.prepare(
      `INSERT INTO logs (id, tenant, name, version, invocation_id, timestamp_ms, level, source, message, bytes,
                         trace_id, span_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const sequence = this.#database.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'logs'`).get();
    this.#lastId = Number(sequence?.['seq'] ?? 0);
  }

  /** Takes records in and returns them as they will be read, with their ids; written by the end of the turn. */
  append(records: readonly LogRecord[]): StoredLogRecord[] {
    const stored = records.map((record) => ({
      ...record,
      message: this.#cut(record.message),
      id: ++this.#lastId,
    }));
    for (const record of stored) {
      this.#pending.push(record);
      this.#pendingBytes += recordBytes(record);
      if (this.#pendingBytes > PENDING_BYTES) this.flush();
    }
    if (this.#pending.length > 0) this.#flushing ??= setImmediate(() => this.flush());
    return stored;
  }

  /** The newest records of a function that are wanted, oldest of them first. */
  tail(tenant: TenantName, name: FunctionName, page: LogPage): StoredLogRecord[] {
    this.flush();
    const { conditions, values } = conditionsOf(page);
    // A function's log has a few thousand records: those are looked through by the index of the function.
    const where = ['tenant = ?', 'name = ?', ...conditions].join(' AND ');
    const rows = this.#database
      .prepare(`SELECT * FROM logs WHERE ${where} ORDER BY id DESC LIMIT ?`)
      .all(tenant, name, ...values, page.limit);
    return rows.map(toLogRecord).reverse();
  }

  /** Copies what was appended before, at least. See {@link copyDatabase}. */
  copyTo(options: CopyOptions): Promise<void> {
    this.flush();
    return copyDatabase(this.#database, options);
  }

  /** Forgets the log of a function. */
  remove(tenant: TenantName, name: FunctionName): void {
    this.flush();
    this.#database.prepare('DELETE FROM logs WHERE tenant = ? AND name = ?').run(tenant, name);
    this.#kept.delete(functionKey(tenant, name));
    this.#keptOfTenant.delete(tenant);
  }

  /** Functions that have a log. A host that starts removes those of functions that are gone. */
  functions(): { readonly tenant: TenantName; readonly name: FunctionName }[] {
    this.flush();
    const rows = this.#database.prepare('SELECT DISTINCT tenant, name FROM logs').all();
    return rows.map((row) => ({ tenant: row['tenant'] as TenantName, name: row['name'] as FunctionName }));
  }

  /** Writes what waits, now instead of at the end of the turn. */
  flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#pending.length === 0) return;
    const records = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      transaction(this.#database, () => this.#write(records));
      this.#writing.worked();
    } catch (error) {
      // The counts of a transaction that did not happen are wrong; they are read again when needed.
      this.#kept.clear();
      this.#keptOfTenant.clear();
      this.#writing.failed(error, records.length);
    }
  }

  close(): void {
    if (!this.#database.isOpen) return;
    this.flush();
    this.#writing[Symbol.dispose]();
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #write(records: readonly StoredLogRecord[]): void {
    const touched = new Map<string, StoredLogRecord>();
    const tenants = new Set<TenantName>();
    for (const record of records) {
      const { id, tenant, name, version, invocationId, timestampMs, level, source, message } = record;
      const { traceId = null, spanId = null } = record;
      const key = functionKey(tenant, name);
      const bytes = recordBytes(record);
      const kept = this.#keptBytes(record);
      const keptOfTenant = this.#keptBytesOfTenant(tenant);
      this.#insert.run(
        id,
        tenant,
        name,
        version,
        invocationId,
        timestampMs,
        level,
        source,
        message,
        bytes,
        traceId,
        spanId,
      );
      this.#keptOfTenant.set(tenant, keptOfTenant + bytes);
      tenants.add(tenant);
      this.#kept.set(key, kept + bytes);
      touched.set(key, record);
    }
    for (const { tenant, name } of touched.values()) this.#trim(tenant, name);
    for (const tenant of tenants) this.#trimTenant(tenant);
  }

  #keptBytes({ tenant, name }: LogRecord): number {
    const known = this.#kept.get(functionKey(tenant, name));
    if (known !== undefined) return known;
    const row = this.#database
      .prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM logs WHERE tenant = ? AND name = ?')
      .get(tenant, name);
    return Number(row?.['bytes']);
  }

  #keptBytesOfTenant(tenant: TenantName): number {
    const known = this.#keptOfTenant.get(tenant);
    if (known !== undefined) return known;
    const row = this.#database
      .prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM logs WHERE tenant = ?')
      .get(tenant);
    return Number(row?.['bytes']);
  }

  #trimTenant(tenant: TenantName): void {
    let kept = this.#keptOfTenant.get(tenant) ?? 0;
    if (kept <= this.#retainedBytesPerTenant) return;
    let lastDropped = 0;
    const oldestFirst = this.#database
      .prepare('SELECT id, bytes FROM logs WHERE tenant = ? ORDER BY id')
      .iterate(tenant);
    for (const row of oldestFirst) {
      if (kept <= this.#retainedBytesPerTenant * TRIM_TO) break;
      kept -= Number(row['bytes']);
      lastDropped = Number(row['id']);
    }
    this.#database.prepare('DELETE FROM logs WHERE tenant = ? AND id <= ?').run(tenant, lastDropped);
    this.#keptOfTenant.set(tenant, kept);
    // Which of its functions it came from is looked up when they are written to again.
    for (const key of this.#kept.keys()) if (key.startsWith(`${tenant}/`)) this.#kept.delete(key);
  }

  #trim(tenant: TenantName, name: FunctionName): void {
    const key = functionKey(tenant, name);
    let kept = this.#kept.get(key) ?? 0;
    if (kept <= this.#retainedBytes) return;
    const before = kept;
    let lastDropped = 0;
    const oldestFirst = this.#database
      .prepare('SELECT id, bytes FROM logs WHERE tenant = ? AND name = ? ORDER BY id')
      .iterate(tenant, name);
    for (const row of oldestFirst) {
      if (kept <= this.#retainedBytes * TRIM_TO) break;
      kept -= Number(row['bytes']);
      lastDropped = Number(row['id']);
    }
    this.#database
      .prepare('DELETE FROM logs WHERE tenant = ? AND name = ? AND id <= ?')
      .run(tenant, name, lastDropped);
    this.#kept.set(key, kept);
    const ofTenant = this.#keptOfTenant.get(tenant);
    if (ofTenant !== undefined) this.#keptOfTenant.set(tenant, ofTenant - (before - kept));
  }

  #cut(message: string): string {
    const most = Math.floor(this.#retainedBytes * MESSAGE_SHARE);
    // A UTF-16 unit is at most three bytes of UTF-8: most messages are shown to fit without being encoded.
    if (message.length * 3 <= most) return message;
    const bytes = Buffer.from(message);
    if (bytes.length <= most) return message;
    const end = lastCharacterBoundary(bytes, most);
    return `${bytes.toString('utf8', 0, end)}… (${bytes.length - end} bytes cut)`;
  }
}

function recordBytes(record: LogRecord): number {
  return Buffer.byteLength(record.message) + RECORD_OVERHEAD_BYTES;
}

/** Names are RFC 1123 labels, so a slash cannot be in either. */
function functionKey(tenant: TenantName, name: FunctionName): string {
  return `${tenant}/${name}`;
}

/** The largest index up to `end` that does not split a UTF-8 sequence. */
function lastCharacterBoundary(bytes: Buffer, end: number): number {
  let boundary = end;
  while (boundary > 0 && ((bytes[boundary] ?? 0) & 0xc0) === 0x80) boundary--;
  return boundary;
}

function conditionsOf({ beforeId, sinceMs, level, invocationId, traceId }: LogPage): {
  readonly conditions: readonly string[];
  readonly values: readonly (string | number)[];
} {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const add = (condition: string, ...given: readonly (string | number)[]): void => {
    conditions.push(condition);
    values.push(...given);
  };
  if (beforeId !== undefined) add('id < ?', beforeId);
  if (sinceMs !== undefined) add('timestamp_ms >= ?', sinceMs);
  if (invocationId !== undefined) add('invocation_id = ?', invocationId);
  if (traceId !== undefined) add('trace_id = ?', traceId);
  if (level !== undefined) {
    const levels = levelsFrom(level);
    add(`level IN (${levels.map(() => '?').join(', ')})`, ...levels);
  }
  return { conditions, values };
}

function toLogRecord(row: Readonly<Record<string, unknown>>): StoredLogRecord {
  return {
    id: row['id'] as number,
    tenant: row['tenant'] as TenantName,
    name: row['name'] as FunctionName,
    version: row['version'] as number,
    invocationId: row['invocation_id'] as InvocationId,
    timestampMs: row['timestamp_ms'] as number,
    level: row['level'] as LogRecord['level'],
    source: row['source'] as LogRecord['source'],
    message: row['message'] as string,
    ...(row['trace_id'] === null
      ? {}
      : { traceId: row['trace_id'] as string, spanId: row['span_id'] as string }),
  };
}
