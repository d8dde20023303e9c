/** Rows of `messages` and `dead_letters` as what the engine hands out. */
import type { MessageId } from '../../../model/ids.ts';
import type { DeadLetter, MessageCause, QueueMessage } from '../../../model/queue-message.ts';

export type Row = Readonly<Record<string, unknown>>;

/** `attempts` as they count now: of a message that is handed out, this time included. */
export function toMessage(row: Row, attempts: number): QueueMessage {
  const deliverAtMs = row['deliver_at_ms'] as number | null;
  const deduplicationKey = row['deduplication_key'] as string | null;
  const groupKey = row['group_key'] as string | null;
  const lastCause = row['last_cause'] as string | null;
  const attributes = row['attributes'] as string;
  return {
    id: row['id'] as MessageId,
    body: row['body'] as Uint8Array,
    contentType: row['content_type'] as string,
    attributes: attributes === '{}' ? {} : (JSON.parse(attributes) as Record<string, string>),
    sentAtMs: row['sent_at_ms'] as number,
    attempts,
    ...(deliverAtMs === null ? {} : { deliverAtMs }),
    ...(deduplicationKey === null ? {} : { deduplicationKey }),
    ...(groupKey === null ? {} : { groupKey }),
    ...(lastCause === null ? {} : { lastCause: JSON.parse(lastCause) as MessageCause }),
  };
}

export function toDeadLetter(row: Row): DeadLetter {
  return {
    ...toMessage(row, row['attempts'] as number),
    cause: JSON.parse(row['cause'] as string) as MessageCause,
    deadAtMs: row['dead_at_ms'] as number,
  };
}
