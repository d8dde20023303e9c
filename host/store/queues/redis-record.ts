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
  return new RecordReader(record).read(0, record.length, handle, attempts, tries);
}

/**
 * Reads records that lie in one buffer. What senders say of a message beside its body is mostly the same for all: heads are compared before they
 * are parsed, and such that are the same are one object.
 */
class RecordReader {
  readonly #buffer: Buffer;
  #head: Head | undefined;
  #headAt = 0;
  #headBytes = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  read(start: number, end: number, handle: string, attempts: number, tries: Tries | undefined): QueueMessage {
    const buffer = this.#buffer;
    const headAt = start + HEAD_AT;
    const bodyAt = headAt + buffer.readUInt32BE(start + ID_BYTES);
    const message = {
      ...this.#headIn(headAt, bodyAt),
      id: buffer.toString('latin1', start, start + ID_BYTES) as MessageId,
      body: buffer.subarray(bodyAt, end),
      sentAtMs: timeOf(handle.slice(1)),
      attempts,
    };
    if (tries === undefined || tries[1] === '') return message;
    return { ...message, lastCause: causeOf(tries[1], tries[2]) };
  }

  #headIn(at: number, end: number): Head {
    const buffer = this.#buffer;
    const isSame =
      this.#headBytes === end - at &&
      buffer.compare(buffer, this.#headAt, this.#headAt + this.#headBytes, at, end) === 0;
    if (!isSame || this.#head === undefined) {
      this.#head = JSON.parse(buffer.toString('utf8', at, end)) as Head;
      this.#headAt = at;
      this.#headBytes = end - at;
    }
    return this.#head;
  }
}

/** Messages of a claim: each record with 4 bytes of its length (big endian) before it. */
export function decodeRecords(
  records: Buffer,
  handles: readonly string[],
  tries: readonly Tries[] | undefined,
): QueueMessage[] {
  const reader = new RecordReader(records);
  const messages: QueueMessage[] = [];
  for (let at = 0, index = 0; at < records.length; index++) {
    const start = at + 4;
    at = start + records.readUInt32BE(at);
    const tried = tries?.[index];
    const attempts = (tried?.[0] ?? 0) + 1;
    messages.push(reader.read(start, at, handles[index]!, attempts, tried));
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
