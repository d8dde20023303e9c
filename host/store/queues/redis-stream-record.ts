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

/** As its writer added it, or as it was kept as a dead letter. */
export interface StreamEntry {
  /** In the stream, also where it is tried again from a copy. */
  readonly id: string;
  /** Field, value, ... */
  readonly fields: readonly Buffer[];
  /** When it was redriven. */
  readonly redrivenAtMs?: number;
}

/** @param handle of a claim, see lua/prelude.lua */
export function entryOf(handle: string, fields: readonly Buffer[]): StreamEntry {
  const id = handle.slice(1);
  if (!handle.startsWith('a')) return { id, fields };
  const [, original, ...own] = fields as readonly [Buffer, Buffer, ...Buffer[]];
  return { id: original.toString(), fields: own, redrivenAtMs: Number.parseInt(id, 10) };
}

/** @param nowMs counts as when it was sent where nothing else says so */
export function decodeEntry(stream: string, entry: StreamEntry, tries: Tries, nowMs: number): QueueMessage {
  const [before, code, detail] = tries;
  const idMs = Number.parseInt(entry.id, 10);
  return {
    ...contentOf(entry.id, entry.fields),
    id: messageIdOf(stream, entry.id),
    sentAtMs: entry.redrivenAtMs ?? (idMs < EARLIEST_MS ? nowMs : idMs),
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
export function messageIdOf(stream: string, entryId: string): MessageId {
  const bytes = createHash('sha256').update(`${stream}\0${entryId}`).digest().subarray(0, 16);
  bytes.writeUIntBE(Number.parseInt(entryId, 10) % 2 ** 48, 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return parts.join('-') as MessageId;
}

/** Of the entry whose id it was made of, ms modulo 2^48. */
export function timeOfMessageId(id: MessageId): number {
  return Number.parseInt(id.replace('-', '').slice(0, 12), 16);
}

/** As scripts unpack them (MessagePack: an array of strings): one argument, however many there are. */
export function packTexts(texts: readonly Buffer[]): Buffer {
  const packed = Buffer.allocUnsafe(texts.reduce((bytes, text) => bytes + 5 + text.length, 5));
  packed[0] = 0xdd;
  packed.writeUInt32BE(texts.length, 1);
  let at = 5;
  for (const text of texts) {
    packed[at] = 0xdb;
    packed.writeUInt32BE(text.length, at + 1);
    packed.set(text, at + 5);
    at += 5 + text.length;
  }
  return packed;
}
