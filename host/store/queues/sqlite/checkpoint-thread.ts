/**
 * Copies what is in the write-ahead log into the database file, over a connection of its own, whenever it is asked to. What it copies
 * while the main thread goes on writing is synced here, so that the pass after it, for which the main thread waits, has little left to sync.
 */
import { fdatasyncSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type {
  CheckpointThreadData,
  FromCheckpointThread,
  ToCheckpointThread,
} from './checkpoint-messages.ts';

class CheckpointThread {
  readonly #database: DatabaseSync;
  readonly #passive: StatementSync;
  readonly #fd: number;
  readonly #port: MessagePort;

  constructor({ path, fd }: CheckpointThreadData, port: MessagePort) {
    this.#database = new DatabaseSync(path);
    this.#database.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;');
    this.#passive = this.#database.prepare('PRAGMA wal_checkpoint(PASSIVE)');
    this.#fd = fd;
    this.#port = port;
  }

  hear({ kind }: ToCheckpointThread): void {
    if (kind === 'pass') {
      this.#port.postMessage(this.#pass());
      return;
    }
    this.#database.close();
    this.#port.close();
  }

  #pass(): FromCheckpointThread {
    try {
      this.#passive.get();
      // SQLite has synced the file itself if nobody has written meanwhile; then there is nothing to do.
      fdatasyncSync(this.#fd);
      return { kind: 'passed' };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined;
      return { kind: 'failed', message, errcode };
    }
  }
}

const port = parentPort;
if (port === null) throw new Error('checkpoints run in a thread of their own');
const thread = new CheckpointThread(workerData as CheckpointThreadData, port);
port.on('message', (message: ToCheckpointThread) => thread.hear(message));
