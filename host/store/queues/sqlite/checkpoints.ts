/**
 * Keeps the write-ahead log short without stopping the main thread: another thread copies it into the database file (`checkpoint-thread.ts`)
 * while the main thread goes on writing. The log begins anew only when all of it was copied and nobody has written meanwhile; so,
 * beyond `LogPages.restart`, transactions are put off for one last short pass. The event loop goes on; those who ask wait for some milliseconds.
 *
 * Invariants:
 *  1. One pass at a time. The main thread makes none, but for what is left when it closes the file.
 *  2. The log has no more than `LogPages.most` and one transaction: beyond, transactions are put off until a pass has ended.
 *  3. After a pass in which the disk failed there is no other one until the host starts again: the kernel may have dropped pages
 *     and would call the next sync a success. What is in the log is safe; when it is full, the store refuses. A full disk is tried again.
 *  4. Its descriptor of the database file outlives all connections to it: closing it would drop the locks that the process has on the file.
 */
import { closeSync, openSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type {
  CheckpointThreadData,
  FromCheckpointThread,
  ToCheckpointThread,
} from './checkpoint-messages.ts';
import type { SetTimer } from './commit-queue.ts';

export interface LogPages {
  /** That are not copied yet when a pass begins. */
  readonly pass: number;
  /** When the log is to begin anew. Putting transactions off costs two syncs, so not for each pass. */
  readonly restart: number;
  /** Beyond them transactions are put off whatever it takes. */
  readonly most: number;
}

/** 4 MB, as SQLite's own; 16 MB; 64 MB. */
const LOG_PAGES: LogPages = { pass: 1_000, restart: 4_000, most: 16_000 };
/** Passes without anybody who writes that have not copied everything. The second one does, unless something reads. */
const FRUITLESS_PASSES = 3;
const RETRY_MS = 1_000;

/** Of SQLite: what goes by. */
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

const ENTRY = new URL(
  `./checkpoint-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

export interface CheckpointsOptions {
  /** Of the database; `:memory:` has no log. */
  readonly path: string;
  readonly database: DatabaseSync;
  readonly setTimer: SetTimer;
  /** Puts transactions off until what it returns is disposed of. */
  readonly hold: () => Disposable;
  /** For the operator. */
  readonly report: (message: string, error?: unknown) => void;
  readonly pages?: LogPages;
  /** Instead of a thread, for tests of a disk that fails. */
  readonly startThread?: (hear: (message: FromCheckpointThread) => void) => CheckpointThread;
}

export interface CheckpointThread {
  post(message: ToCheckpointThread): void;
  /** Resolves when it has ended, which it does when it was told to, or by a mistake of ours. */
  readonly ended: Promise<void>;
}

/** `resting` until a timer says to try again, `failed` for good. */
type Mode = 'idle' | 'copying' | 'resting' | 'failed' | 'ended';

export class Checkpoints {
  readonly #options: CheckpointsOptions;
  readonly #look: StatementSync | undefined;
  readonly #fd: number | undefined;
  readonly #pages: LogPages;
  #mode: Mode = 'idle';
  #held: Disposable | undefined;
  #fruitless = 0;
  #thread: CheckpointThread | undefined;
  #isWanted = false;
  #cancelRetry: (() => void) | undefined;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
    this.#pages = options.pages ?? LOG_PAGES;
    if (options.path === ':memory:') return;
    options.database.exec('PRAGMA wal_autocheckpoint = 0');
    // 5 µs: how much there is, copying nothing.
    this.#look = options.database.prepare('PRAGMA wal_checkpoint(NOOP)');
    this.#fd = openSync(options.path, 'r+');
  }

  /** After each transaction. */
  committed(): void {
    if (this.#look === undefined || this.#mode === 'ended') return;
    const { log, checkpointed } = this.#size();
    const isDue = this.#isWanted || log - checkpointed >= this.#pages.pass;
    if (this.#mode === 'idle' && isDue) this.#pass();
    if (this.#mode !== 'idle' && log >= this.#pages.most) this.#hold(true);
  }

  /** Has all of the log copied after the next transaction, however little it is: so the file takes the size that it needs. */
  request(): void {
    this.#isWanted = true;
  }

  /** Ends the thread, and puts nothing off any more. */
  async end(): Promise<void> {
    this.#cancelRetry?.();
    this.#mode = 'ended';
    this.#hold(false);
    this.#thread?.post({ kind: 'end' });
    await this.#thread?.ended;
  }

  /** When no connection is open any more. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  /** Pages of the log, and how many of them are copied. */
  #size(): { readonly log: number; readonly checkpointed: number } {
    const row = this.#look!.get()!;
    return { log: Number(row['log']), checkpointed: Number(row['checkpointed']) };
  }

  #pass(): void {
    this.#mode = 'copying';
    this.#isWanted = false;
    this.#thread ??= this.#start();
    this.#thread.post({ kind: 'pass' });
  }

  #start(): CheckpointThread {
    const { startThread = (hear) => this.#startThread(hear) } = this.#options;
    const thread = startThread((message) => this.#hear(message));
    void thread.ended.then(() => {
      this.#thread = undefined;
      if (this.#mode === 'copying') this.#rest();
    });
    return thread;
  }

  #startThread(hear: (message: FromCheckpointThread) => void): CheckpointThread {
    const { path, report } = this.#options;
    const worker = new Worker(ENTRY, {
      workerData: { path, fd: this.#fd! } satisfies CheckpointThreadData,
      name: 'mayfly-checkpoints',
    });
    let isEnding = false;
    // A process lives until a pass is over, since operations may wait for it, and until the thread has ended.
    worker.on('message', (message: FromCheckpointThread) => {
      if (!isEnding) worker.unref();
      hear(message);
    });
    worker.on('error', (error) => report('checkpoints of the queues ended', error));
    return {
      post(message) {
        isEnding = message.kind === 'end';
        worker.ref();
        worker.postMessage(message);
      },
      ended: new Promise((resolve) => {
        worker.once('exit', () => resolve());
      }),
    };
  }

  #hear(message: FromCheckpointThread): void {
    if (this.#mode !== 'copying') return;
    if (message.kind === 'failed') {
      this.#failed(message);
      return;
    }
    const { log, checkpointed } = this.#size();
    if (checkpointed >= log) this.#completed();
    else if (log < this.#pages.restart) this.#next();
    else if (this.#held && ++this.#fruitless >= FRUITLESS_PASSES) this.#rest();
    else {
      this.#hold(true);
      this.#pass();
    }
  }

  #completed(): void {
    this.#fruitless = 0;
    this.#hold(false);
    this.#next();
  }

  /** A pass may have been asked for meanwhile. */
  #next(): void {
    this.#mode = 'idle';
    this.committed();
  }

  #failed({ message, errcode }: FromCheckpointThread & { kind: 'failed' }): void {
    const { report } = this.#options;
    const primary = errcode === undefined ? undefined : errcode % 256;
    if (primary === SQLITE_FULL || primary === SQLITE_BUSY) {
      report(`the log of the queues could not be copied into their file: ${message}; trying again`);
      this.#rest();
      return;
    }
    this.#mode = 'failed';
    report(
      `the log of the queues could not be copied into their file: ${message}; it grows until the host is started again`,
    );
    this.committed();
  }

  #rest(): void {
    this.#fruitless = 0;
    this.#mode = 'resting';
    this.#cancelRetry = this.#options.setTimer(() => {
      this.#cancelRetry = undefined;
      this.#mode = 'idle';
      if (this.#held) this.#pass();
      else this.committed();
    }, RETRY_MS);
  }

  #hold(isHeld: boolean): void {
    if (isHeld) {
      this.#held ??= this.#options.hold();
      return;
    }
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
  }
}
