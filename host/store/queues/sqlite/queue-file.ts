/**
 * The database file of the queues: which queues there are, and the transactions that everything else runs in.
 *
 * Invariants:
 *  1. Counters are rows' own: what `waiting`, `delayed` and `dead` say is what the tables hold, as of every commit.
 *  2. A state in memory equals its tables. A transaction that fails drops the states that it touched; they are read again when they
 *     are needed, leases included.
 *  3. A queue that is removed loses its key at once, and with it its messages; a new one of the same key shares nothing with it. Its rows
 *     go in slices.
 *  4. Other connections to the file are this process's own: those of its checkpoints.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { MessageId } from '../../../model/ids.ts';
import type { QueueSettings } from '../../../model/queue.ts';
import { lockBeside, openDatabase, transaction } from '../../database.ts';
import type { Row } from './message-rows.ts';
import { type Held, QueueState } from './queue-state.ts';
import { MIGRATIONS } from './schema.ts';

/** Tables whose rows belong to a queue; those of `queues` itself go last. */
const TABLES_OF_QUEUE = ['available', 'delayed', 'messages', 'dead_letters', 'deduplication', 'claims'];

export class QueueFile {
  readonly database: DatabaseSync;
  readonly #lock: DatabaseSync | undefined;
  readonly #states = new Map<string, QueueState>();
  readonly #touched = new Set<QueueState>();
  /** Keys of states that a failed transaction has dropped. */
  readonly #dropped = new Set<string>();
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #save: StatementSync;
  readonly #claims: StatementSync;
  readonly #held: StatementSync;
  readonly #detach: StatementSync;
  readonly #removed: StatementSync;

