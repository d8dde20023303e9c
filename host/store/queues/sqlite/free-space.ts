/**
 * Gives pages that nothing is in any more back to the disk, when nobody asks for anything: the last pages of the file are moved into free ones
 * before them, and the next checkpoint makes the file shorter. Only of files that were made with `auto_vacuum = INCREMENTAL`.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** What stays free for what is sent next: 4 MB, and a quarter of what is in use. */
const SLACK_PAGES = 1_024;
const SLACK_SHARE = 0.25;
/** Of one step: about a millisecond. */
const STEP_PAGES = 32;

export class FreeSpace {
  readonly #database: DatabaseSync;
  readonly #free: StatementSync;
  readonly #pages: StatementSync;
  readonly #isIncremental: boolean;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#free = database.prepare('PRAGMA freelist_count');
    this.#pages = database.prepare('PRAGMA page_count');
    this.#isIncremental = database.prepare('PRAGMA auto_vacuum').get()?.['auto_vacuum'] === 2;
  }

  /** Whether there are more free pages than should be kept. */
  get isTooMuch(): boolean {
    if (!this.#isIncremental) return false;
    const free = Number(this.#free.get()?.['freelist_count']);
    const used = Number(this.#pages.get()?.['page_count']) - free;
    return free > Math.max(SLACK_PAGES, used * SLACK_SHARE);
  }

  /** In a transaction. One step at least. */
  giveBack(hasTime: () => boolean): void {
    do this.#database.exec(`PRAGMA incremental_vacuum(${STEP_PAGES})`);
    while (hasTime() && this.isTooMuch);
  }
}
