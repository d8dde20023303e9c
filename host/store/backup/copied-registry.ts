import { DatabaseSync } from 'node:sqlite';

/** The artifacts that a copy of the registry names, sorted: those of its own moment, not of now. */
export function artifactKeysOf(path: string): string[] {
  const database = new DatabaseSync(path);
  try {
    // Nobody else has the file: no index of its log in shared memory is left beside it.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    const rows = database.prepare('SELECT DISTINCT artifact_key AS key FROM versions ORDER BY key').all();
    return rows.map(({ key }) => key as string);
  } finally {
    database.close();
  }
}
