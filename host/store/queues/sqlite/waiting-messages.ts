/**
 * Where a message waits, and its ways from there: `available`, `delayed`, or behind the head of its group.
 *
 * Invariants (of a group, "head" is its first message that is neither gone nor dead):
 *  1. A message without a group waits in `available` or in `delayed`.
 *  2. Of a group that is not in flight, the head is in `available` or in `delayed`, the others never in `available`.
 *  3. Of a group that is in flight, nothing is in `available`.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { MessageCause } from '../../../model/queue-message.ts';
import type { Row } from './message-rows.ts';
import type { QueueState } from './queue-state.ts';

/** What moving a message takes to know of it. */
export interface WaitingMessage {
  readonly seq: number;
  readonly dueMs: number;
  readonly groupKey: string | undefined;
}

export interface PurgedSlice {
  readonly count: number;
  readonly next: number | undefined;
}

export class WaitingMessages {
  readonly #offer: StatementSync;
  readonly #withdraw: StatementSync;
  readonly #delay: StatementSync;
  readonly #undelay: StatementSync;
  readonly #isDelayed: StatementSync;
  readonly #nextDelayed: StatementSync;
  readonly #head: StatementSync;
  readonly #group: StatementSync;
  readonly #bury: StatementSync;
  readonly #delete: StatementSync;
  readonly #slice: StatementSync;

  constructor(database: DatabaseSync) {
    const prepare = (sql: string): StatementSync => database.prepare(sql);
    this.#offer = prepare('INSERT OR IGNORE INTO available VALUES (?, ?)');
    this.#withdraw = prepare('DELETE FROM available WHERE queue = ? AND seq = ?');
    this.#delay = prepare('INSERT INTO delayed VALUES (?, ?, ?)');
    this.#undelay = prepare('DELETE FROM delayed WHERE queue = ? AND due_ms = ? AND seq = ?');
    this.#isDelayed = prepare('SELECT 1 FROM delayed WHERE queue = ? AND due_ms = ? AND seq = ?');
    this.#nextDelayed = prepare(
      'SELECT due_ms, seq FROM delayed WHERE queue = ? ORDER BY due_ms, seq LIMIT ?',
    );
    this.#head = prepare(
      'SELECT seq, due_ms FROM messages WHERE queue = ? AND group_key = ? ORDER BY seq LIMIT 1',
    );
    this.#group = prepare('SELECT group_key FROM messages WHERE queue = ? AND seq = ?');
    this.#bury = prepare(
      `INSERT INTO dead_letters
       SELECT queue, ?3, id, sent_at_ms, ?4, attempts + ?5, group_key, deduplication_key, deliver_at_ms, last_cause, ?6, content_type,
         attributes, body
       FROM messages WHERE queue = ?1 AND seq = ?2`,
    );
    this.#delete = prepare('DELETE FROM messages WHERE queue = ? AND seq = ?');
    this.#slice = prepare(
      `SELECT seq, due_ms, group_key FROM messages WHERE queue = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT ?`,
    );
  }

  /** Puts a message that is in `messages` where it belongs: one that is new, or one that was in flight. */
  add(state: QueueState, { seq, dueMs, groupKey }: WaitingMessage, nowMs: number): void {
    state.isDirty = true;
    state.waiting++;
    if (dueMs > nowMs) {
      this.#delay.run(state.rowId, dueMs, seq);
      state.delayed++;
      state.due.delayedMs = Math.min(state.due.delayedMs, dueMs);
    } else if (groupKey === undefined) {
      this.#offer.run(state.rowId, seq);
      state.hasNews = true;
    } else {
      this.offerHead(state, groupKey);
    }
  }

  /** Lets the head of a group be claimed, unless the group is in flight or the head has to wait. */
  offerHead(state: QueueState, groupKey: string): void {
    if (state.busyGroups.has(groupKey)) return;
    const head = this.#head.get(state.rowId, groupKey);
    if (head === undefined) return;
    const seq = head['seq'] as number;
    const dueMs = head['due_ms'] as number;
    // One that is due, but not promoted yet, is offered when it is.
    if (dueMs > 0 && this.#isDelayed.get(state.rowId, dueMs, seq) !== undefined) return;
    this.#offer.run(state.rowId, seq);
    state.hasNews = true;
  }

  /** Takes up to `most` messages that are due out of `delayed`. How many; afterwards `due.delayedMs` says when the next one is. */
  promote(state: QueueState, nowMs: number, most: number): number {
    const rows = this.#nextDelayed.all(state.rowId, most + 1);
    state.due.delayedMs = Infinity;
    let promoted = 0;
    for (const row of rows) {
      const dueMs = row['due_ms'] as number;
      if (dueMs > nowMs || promoted === most) {
        state.due.delayedMs = dueMs;
        break;
      }
      const seq = row['seq'] as number;
      this.#undelay.run(state.rowId, dueMs, seq);
      state.delayed--;
      state.isDirty = true;
      promoted++;
      const groupKey = this.#group.get(state.rowId, seq)?.['group_key'] as string | null;
      if (groupKey !== null) {
        this.offerHead(state, groupKey);
      } else {
        this.#offer.run(state.rowId, seq);
        state.hasNews = true;
      }
    }
    return promoted;
  }

  /** Drops what waits from behind `afterSeq` to before `endSeq`, of at most `most` messages; `next` is where to go on, if there may be more. */
  purge(state: QueueState, afterSeq: number, endSeq: number, most: number): PurgedSlice {
    const rows = this.#slice.all(state.rowId, afterSeq, endSeq, most);
    const messages = rows.map(toWaiting).filter(({ seq }) => !state.inFlight.has(seq));
    const groups = new Set<string>();
    for (const message of messages) {
      this.#leave(state, message);
      this.#delete.run(state.rowId, message.seq);
      if (message.groupKey !== undefined) groups.add(message.groupKey);
    }
    // What was sent to these groups since stands behind nobody now.
    for (const groupKey of groups) this.offerHead(state, groupKey);
    const next = rows.length < most ? undefined : (rows.at(-1)!['seq'] as number);
    return { count: messages.length, next };
  }

  /** Makes a dead letter of a message that waits, and lets its group go on. */
  expire(state: QueueState, message: WaitingMessage, cause: string, nowMs: number): void {
    this.#leave(state, message);
    this.bury(state, message.seq, 0, cause, nowMs);
    if (message.groupKey !== undefined) this.offerHead(state, message.groupKey);
  }

  /** Makes a dead letter of a message that is not waiting (any more). */
  bury(state: QueueState, seq: number, attempt: 0 | 1, cause: string | MessageCause, nowMs: number): void {
    const text = typeof cause === 'string' ? cause : JSON.stringify(cause);
    this.#bury.run(state.rowId, seq, state.nextSeq++, nowMs, attempt, text);
    this.#delete.run(state.rowId, seq);
    state.dead++;
    state.isDirty = true;
    state.due.deadExpiryMs = Math.min(state.due.deadExpiryMs, nowMs + state.settings.deadLetterRetentionMs);
  }

  #leave(state: QueueState, { seq, dueMs }: WaitingMessage): void {
    this.#withdraw.run(state.rowId, seq);
    if (dueMs > 0 && this.#undelay.run(state.rowId, dueMs, seq).changes > 0) state.delayed--;
    state.waiting--;
    state.isDirty = true;
  }
}

export function toWaiting(row: Row): WaitingMessage {
  return {
    seq: row['seq'] as number,
    dueMs: row['due_ms'] as number,
    groupKey: (row['group_key'] as string | null) ?? undefined,
  };
}
