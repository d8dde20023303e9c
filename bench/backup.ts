/** How long whoever commits waits while the file is being copied: by ours, and by SQLite's backup alone. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backup, type DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { copyDatabase, STEP_PAGES } from '../host/store/backup/database-copy.ts';
import { openDatabase } from '../host/store/database.ts';
import type { BenchReport, Figures } from './run.ts';

export const summary =
  'commits to a database of 400 MB while it is copied: our copy, and node:sqlite’s backup with the same steps';

export const notMeasured = [
  'a disk slower than this one: what a copy waits for is the disk’s syncs',
  'the other files of a backup, and the pause of the queues, which is one step and the registry’s copy',
];

const ROUNDS = 5;
const ROWS = 100_000;
const ROW_BYTES = 3_000;
/** Between two commits. */
const PAUSE_MS = 2;

type Copy = (database: DatabaseSync, path: string) => Promise<unknown>;

const COPIES: Readonly<Record<string, Copy>> = {
  plain: (database, path) => backup(database, path, { rate: STEP_PAGES }),
  ours: (database, path) => copyDatabase(database, { path, signal: new AbortController().signal }),
};

interface Round {
  readonly copyMs: number;
  readonly longestMs: number;
  readonly p99Ms: number;
}

async function measure(database: DatabaseSync, path: string, copy: Copy): Promise<Round> {
  const insert = database.prepare('INSERT INTO rows (bytes) VALUES (?)');
  const bytes = Buffer.alloc(ROW_BYTES);
  const waitsMs: number[] = [];
  let isCopying = true;
  const committing = (async () => {
    while (isCopying) {
      const sinceMs = performance.now();
      insert.run(bytes);
      waitsMs.push(performance.now() - sinceMs);
      await delay(PAUSE_MS);
    }
  })();
  const sinceMs = performance.now();
  await copy(database, path);
  const copyMs = performance.now() - sinceMs;
  isCopying = false;
  await committing;
  await rm(path);
  waitsMs.sort((a, b) => b - a);
  return { copyMs, longestMs: waitsMs[0]!, p99Ms: waitsMs[Math.floor(waitsMs.length / 100)]! };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

export async function run(): Promise<BenchReport> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-backup-'));
  try {
    const path = join(folder, 'rows.db');
    using database = openDatabase({
      path,
      synchronous: 'NORMAL',
      migrations: ['CREATE TABLE rows (id INTEGER PRIMARY KEY, bytes BLOB)'],
    });
    const insert = database.prepare('INSERT INTO rows (bytes) VALUES (?)');
    database.exec('BEGIN');
    for (let i = 0; i < ROWS; i++) insert.run(Buffer.alloc(ROW_BYTES, i));
    database.exec('COMMIT');
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const megabytes = (await stat(path)).size / 1e6;
    const rounds = new Map<string, Round[]>(Object.keys(COPIES).map((name) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, copy] of Object.entries(COPIES))
        rounds.get(name)!.push(await measure(database, join(folder, 'copy.db'), copy));
    }
    const results: Record<string, Figures> = {};
    for (const [name, some] of rounds) {
      results[name] = {
        longestMs: median(some.map(({ longestMs }) => longestMs)),
        p99Ms: median(some.map(({ p99Ms }) => p99Ms)),
        megabytesPerSecond: megabytes / (median(some.map(({ copyMs }) => copyMs)) / 1_000),
      };
    }
    const ratios = rounds
      .get('ours')!
      .map(({ longestMs }, round) => longestMs / rounds.get('plain')![round]!.longestMs);
    return { ratios: { longest_wait_vs_plain: median(ratios) }, results };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
