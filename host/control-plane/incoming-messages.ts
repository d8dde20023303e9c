/**
 * What a request to a queue sends: one message as it is, a CloudEvent (1.0.2, in binary or structured form), a batch of
 * CloudEvents, or a batch of our own. The media type decides. All of it is checked before anything is sent.
 */
import { MayflyError } from '../errors/errors.ts';
import { QUEUE_LIMITS } from '../limits/event-limits.ts';
import { MESSAGE_BATCH, type NewMessage } from '../model/queue-message.ts';
import { readBounded } from './bounded-body.ts';
import {
  CLOUD_EVENT,
  CLOUD_EVENT_BATCH,
  fromBinaryCloudEvent,
  fromStructuredCloudEvent,
  isBinaryCloudEvent,
} from './cloud-event.ts';
import { messageBatchBody, toNewMessage } from './message-batch.ts';
import { invalidRequest } from './validation.ts';

/** Base64 makes four bytes of three; names and quotes come on top. */
const BATCH_BYTES = Math.ceil((QUEUE_LIMITS.sendBytes * 4) / 3) + QUEUE_LIMITS.sendBytes / 4;
const STRUCTURED_BYTES = Math.ceil((QUEUE_LIMITS.bodyBytes * 4) / 3) + 4 * QUEUE_LIMITS.attributeBytes;

const ATTRIBUTE_FIELD = 'mayfly-attribute-';
const ATTRIBUTE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const KEY = /^[^\p{Cc}]+$/u;

/** What a sender may say of a message beside its content. */
export type MessageOptions = Pick<NewMessage, 'deliverAtMs' | 'deduplicationKey' | 'groupKey'>;

/**
 * @param nowMs delays count from here
 * @throws MayflyError message_invalid, message_too_large, invalid_request for JSON that has another shape, caller_gone
 */
export async function readMessages(request: Request, nowMs: number): Promise<NewMessage[]> {
  const type = mediaTypeOf(request.headers);
  switch (type) {
    case CLOUD_EVENT_BATCH:
    case MESSAGE_BATCH: {
      refuseOptions(request.headers);
      const parsed = parseJson(await readBounded(request, BATCH_BYTES, tooLarge));
      return checked(type === MESSAGE_BATCH ? ourBatch(parsed, nowMs) : eventBatch(parsed));
    }
    case CLOUD_EVENT: {
      const parsed = parseJson(await readBounded(request, STRUCTURED_BYTES, tooLarge));
      const message = fromStructuredCloudEvent(parsed);
      const { headers } = request;
      return checked([{ ...message, ...traceOf(headers, message), ...optionsOf(headers, nowMs) }]);
    }
    default:
      return checked([await readMessage(request, nowMs)]);
  }
}

/** One message, whose body is that of the request whatever its type; also for asynchronous invocations. */
export async function readMessage(request: Request, nowMs: number): Promise<NewMessage> {
  const { headers } = request;
  const body = await readBounded(request, QUEUE_LIMITS.bodyBytes, tooLarge);
  const own: NewMessage = {
    body,
    contentType: headers.get('content-type') ?? 'application/octet-stream',
    attributes: attributesOf(headers),
  };
  const message = isBinaryCloudEvent(headers) ? fromBinaryCloudEvent(headers, own) : own;
  const read = { ...message, ...traceOf(headers, message), ...optionsOf(headers, nowMs) };
  return checked([read])[0]!;
}

/** @throws MayflyError message_invalid, message_too_large */
export function checked(messages: NewMessage[]): NewMessage[] {
  let bytes = 0;
  for (const [index, message] of messages.entries()) {
    const field = messages.length > 1 ? `messages.${index}` : 'body';
    bytes += message.body.byteLength;
    if (message.body.byteLength > QUEUE_LIMITS.bodyBytes) throw tooLarge(QUEUE_LIMITS.bodyBytes, field);
    checkAttributes(message, field);
    for (const key of [message.deduplicationKey, message.groupKey]) {
      if (key !== undefined && (key.length > QUEUE_LIMITS.keyLength || !KEY.test(key))) {
        throw invalid(`A key has 1 to ${QUEUE_LIMITS.keyLength} characters, none of them a control.`, field);
      }
    }
  }
  if (bytes > QUEUE_LIMITS.sendBytes) throw tooLarge(QUEUE_LIMITS.sendBytes);
  return messages;
}

