/** Keys of messages that were sent lately. They outlive their messages, and go when they have expired. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { MessageId } from '../../../model/ids.ts';
import type { QueueState } from './queue-state.ts';

/** Each new key makes room for itself: the table shrinks faster than it grows, without a sweep of its own. */
const DROPPED_PER_KEY = 2;

export class Deduplication {
  readonly #find: StatementSync;
  readonly #keep: StatementSync;
  readonly #drop: StatementSync;

  constructor(database: DatabaseSync) {
    this.#find = database.prepare(
      'SELECT id FROM deduplication WHERE queue = ? AND key = ? AND expires_at_ms > ?',
    );
    this.#keep = database.prepare('INSERT OR REPLACE INTO deduplication VALUES (?, ?, ?, ?)');
    this.#drop = database.prepare(
      `DELETE FROM deduplication WHERE (queue, key) IN
       (SELECT queue, key FROM deduplication WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ${DROPPED_PER_KEY})`,
    );
  }

  /** The message that this key stands for, if it still does. */
  find({ rowId }: QueueState, key: string, nowMs: number): MessageId | undefined {
    return this.#find.get(rowId, key, nowMs)?.['id'] as MessageId | undefined;
  }

  keep({ rowId, settings }: QueueState, key: string, id: MessageId, nowMs: number): void {
    this.#drop.run(nowMs);
    this.#keep.run(rowId, key, id, nowMs + settings.deduplicationMs);
  }
}
