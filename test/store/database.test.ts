import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { DatabaseOpenError, openDatabase, transaction } from '../../host/store/database.ts';

const FIRST = 'CREATE TABLE a (x INTEGER) STRICT';
const SECOND = 'CREATE TABLE b (y INTEGER) STRICT';

function newPath(t: { teardown(work: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-database-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'file.db');
}

function open(path: string, migrations: readonly string[]) {
  return openDatabase({ path, synchronous: 'FULL', migrations });
}

test('each migration runs once, also when they come one by one', (t) => {
  const path = newPath(t);
  open(path, [FIRST]).close();
  using database = open(path, [FIRST, SECOND]);
  database.exec('INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)');
  t.is(database.prepare('PRAGMA user_version').get()?.['user_version'], 2);
});

test('a migration that fails changes nothing', (t) => {
  const path = newPath(t);
  open(path, [FIRST]).close();
  t.throws(() => open(path, [FIRST, `${SECOND}; CREATE TABLE a (x INTEGER)`]), {
    instanceOf: DatabaseOpenError,
  });
  using database = open(path, [FIRST, SECOND]);
  t.is(database.prepare('PRAGMA user_version').get()?.['user_version'], 2);
});

test('a file from a newer release is refused', (t) => {
  const path = newPath(t);
  open(path, [FIRST, SECOND]).close();
  const error = t.throws(() => open(path, [FIRST]), { instanceOf: DatabaseOpenError });
  t.regex(error?.message ?? '', /schema version 2, this release knows 1/);
});

test('a file that is no database is refused and left as it was', (t) => {
  const path = newPath(t);
  const bytes = Buffer.alloc(8192, 'not a database ');
  writeFileSync(path, bytes);
  t.throws(() => open(path, [FIRST]), { instanceOf: DatabaseOpenError });
  t.deepEqual(readFileSync(path), bytes);
});

test('a second owner is refused, until the first has closed', (t) => {
  const path = newPath(t);
  const first = open(path, [FIRST]);
  const error = t.throws(() => open(path, [FIRST]), { instanceOf: DatabaseOpenError });
  t.regex(error?.message ?? '', /another host/);
  first.close();
  open(path, [FIRST]).close();
});

test('commits are synced to the disk and foreign keys are enforced', (t) => {
  using database = open(newPath(t), [FIRST]);
  t.is(database.prepare('PRAGMA synchronous').get()?.['synchronous'], 2);
  t.is(database.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
  t.is(database.prepare('PRAGMA foreign_keys').get()?.['foreign_keys'], 1);
});

test('a transaction that throws undoes its work and passes the error on', (t) => {
  using database = open(':memory:', [FIRST]);
  const boom = new Error('boom');
  const thrown = t.throws(() =>
    transaction(database, () => {
      database.exec('INSERT INTO a VALUES (1)');
      throw boom;
    }),
  );
  t.is(thrown, boom);
  t.is(database.prepare('SELECT count(*) AS n FROM a').get()?.['n'], 0);
  transaction(database, () => database.exec('INSERT INTO a VALUES (1)'));
  t.is(database.prepare('SELECT count(*) AS n FROM a').get()?.['n'], 1);
});
