/**
 * Makes commits durable without stopping the main thread: SQLite commits into its write-ahead log without a sync
 * (`synchronous=NORMAL`), and the log file is synced here, by one of Node's threads, before anybody is told.
 *
 * Invariants:
 *  1. `durable()` resolves after a sync that began after it was called: everything committed before is on the disk by then. The log is
 *     read up to the first frame whose checksum fails, so a power cut loses an end of it, never the middle.
 *  2. One sync is under way at a time; all who ask meanwhile share the next one.
 *  3. After a sync that failed nothing is durable any more: the kernel may have dropped the pages and would call the next
 *     sync a success. `durable` fails from then on, until the host is started again.
 *
 * Of the queues a checkpoint is another thread's affair (queues/sqlite/checkpoints.ts), of the registry SQLite's own, once in a hundred
 * publishes: with NORMAL, it syncs the log before it copies from it, and the database before it starts the log anew.
 */
import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const fdatasyncOf = promisify(fdatasync);

export interface LogSyncOptions {
  /** Of the database, or `:memory:`, where nothing is durable. */
  readonly path: string;
  /** Instead of `fdatasync`, for tests of a disk that fails. */
  readonly sync?: (fd: number) => Promise<void>;
}

export class LogSync {
  /** A descriptor of its own: SQLite's locks are on the database file, so that closing this one drops none. */
  readonly #fd: number | undefined;
  readonly #sync: (fd: number) => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failure: Error | undefined;

  /** The log has to be there: after the first write. */
  constructor({ path, sync = fdatasyncOf }: LogSyncOptions) {
    this.#sync = sync;
    if (path === ':memory:') return;
    this.#fd = openSync(`${path}-wal`, 'r+');
    // Its name has to survive as well as what is in it.
    const folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
    closeSync(folder);
  }

  durable(): Promise<void> {
    const fd = this.#fd;
    if (fd === undefined) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#running === undefined) return this.#start(fd);
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        if (this.#failure === undefined) return this.#start(fd);
        this.#running = undefined;
        throw this.#failure;
      });
    return this.#next;
  }

  /** Lets a sync that is under way end first; none may be asked for any more. */
  close(): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    if (this.#running === undefined) closeSync(fd);
    else void this.#closeWhenIdle(fd);
  }

  async #closeWhenIdle(fd: number): Promise<void> {
    while (this.#running !== undefined) await this.#running.catch(() => {});
    closeSync(fd);
  }

  #start(fd: number): Promise<void> {
    this.#running = this.#run(fd);
    return this.#running;
  }

  async #run(fd: number): Promise<void> {
    try {
      await this.#sync(fd);
    } catch (error) {
      this.#failure = new Error('the log could not be synced', { cause: error });
      throw this.#failure;
    } finally {
      if (this.#next === undefined) this.#running = undefined;
    }
  }
}
