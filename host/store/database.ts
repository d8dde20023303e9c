/**
 * Opens one of the host's SQLite files: write-ahead log, foreign keys, one owner, schema brought up to date.
 *
 * Invariants:
 *  1. A file has one owner. The lock is held from opening to closing (`locking_mode = EXCLUSIVE`), so a second
 *     host on the same data folder fails at start instead of serving a registry whose changes it never hears of.
 *     The kernel drops the lock with the process, however it dies. A file that several threads of the owner open is
 *     owned by a lock on a file beside it ({@link lockBeside}).
 *  2. `user_version` counts the migrations that a file has had. Each runs once, in order, in the same
 *     transaction as its count: a crash leaves a file at a whole number of migrations.
 *  3. A file from a newer release is refused untouched.
 */
import { DatabaseSync } from 'node:sqlite';

export interface DatabaseOptions {
  /** A path, or `:memory:`. */
  readonly path: string;
  /**
   * `FULL` syncs the log at every commit: what was acknowledged survives a power cut. `NORMAL` survives a dead
   * process but may lose the last commits with the power; it never corrupts.
   */
  readonly synchronous: 'FULL' | 'NORMAL';
  /** Whether other connections of this process open it, too; whoever opens it first holds {@link lockBeside}. */
  readonly isShared?: boolean;
  /** Whether pages that are free can be given back, of a file that is made now; one that is there stays as it is. */
  readonly givesBack?: boolean;
  /** SQL scripts; the n-th takes a file from `user_version` n to n + 1. Append only. */
  readonly migrations: readonly string[];
}

/** A database file that cannot be used. The message is for the operator's terminal. */
export class DatabaseOpenError extends Error {
  override readonly name = 'DatabaseOpenError';
}

/** How long a start waits for a predecessor that is still exiting. */
const LOCK_TIMEOUT_MS = 2_000;

/** Throws {@link DatabaseOpenError} when the file is in use, damaged or from a newer release. */
export function openDatabase(options: DatabaseOptions): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(options.path, {
      timeout: LOCK_TIMEOUT_MS,
      enableForeignKeyConstraints: true,
    });
    // It is settled when the first page is written, which the journal's mode does.
    if (options.givesBack) database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    // The mode comes before the first read of the file, so that the write-ahead index stays in process memory.
    if (!options.isShared) database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec(`PRAGMA synchronous = ${options.synchronous};`);
    migrate(database, options);
    return database;
  } catch (error) {
    throw openError(database, options.path, error);
  }
}

/** Makes this process the owner of a shared file, until it is closed. Nothing is in it. Throws {@link DatabaseOpenError}. */
export function lockBeside(path: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(`${path}-lock`, { timeout: LOCK_TIMEOUT_MS });
    // A transaction that never ends.
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    throw openError(lock, path, error);
  }
}

function openError(database: DatabaseSync | undefined, path: string, error: unknown): DatabaseOpenError {
  if (database?.isOpen) database.close();
  if (error instanceof DatabaseOpenError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const hint = /locked|busy/i.test(reason) ? '; is another host running on this data folder?' : '';
  return new DatabaseOpenError(`cannot open ${path}: ${reason}${hint}`, { cause: error });
}

function migrate(database: DatabaseSync, { path, migrations }: DatabaseOptions): void {
  // Taking the write lock first is what makes the exclusive mode bite at start, also when nothing is to do.
  transaction(database, () => {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > migrations.length) {
      throw new DatabaseOpenError(
        `${path} has schema version ${version}, this release knows ${migrations.length}: run the newer release`,
      );
    }
    for (const script of migrations.slice(version)) database.exec(script);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

/** Runs `work` in one write transaction: all of it, or on any throw none of it. Not re-entrant. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk may have rolled back already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
