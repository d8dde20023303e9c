/** Sealed secrets as rows of a table, whosever they are: columns `master_key_id`, `wrapped_key` and `sealed`. */
import type { Row } from './definition-table.ts';
import type { MasterKeys } from './master-keys.ts';
import type { RegistryDatabase } from './registry-database.ts';
import { rewrap, type SealedFor, type SealedSecret } from './sealed-secret.ts';

/** How many secrets were wrapped again, and how many no key opens that is given; those stay as they are. */
export interface Rotation {
  readonly rewrapped: number;
  readonly lost: number;
}

export interface SealedTable {
  readonly table: 'secrets' | 'signing_secrets';
  /** Columns that name a row. */
  readonly key: readonly string[];
  readonly referenceOf: (row: Row) => SealedFor;
}

export function sealedOf(row: Row): SealedSecret {
  return {
    masterKeyId: row['master_key_id'] as string,
    wrappedKey: row['wrapped_key'] as Uint8Array,
    sealed: row['sealed'] as Uint8Array,
  };
}

/** Wraps the data key of every row under the current master key, in one transaction. */
export function rotateRows(
  { database, masterKeys }: { readonly database: RegistryDatabase; readonly masterKeys: MasterKeys },
  { table, key, referenceOf }: SealedTable,
): Rotation {
  const rows = database
    .sql(`SELECT * FROM ${table} WHERE master_key_id IS NOT ?`)
    .all(masterKeys.currentId ?? null);
  const known = rows.filter((row) => masterKeys.get(row['master_key_id'] as string) !== undefined);
  if (known.length > 0) {
    const names = key.map((column) => `${column} = ?`).join(' AND ');
    const update = database.sql(`UPDATE ${table} SET master_key_id = ?, wrapped_key = ? WHERE ${names}`);
    database.change(() => {
      for (const row of known) {
        const { masterKeyId, wrappedKey } = rewrap(masterKeys, referenceOf(row), sealedOf(row));
        update.run(masterKeyId, wrappedKey, ...key.map((column) => row[column] as string));
      }
    });
  }
  return { rewrapped: known.length, lost: rows.length - known.length };
}
