/** Messages on their way in. */
import { randomUUIDv7 } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { MayflyError } from '../../../errors/errors.ts';
import type { MessageId } from '../../../model/ids.ts';
import type { NewMessage, SentMessage } from '../../../model/queue-message.ts';
import type { Deduplication } from './deduplication.ts';
import type { QueueState } from './queue-state.ts';
import type { WaitingMessages } from './waiting-messages.ts';

export class Sending {
  readonly #waiting: WaitingMessages;
  readonly #deduplication: Deduplication;
  readonly #messagesPerQueue: number;
  readonly #insert: StatementSync;

  constructor(
    database: DatabaseSync,
    waiting: WaitingMessages,
    deduplication: Deduplication,
    messagesPerQueue: number,
  ) {
    this.#waiting = waiting;
    this.#deduplication = deduplication;
    this.#messagesPerQueue = messagesPerQueue;
    this.#insert = database.prepare('INSERT INTO messages VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, NULL, ?, ?, ?)');
  }

  /** Throws `queue_full` before anything is written. */
  send(state: QueueState, messages: readonly NewMessage[], nowMs: number): SentMessage[] {
    const answers = this.#answers(state, messages, nowMs);
    const kept = answers.filter(({ isDuplicate }) => !isDuplicate).length;
    if (state.waiting + kept > this.#messagesPerQueue) {
      throw new MayflyError(
        'queue_full',
        `${state.key} has ${state.waiting} messages of ${this.#messagesPerQueue}.`,
      );
    }
    for (const [index, { id, isDuplicate }] of answers.entries()) {
      if (!isDuplicate) this.#keep(state, id, messages[index]!, nowMs);
    }
    state.due.expiryMs = Math.min(state.due.expiryMs, nowMs + state.settings.retentionMs);
    return answers;
  }

  #answers(state: QueueState, messages: readonly NewMessage[], nowMs: number): SentMessage[] {
    const window = state.settings.deduplicationMs > 0;
    const ofThisCall = new Map<string, MessageId>();
    return messages.map(({ deduplicationKey: key }) => {
      if (key === undefined || !window) return { id: randomUUIDv7() as MessageId, isDuplicate: false };
      const known = ofThisCall.get(key) ?? this.#deduplication.find(state, key, nowMs);
      if (known !== undefined) return { id: known, isDuplicate: true };
      const id = randomUUIDv7() as MessageId;
      ofThisCall.set(key, id);
      return { id, isDuplicate: false };
    });
  }

  #keep(state: QueueState, id: MessageId, message: NewMessage, nowMs: number): void {
    const { deliverAtMs = null, deduplicationKey: key, groupKey, contentType, attributes, body } = message;
    const seq = state.nextSeq++;
    const dueMs = deliverAtMs !== null && deliverAtMs > nowMs ? deliverAtMs : 0;
    const attributesText = JSON.stringify(attributes);
    this.#insert.run(
      state.rowId,
      seq,
      id,
      nowMs,
      dueMs,
      groupKey ?? null,
      key ?? null,
      deliverAtMs,
      contentType,
      attributesText,
      body,
    );
    if (key !== undefined && state.settings.deduplicationMs > 0) {
      this.#deduplication.keep(state, key, id, nowMs);
    }
    this.#waiting.add(state, { seq, dueMs, groupKey }, nowMs);
  }
}
