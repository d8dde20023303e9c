/**
 * The registry's file as its tables see it: statements prepared once, and one transaction at a time.
 *
 * Owner: the registry, which opens and closes it. Invariants:
 *  1. A table changes rows only inside {@link RegistryDatabase.change} or {@link RegistryDatabase.changeUnsynced}, together with
 *     the audit entry that says so: both are there after a crash, or neither is.
 *  2. A change survives a power cut once `change` has returned, or once `durable()` has resolved that was called after
 *     `changeUnsynced`. What is not durable yet is told to nobody outside of the main thread.
 *  3. Changes become durable in the order in which they were made.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { TenantName } from '../model/ids.ts';
import { type CopyOptions, copyDatabase } from './backup/database-copy.ts';
import { openDatabase, transaction } from './database.ts';
import { LogSync, type LogSyncOptions } from './log-sync.ts';
import { REGISTRY_MIGRATIONS } from './registry-schema.ts';

export class RegistryDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #sync: LogSync;
  /** For the changes that were made without a sync; undefined where there was none, or they are on the disk. */
  #syncing: Promise<void> | undefined;
  /** The same by the tenant whose routes they change: who asks for a route does not wait for what another tenant does. */
  readonly #syncingOf = new Map<TenantName, Promise<void>>();

  /** Throws DatabaseOpenError when the file is in use, damaged or from a newer release. */
  constructor(options: LogSyncOptions) {
    this.#database = openDatabase({
      path: options.path,
      synchronous: 'FULL',
      migrations: REGISTRY_MIGRATIONS,
    });
    this.#sync = new LogSync(options);
  }

  sql(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known) return known;
    const statement = this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  /** Runs `work` in one transaction, synced to the disk before it returns. Not re-entrant. */
  change<T>(work: () => T): T {
    return transaction(this.#database, work);
  }

  /**
   * The same without the sync, which would stop this thread for 4 to 400 ms: it begins now on another one, is shared by all changes that
   * come while it runs, and is what {@link durable} waits for.
   *
   * @param tenant whose functions it changes, if it changes any
   */
  changeUnsynced<T>(tenant: TenantName | undefined, work: () => T): T {
    this.#database.exec('PRAGMA synchronous = NORMAL');
    try {
      const result = transaction(this.#database, work);
      this.#beginSync(tenant);
      return result;
    } finally {
      this.#database.exec('PRAGMA synchronous = FULL');
    }
  }

  /**
   * Resolves when everything that was changed before is on the disk, or what changed a tenant's functions. After a sync that failed it
   * rejects until the host starts again.
   */
  async durable(tenant?: TenantName): Promise<void> {
    await (tenant === undefined ? this.#syncing : this.#syncingOf.get(tenant));
  }

  /** The last change that it has is a whole one, with its audit entry. */
  copyTo(options: CopyOptions): Promise<void> {
    return copyDatabase(this.#database, options);
  }

  close(): void {
    if (!this.#database.isOpen) return;
    this.#database.close();
    this.#sync.close();
  }

  /** The one that began after the last change covers those before it. */
  #beginSync(tenant: TenantName | undefined): void {
    const syncing = this.#sync.durable();
    this.#syncing = syncing;
    if (tenant !== undefined) this.#syncingOf.set(tenant, syncing);
    const end = (): void => {
      if (this.#syncing === syncing) this.#syncing = undefined;
      if (tenant !== undefined && this.#syncingOf.get(tenant) === syncing) this.#syncingOf.delete(tenant);
    };
    // Who waits for it hears of a failure, now or later.
    syncing.then(end, () => {});
  }
}