  /** Throws DatabaseOpenError. What was in flight when the last owner ended is given back by the first upkeep. */
  constructor(path: string, maxFileBytes: number | undefined) {
    this.#lock = path === ':memory:' ? undefined : lockBeside(path);
    this.database = this.#open(path);
    if (maxFileBytes !== undefined) {
      const page = this.database.prepare('PRAGMA page_size').get()?.['page_size'];
      this.database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxFileBytes / Number(page)))}`);
    }
    const prepare = (sql: string): StatementSync => this.database.prepare(sql);
    this.#find = prepare('SELECT * FROM queues WHERE key = ?');
    this.#insert = prepare('INSERT INTO queues VALUES (NULL, ?, ?, ?, ?, 1, 0, 0, 0)');
    this.#save = prepare(
      `UPDATE queues SET retention_ms = ?, deduplication_ms = ?, dead_letter_retention_ms = ?, next_seq = ?,
       waiting = ?, delayed = ?, dead = ? WHERE id = ?`,
    );
    this.#claims = prepare('SELECT id, expires_at_ms, seqs FROM claims WHERE queue = ?');
    this.#held = prepare(
      'SELECT id, sent_at_ms, attempts, group_key FROM messages WHERE queue = ? AND seq = ?',
    );
    this.#detach = prepare('UPDATE queues SET key = NULL WHERE id = ?');
    this.#removed = prepare('SELECT id FROM queues WHERE key IS NULL LIMIT 1');
    // Nobody holds a claim any more: its holder was this file's owner, who is gone.
    transaction(this.database, () => this.database.exec('UPDATE claims SET expires_at_ms = 0'));
    for (const row of prepare('SELECT key FROM queues WHERE key IS NOT NULL').all()) {
      this.find(row['key'] as string);
    }
  }

  /** Nobody may have it open any more but this. */
  close(): void {
    if (this.database.isOpen) this.database.close();
    if (this.#lock?.isOpen) this.#lock.close();
  }

  #open(path: string): DatabaseSync {
    try {
      return openDatabase({
        path,
        synchronous: 'NORMAL',
        isShared: true,
        givesBack: true,
        migrations: MIGRATIONS,
      });
    } catch (error) {
      this.#lock?.close();
      throw error;
    }
  }

  /** All queues, but for those that a failed transaction has dropped; they are back when the next one begins. */
  get states(): Iterable<QueueState> {
    return this.#states.values();
  }

  find(key: string): QueueState | undefined {
    const known = this.#states.get(key);
    if (known) return known;
    const row = this.#find.get(key);
    return row === undefined ? undefined : this.#load(row);
  }

  /** Finds a queue, or makes it, and gives it these settings. */
  open(key: string, settings: QueueSettings): QueueState {
    let state = this.find(key);
    if (state === undefined) {
      const { retentionMs, deduplicationMs, deadLetterRetentionMs } = settings;
      this.#insert.run(key, retentionMs, deduplicationMs, deadLetterRetentionMs);
      state = this.#load(this.#find.get(key)!);
    }
    this.touch(state);
    state.apply(settings);
    return state;
  }

  /** Finds a queue that the transaction changes. */
  use(key: string): QueueState | undefined {
    const state = this.find(key);
    if (state) this.touch(state);
    return state;
  }

  touch(state: QueueState): void {
    this.#touched.add(state);
  }

  /** Leaves no queue of that key. */
  detach(state: QueueState): void {
    this.touch(state);
    this.#detach.run(state.rowId);
    this.#states.delete(state.key);
    state.isDirty = false;
  }

  /** Drops up to `rows` rows of removed queues. True if there is nothing left to drop. */
  dropRemoved(rows: number): boolean {
    const id = this.#removed.get()?.['id'] as number | undefined;
    if (id === undefined) return true;
    for (const table of TABLES_OF_QUEUE) {
      const key = table === 'claims' ? 'id' : table === 'deduplication' ? 'key' : 'seq';
      const where = table === 'delayed' ? 'due_ms, seq' : key;
      const { changes } = this.database
        .prepare(
          `DELETE FROM ${table} WHERE queue = ?1 AND (${where}) IN
           (SELECT ${where} FROM ${table} WHERE queue = ?1 LIMIT ?2)`,
        )
        .run(id, rows);
      if (changes === rows) return false;
    }
    this.database.prepare('DELETE FROM queues WHERE id = ?').run(id);
    return this.#removed.get() === undefined;
  }

  /** All that `work` does, or nothing. Returns its result and the queues that it has touched. */
  transaction<T>(work: () => T): readonly [T, readonly QueueState[]] {
    try {
      const result = transaction(this.database, () => {
        for (const key of this.#dropped) this.use(key);
        this.#dropped.clear();
        const done = work();
        for (const state of this.#touched) this.#write(state);
        return done;
      });
      const touched = [...this.#touched];
      this.#touched.clear();
      return [result, touched];
    } catch (error) {
      for (const { key } of this.#touched) {
        this.#states.delete(key);
        this.#dropped.add(key);
      }
      this.#touched.clear();
      throw error;
    }
  }

  #write(state: QueueState): void {
    if (!state.isDirty) return;
    const { settings, nextSeq, waiting, delayed, dead, rowId } = state;
    const { retentionMs, deduplicationMs, deadLetterRetentionMs } = settings;
    this.#save.run(
      retentionMs,
      deduplicationMs,
      deadLetterRetentionMs,
      nextSeq,
      waiting,
      delayed,
      dead,
      rowId,
    );
    state.isDirty = false;
  }

  #load(row: Row): QueueState {
    const state = new QueueState(row);
    for (const claim of this.#claims.all(state.rowId)) {
      const messages = new Map<MessageId, Held>();
      for (const seq of JSON.parse(claim['seqs'] as string) as number[]) {
        const message = this.#held.get(state.rowId, seq)!;
        messages.set(message['id'] as MessageId, {
          seq,
          groupKey: (message['group_key'] as string | null) ?? undefined,
          sentAtMs: message['sent_at_ms'] as number,
          attempts: (message['attempts'] as number) + 1,
        });
      }
      const rowId = claim['id'] as number;
      state.hold(`${rowId}`, { rowId, expiresAtMs: claim['expires_at_ms'] as number, messages });
    }
    this.#states.set(state.key, state);
    return state;
  }
}
