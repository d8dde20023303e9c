/**
 * How Redis keeps a message: 36 characters id, 4 bytes length of the head (big endian), head (JSON), body. One value, because an
 * entry of a stream costs by its fields; and with the id and the sizes where a script finds them without reading the head.
 */
import type { MessageId } from '../../model/ids.ts';
import type { DeadLetter, MessageCause, NewMessage, QueueMessage } from '../../model/queue-message.ts';
import { LEASE_EXPIRED, MESSAGE_EXPIRED, type Settlement } from './queue-engine.ts';

const ID_BYTES = 36;
const HEAD_AT = ID_BYTES + 4;

type Head = Omit<NewMessage, 'body'>;

export function encodeRecord(id: MessageId, { body, ...head }: NewMessage): Buffer {
  const text = JSON.stringify(head satisfies Head);
  const headBytes = Buffer.byteLength(text);
  const record = Buffer.allocUnsafe(HEAD_AT + headBytes + body.length);
  record.write(id, 0, 'latin1');
  record.writeUInt32BE(headBytes, ID_BYTES);
  record.write(text, HEAD_AT, 'utf8');
  record.set(body, HEAD_AT + headBytes);
  return record;
}

/** How often a message was tried and what came of it, as scripts give it: attempts, code, detail. */
export type Tries = readonly [attempts: number, code: string, detail: string];

/** `handle` is the stream's letter and the entry's id, whose time is when the message was sent. */
export function decodeRecord(record: Buffer, handle: string, attempts: number, tries?: Tries): QueueMessage {
  const bodyAt = HEAD_AT + record.readUInt32BE(ID_BYTES);
  const head = JSON.parse(record.toString('utf8', HEAD_AT, bodyAt)) as Head;
  const message = {
    ...head,
    id: record.toString('latin1', 0, ID_BYTES) as MessageId,
    body: record.subarray(bodyAt),
    sentAtMs: timeOf(handle.slice(1)),
    attempts,
  };
  if (tries === undefined || tries[1] === '') return message;
  return { ...message, lastCause: causeOf(tries[1], tries[2]) };
}

/** Messages of a claim: each record with 4 bytes of its length (big endian) before it. */
export function decodeRecords(
  records: Buffer,
  handles: readonly string[],
  tries: readonly Tries[] | undefined,
): QueueMessage[] {
  const messages: QueueMessage[] = [];
  for (let at = 0, index = 0; at < records.length; index++) {
    const start = at + 4;
    at = start + records.readUInt32BE(at);
    const tried = tries?.[index];
    const attempts = (tried?.[0] ?? 0) + 1;
    messages.push(decodeRecord(records.subarray(start, at), handles[index]!, attempts, tried));
  }
  return messages;
}

/** Of a dead letter: entry's id, attempts, cause, when it was sent, the cause before. */
export type DeadTries = readonly [
  id: string,
  attempts: number,
  code: string,
  detail: string,
  sentAtMs: number,
  lastCode: string,
  lastDetail: string,
];

export function decodeDeadLetter(record: Buffer, tries: DeadTries): DeadLetter {
  const [id, attempts, code, detail, sentAtMs, lastCode, lastDetail] = tries;
  const message = decodeRecord(record, `d${sentAtMs}`, attempts, [attempts, lastCode, lastDetail]);
  return { ...message, cause: causeOf(code, detail), deadAtMs: timeOf(id) };
}

/** Scripts name the engine's own causes by their code alone. */
function causeOf(code: string, detail: string): MessageCause {
  if (detail !== '') return { code, detail };
  return [LEASE_EXPIRED, MESSAGE_EXPIRED].find((cause) => cause.code === code) ?? { code, detail };
}

function timeOf(entryId: string): number {
  return Number.parseInt(entryId, 10);
}

/** As the scripts call it: a dead letter whose last claim was no attempt is a kind of its own to them. */
export function settlementKind(settlement: Settlement): Settlement['kind'] | 'untried' {
  return settlement.kind === 'dead' && settlement.isUntried === true ? 'untried' : settlement.kind;
}