export function invalid(detail: string, field: string): MayflyError {
  return new MayflyError('message_invalid', detail, { field });
}

function tooLarge(maxBytes: number, field = 'body'): MayflyError {
  return new MayflyError('message_too_large', `It may have up to ${maxBytes} bytes.`, { field });
}

function checkAttributes({ attributes, contentType }: NewMessage, field: string): void {
  let bytes = Buffer.byteLength(contentType);
  for (const [name, value] of Object.entries(attributes)) {
    if (!ATTRIBUTE_NAME.test(name)) throw invalid(`${name.slice(0, 64)} is no name of an attribute.`, field);
    // What the host itself says of a message.
    if (name.startsWith('mayfly-')) throw invalid(`The attribute ${name} is the host's.`, field);
    bytes += name.length + Buffer.byteLength(value);
  }
  if (bytes > QUEUE_LIMITS.attributeBytes) {
    throw new MayflyError(
      'message_too_large',
      `The attributes of a message may have up to ${QUEUE_LIMITS.attributeBytes} bytes.`,
      { field },
    );
  }
}

function ourBatch(parsed: unknown, nowMs: number): NewMessage[] {
  const batch = messageBatchBody.safeParse(parsed);
  if (!batch.success) throw invalidRequest(batch.error, Object.keys(messageBatchBody.shape));
  return batch.data.messages.map((entry, index) => toNewMessage(entry, nowMs, `messages.${index}`));
}

function eventBatch(parsed: unknown): NewMessage[] {
  if (!Array.isArray(parsed) || parsed.length < 1 || parsed.length > QUEUE_LIMITS.sendMessages) {
    throw invalid(`A batch is an array of 1 to ${QUEUE_LIMITS.sendMessages} CloudEvents.`, 'body');
  }
  return parsed.map((event, index) => fromStructuredCloudEvent(event, `messages.${index}`));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new MayflyError('invalid_request', 'The body is not valid JSON.', { field: 'body' });
  }
}

function attributesOf(headers: Headers): Record<string, string> {
  const entries = [...headers].flatMap(([name, value]) =>
    name.startsWith(ATTRIBUTE_FIELD) ? [[name.slice(ATTRIBUTE_FIELD.length), value] as const] : [],
  );
  return Object.fromEntries(entries);
}

/** The sender's trace context, unless its content has one of its own. */
function traceOf(
  headers: Headers,
  { attributes }: NewMessage,
): { readonly attributes?: Record<string, string> } {
  const parent = headers.get('traceparent');
  if (parent === null || !TRACEPARENT.test(parent) || attributes['traceparent'] !== undefined) return {};
  const state = headers.get('tracestate');
  return {
    attributes: { ...attributes, traceparent: parent, ...(state === null ? {} : { tracestate: state }) },
  };
}

function optionsOf(headers: Headers, nowMs: number): MessageOptions {
  const delay = headers.get('mayfly-delay-ms');
  const deduplicationKey = headers.get('mayfly-deduplication-key');
  const groupKey = headers.get('mayfly-group-key');
  return {
    ...(delay === null ? {} : { deliverAtMs: nowMs + parseDelay(delay) }),
    ...(deduplicationKey === null ? {} : { deduplicationKey }),
    ...(groupKey === null ? {} : { groupKey }),
  };
}

function parseDelay(text: string): number {
  const delayMs = Number(text);
  if (/^[0-9]{1,12}$/.test(text) && delayMs <= QUEUE_LIMITS.delayMs) return delayMs;
  throw invalid(`A delay is 0 to ${QUEUE_LIMITS.delayMs} milliseconds.`, 'mayfly-delay-ms');
}

/** Of a batch, each message says for itself. */
function refuseOptions(headers: Headers): void {
  for (const name of ['mayfly-delay-ms', 'mayfly-deduplication-key', 'mayfly-group-key']) {
    if (headers.has(name)) throw invalid('A batch has this in each of its messages.', name);
  }
}

function mediaTypeOf(headers: Headers): string {
  return headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
}
