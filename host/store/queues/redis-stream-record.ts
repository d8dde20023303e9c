/**
 * An entry of a stream that other programs write to, as a message. The field `body`, or else `data`, is the body, and the other fields are
 * attributes (names in lower case); `content-type` is the body's media type (application/octet-stream where there is none). An entry
 * with neither is a JSON object of its fields. The attribute `redis-stream-id` is the entry's id.
 */
import { createHash } from 'node:crypto';
import type { MessageId } from '../../model/ids.ts';
import type { QueueMessage } from '../../model/queue-message.ts';
import type { Tries } from './redis-record.ts';

/** Ids before 2001 are no times: their writer numbers entries by himself. */
const EARLIEST_MS = 1e12;

export function decodeEntry(
  stream: string,
  entryId: string,
  fields: readonly Buffer[],
  tries: Tries,
  nowMs: number,
): QueueMessage {
  const [before, code, detail] = tries;
  const idMs = Number.parseInt(entryId, 10);
  return {
    ...contentOf(entryId, fields),
    id: messageIdOf(stream, entryId, idMs),
    sentAtMs: idMs < EARLIEST_MS ? nowMs : idMs,
    attempts: before + 1,
    ...(code === '' ? {} : { lastCause: { code, detail } }),
  };
}

function contentOf(
  entryId: string,
  fields: readonly Buffer[],
): Pick<QueueMessage, 'body' | 'contentType' | 'attributes'> {
  const values = new Map<string, Buffer>();
  for (let i = 0; i < fields.length; i += 2)
    values.set(fields[i]!.toString(), fields[i + 1] ?? Buffer.alloc(0));
  const id = { 'redis-stream-id': entryId };
  const bodyField = ['body', 'data'].find((name) => values.has(name));
  if (bodyField === undefined) {
    const object = Object.fromEntries([...values].map(([name, value]) => [name, value.toString()]));
    return { body: Buffer.from(JSON.stringify(object)), contentType: 'application/json', attributes: id };
  }
  const attributes: Record<string, string> = {};
  for (const [name, value] of values) {
    if (name !== bodyField) attributes[name.toLowerCase()] = value.toString();
  }
  const { 'content-type': contentType = 'application/octet-stream', ...others } = attributes;
  return { body: values.get(bodyField)!, contentType, attributes: { ...others, ...id } };
}

/** The same on every host and in every attempt: a UUIDv7 of the entry's time, its other bits from a digest of where it lies. */
function messageIdOf(stream: string, entryId: string, idMs: number): MessageId {
  const bytes = createHash('sha256').update(`${stream}\0${entryId}`).digest().subarray(0, 16);
  bytes.writeUIntBE(idMs % 2 ** 48, 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return parts.join('-') as MessageId;
}
