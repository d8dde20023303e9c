/** Looking at a queue without taking. A page costs the same wherever it is, and however many messages lie beside it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { MayflyError } from '../../../errors/errors.ts';
import type { DeadLetter, MessageState, QueueMessage } from '../../../model/queue-message.ts';
import type { MessagePage } from '../queue-engine.ts';
import { type Row, toDeadLetter, toMessage } from './message-rows.ts';
import type { QueueState } from './queue-state.ts';

export interface Page {
  readonly messages: readonly (QueueMessage | DeadLetter)[];
  readonly next?: string;
}

/** Rows that one call looks at in search of those that are ready: about 5 ms among delayed ones. A page may be shorter than asked for, then. */
const MOST_ROWS = 5_000;

/** Sum of bodies that one page takes into memory, the first message apart. */
const MOST_BYTES = 8 * 1024 * 1024;

export class Peeking {
  readonly #waiting: StatementSync;
  readonly #delayed: StatementSync;
  readonly #dead: StatementSync;
  readonly #one: StatementSync;
  readonly #oldest: StatementSync;

  constructor(database: DatabaseSync) {
    this.#waiting = database.prepare(
      'SELECT seq, due_ms FROM messages WHERE queue = ? AND seq > ? ORDER BY seq LIMIT ?',
    );
    this.#delayed = database.prepare(
      `SELECT m.*, d.due_ms || ':' || d.seq AS place FROM delayed d CROSS JOIN messages m ON m.queue = d.queue AND m.seq = d.seq
       WHERE d.queue = ? AND (d.due_ms, d.seq) > (?, ?) ORDER BY d.due_ms, d.seq LIMIT ?`,
    );
    this.#dead = database.prepare(
      'SELECT *, seq AS place FROM dead_letters WHERE queue = ? AND seq > ? ORDER BY seq LIMIT ?',
    );
    this.#one = database.prepare('SELECT *, seq AS place FROM messages WHERE queue = ? AND seq = ?');
    this.#oldest = database.prepare('SELECT seq, sent_at_ms FROM messages WHERE queue = ? ORDER BY seq');
  }

  /** The queue is up to date. Throws `invalid_request` for an `after` that no page gave. */
  page(state: QueueState, which: MessageState, { limit, after }: MessagePage, nowMs: number): Page {
    const [first, second] = placeOf(after);
    const attemptsOf = (row: Row) => row['attempts'] as number;
    switch (which) {
      case 'dead':
        return paged(this.#dead.iterate(state.rowId, first, limit + 1), limit, toDeadLetter);
      case 'delayed': {
        const rows = this.#delayed.iterate(state.rowId, first, second, limit + 1);
        return paged(rows, limit, (row) => toMessage(row, attemptsOf(row)));
      }
      case 'in-flight': {
        const seqs = [...state.inFlight].filter((seq) => seq > first).sort((a, b) => a - b);
        const rows = this.#rows(state, seqs.slice(0, limit + 1));
        return paged(rows, limit, (row) => toMessage(row, attemptsOf(row) + 1));
      }
      case 'ready': {
        const seqs: number[] = [];
        let seen = 0;
        let last = first;
        for (const row of this.#waiting.iterate(state.rowId, first, MOST_ROWS)) {
          seen++;
          last = row['seq'] as number;
          const isReady = (row['due_ms'] as number) <= nowMs && !state.inFlight.has(last);
          if (isReady && seqs.push(last) > limit) break;
        }
        const page = paged(this.#rows(state, seqs), limit, (row) => toMessage(row, attemptsOf(row)));
        return page.next === undefined && seen === MOST_ROWS ? { ...page, next: `${last}` } : page;
      }
    }
  }

  /** When the message was sent that has waited for longest. Passes those in flight, which are few. */
  oldestSentAtMs(state: QueueState): number | undefined {
    for (const row of this.#oldest.iterate(state.rowId)) {
      if (!state.inFlight.has(row['seq'] as number)) return row['sent_at_ms'] as number;
    }
    return undefined;
  }

  *#rows(state: QueueState, seqs: readonly number[]): Iterable<Row> {
    for (const seq of seqs) yield this.#one.get(state.rowId, seq)!;
  }
}

/** As many rows as there may be on a page; whether there are more shows in one further row. */
function paged<T extends QueueMessage>(rows: Iterable<Row>, limit: number, toItem: (row: Row) => T): Page {
  const messages: T[] = [];
  let place: unknown;
  let bytes = 0;
  for (const row of rows) {
    bytes += (row['body'] as Uint8Array).length;
    const isFull = messages.length === limit || (messages.length > 0 && bytes > MOST_BYTES);
    if (isFull) return { messages, next: `${place}` };
    messages.push(toItem(row));
    place = row['place'];
  }
  return { messages };
}

function placeOf(after: string | undefined): readonly [number, number] {
  if (after === undefined) return [0, 0];
  if (!/^\d{1,16}(?::\d{1,16})?$/.test(after)) {
    throw new MayflyError('invalid_request', `There is no page after '${after}'.`, { field: 'after' });
  }
  const [first = '0', second = '0'] = after.split(':');
  return [Number(first), Number(second)];
}
