/**
 * Copies a database that is open and in use (SQLite's online backup), on one of Node's threads and through the connection of its owner:
 * no other could read a file that is locked for as long as it is open (database.ts, invariant 1).
 *
 * What is committed meanwhile goes into the copy as well, which shows the database as of its last step.
 */
import { closeSync, fdatasync, openSync } from 'node:fs';
import { backup, type DatabaseSync } from 'node:sqlite';

export interface CopyOptions {
  /** A new file. */
  readonly path: string;
  /** What is copied is incomplete when it is aborted; `copyDatabase` rejects with the reason. */
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number, totalBytes: number) => void;
  /**
   * Called once, before the last step begins: if the database does not change after it, its state as of this call is
   * what the copy has.
   */
  readonly beforeLast?: () => void;
}

/** The connection is locked during a step: 512 KiB take less than a millisecond from the page cache, and 64 pages or 256 made a copy no faster. */
export const STEP_PAGES = 128;

/** @throws what SQLite says: errcode 13 or an I/O error for a full disk, among others; the reason of `signal` */
export async function copyDatabase(database: DatabaseSync, options: CopyOptions): Promise<void> {
  const { path, signal, onBytes } = options;
  const pragma = (name: string): number => Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
  const pageBytes = pragma('page_size');
  signal.throwIfAborted();
  let beforeLast = options.beforeLast;
  const expectLast = (): void => {
    beforeLast?.();
    beforeLast = undefined;
  };
  // No file shrinks while it is copied: with more than a step to go, the next is not the last.
  if (pragma('page_count') <= STEP_PAGES) expectLast();
  using writeBack = new WriteBack(path);
  const progress = ({ totalPages, remainingPages }: BackupProgress): void => {
    signal.throwIfAborted();
    onBytes?.((totalPages - remainingPages) * pageBytes, totalPages * pageBytes);
    if (remainingPages <= STEP_PAGES) expectLast();
    writeBack.more();
  };
  while (!(await hasCopied(database, path, progress))) signal.throwIfAborted();
  signal.throwIfAborted();
}

type BackupProgress = Parameters<NonNullable<NonNullable<Parameters<typeof backup>[2]>['progress']>>[0];

/**
 * False if a transaction was open when the first step came. SQLite says "busy" then; Node tries again after any other step, but takes this one for
 * the last, since no page is known to remain, and rejects with SQLite's code for success.
 */
async function hasCopied(
  database: DatabaseSync,
  path: string,
  progress: (info: BackupProgress) => void,
): Promise<boolean> {
  try {
    await backup(database, path, { rate: STEP_PAGES, progress });
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === 0) return false;
    throw error;
  }
}

/**
 * Syncs the copy while it grows. The last step syncs it with the connection locked: whoever commits then waited for 434 ms where 400 MB were
 * left to be written, and waits for 32 ms with this (`npm run bench -- backup`).
 */
class WriteBack implements Disposable {
  readonly #path: string;
  #fd: number | undefined;
  #isRunning = false;
  #isOver = false;

  constructor(path: string) {
    this.#path = path;
  }

  more(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#fd ??= openSync(this.#path, 'r+');
    // A failure shows again in the sync that counts, which is SQLite's.
    fdatasync(this.#fd, () => {
      this.#isRunning = false;
      if (this.#isOver) this.#close();
    });
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    if (!this.#isRunning) this.#close();
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
