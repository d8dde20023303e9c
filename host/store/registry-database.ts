/**
 * The registry's file as its tables see it: statements prepared once, and one transaction at a time.
 *
 * Owner: the registry, which opens and closes it. A table changes rows only inside {@link RegistryDatabase.change},
 * together with the audit entry that says so: both are there after a crash, or neither is.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type CopyOptions, copyDatabase } from './backup/database-copy.ts';
import { openDatabase, transaction } from './database.ts';
import { REGISTRY_MIGRATIONS } from './registry-schema.ts';

export class RegistryDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Throws DatabaseOpenError when the file is in use, damaged or from a newer release. */
  constructor(path: string) {
    this.#database = openDatabase({ path, synchronous: 'FULL', migrations: REGISTRY_MIGRATIONS });
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

  /** The last change that it has is a whole one, with its audit entry. */
  copyTo(options: CopyOptions): Promise<void> {
    return copyDatabase(this.#database, options);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}
