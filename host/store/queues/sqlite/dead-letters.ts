/** Dead letters: back to life, or gone. All in slices, because there may be millions. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { MessageId } from '../../../model/ids.ts';
import type { QueueState } from './queue-state.ts';
import type { WaitingMessages } from './waiting-messages.ts';

/** Of a walk over the dead letters of a queue: how many were met, and whether there are more. */
export interface Slice {
  readonly count: number;
  readonly isLast: boolean;
}

export class DeadLetters {
  readonly #waiting: WaitingMessages;
  readonly #first: StatementSync;
  readonly #find: StatementSync;
  readonly #revive: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, waiting: WaitingMessages) {
    this.#waiting = waiting;
    this.#first = database.prepare(
      'SELECT seq, dead_at_ms, group_key FROM dead_letters WHERE queue = ? AND seq < ? ORDER BY seq LIMIT ?',
    );
    this.#find = database.prepare('SELECT seq, group_key FROM dead_letters WHERE queue = ? AND id = ?');
    this.#revive = database.prepare(
      `INSERT INTO messages
       SELECT queue, ?3, id, ?4, 0, 0, group_key, deduplication_key, deliver_at_ms, NULL, content_type, attributes, body
       FROM dead_letters WHERE queue = ?1 AND seq = ?2`,
    );
    this.#delete = database.prepare('DELETE FROM dead_letters WHERE queue = ? AND seq = ?');
  }

  /** Revives the oldest of those that had died before `endSeq`. */
  redrive(state: QueueState, endSeq: number, most: number, nowMs: number): Slice {
    const rows = this.#first.all(state.rowId, endSeq, most);
    for (const row of rows) {
      this.#reviveOne(state, row['seq'] as number, row['group_key'] as string | null, nowMs);
    }
    return { count: rows.length, isLast: rows.length < most };
  }

  redriveNamed(state: QueueState, ids: readonly MessageId[], nowMs: number): number {
    let count = 0;
    for (const id of ids) {
      const row = this.#find.get(state.rowId, id);
      if (row === undefined) continue;
      this.#reviveOne(state, row['seq'] as number, row['group_key'] as string | null, nowMs);
      count++;
    }
    return count;
  }

  purge(state: QueueState, endSeq: number, most: number): Slice {
    const rows = this.#first.all(state.rowId, endSeq, most);
    for (const row of rows) this.#drop(state, row['seq'] as number);
    return { count: rows.length, isLast: rows.length < most };
  }

  /** Drops those whose retention is over; afterwards `due.deadExpiryMs` says when the next one's is, or that there is more to do now. */
  expire(state: QueueState, nowMs: number, most: number): number {
    const rows = this.#first.all(state.rowId, Number.MAX_SAFE_INTEGER, most + 1);
    state.due.deadExpiryMs = Infinity;
    let dropped = 0;
    for (const row of rows) {
      const expiresAtMs = (row['dead_at_ms'] as number) + state.settings.deadLetterRetentionMs;
      if (expiresAtMs > nowMs || dropped === most) {
        state.due.deadExpiryMs = expiresAtMs;
        break;
      }
      this.#drop(state, row['seq'] as number);
      dropped++;
    }
    return dropped;
  }

  #reviveOne(state: QueueState, deadSeq: number, groupKey: string | null, nowMs: number): void {
    const seq = state.nextSeq++;
    this.#revive.run(state.rowId, deadSeq, seq, nowMs);
    this.#drop(state, deadSeq);
    this.#waiting.add(state, { seq, dueMs: 0, groupKey: groupKey ?? undefined }, nowMs);
    state.due.expiryMs = Math.min(state.due.expiryMs, nowMs + state.settings.retentionMs);
  }

  #drop(state: QueueState, seq: number): void {
    this.#delete.run(state.rowId, seq);
    state.dead--;
    state.isDirty = true;
  }
}
