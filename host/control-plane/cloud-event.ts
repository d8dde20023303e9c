/**
 * CloudEvents 1.0.2 over HTTP (sections 3.1 to 3.3 of its HTTP binding) as messages: the context attributes become attributes
 * `ce-*` with their plain values, the data becomes the body. A consumer sees the same message for all forms.
 *
 * `source` and `id` together name an event (section 3 of the core specification): they are its deduplication key. The
 * extension `partitionkey` is its group key.
 */
import { createHash } from 'node:crypto';
import { MayflyError } from '../errors/errors.ts';
import type { NewMessage } from '../model/queue-message.ts';

export const CLOUD_EVENT = 'application/cloudevents+json';
export const CLOUD_EVENT_BATCH = 'application/cloudevents-batch+json';

const PREFIX = 'ce-';
const REQUIRED = ['specversion', 'id', 'source', 'type'] as const;
/** Section 3 of the core specification: lower-case letters and digits. */
const NAME = /^[a-z0-9]{1,64}$/;
/** Their place in a message is another one. */
const DATA_MEMBERS: ReadonlySet<string> = new Set(['data', 'data_base64', 'datacontenttype']);

export function isBinaryCloudEvent(headers: Headers): boolean {
  return headers.has('ce-specversion');
}

/** @throws MayflyError message_invalid */
export function fromBinaryCloudEvent(headers: Headers, message: NewMessage): NewMessage {
  const context = new Map<string, string>();
  for (const [name, value] of headers) {
    if (name.startsWith(PREFIX)) context.set(name.slice(PREFIX.length), decodeField(name, value));
  }
  return withContext(message, context, 'ce');
}

/** @throws MayflyError message_invalid */
export function fromStructuredCloudEvent(event: unknown, field = 'body'): NewMessage {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw invalid('A CloudEvent is a JSON object.', field);
  }
  const members = event as Readonly<Record<string, unknown>>;
  const context = new Map<string, string>();
  for (const [name, value] of Object.entries(members)) {
    // An attribute that is null is absent (section 2.2 of the JSON format).
    if (DATA_MEMBERS.has(name) || value === null) continue;
    if (typeof value === 'object')
      throw invalid(`${name.slice(0, 64)} is no string, number or boolean.`, field);
    context.set(name, String(value));
  }
  const type = members['datacontenttype'] ?? 'application/json';
  if (typeof type !== 'string') throw invalid('datacontenttype is no string.', field);
  return withContext(
    { body: dataOf(members, type, field), contentType: type, attributes: {} },
    context,
    field,
  );
}

function withContext(message: NewMessage, context: ReadonlyMap<string, string>, field: string): NewMessage {
  for (const name of REQUIRED) {
    if (!context.get(name)) throw invalid(`A CloudEvent needs ${name}.`, field);
  }
  if (context.get('specversion') !== '1.0') throw invalid('Only CloudEvents 1.0 are taken.', field);
  for (const name of context.keys()) {
    if (!NAME.test(name)) throw invalid(`${name.slice(0, 64)} is no name of an attribute.`, field);
  }
  const attributes = { ...message.attributes };
  for (const [name, value] of context) attributes[`${PREFIX}${name}`] = value;
  const groupKey = context.get('partitionkey');
  const parent = context.get('traceparent');
  return {
    ...message,
    // The distributed tracing extension.
    attributes: parent === undefined ? attributes : { ...attributes, traceparent: parent },
    deduplicationKey: deduplicationKeyOf(context.get('source')!, context.get('id')!),
    ...(groupKey === undefined ? {} : { groupKey }),
  };
}

/** Both may be of any length, the key may not. */
function deduplicationKeyOf(source: string, id: string): string {
  return `ce:${createHash('sha256')
    .update(JSON.stringify([source, id]))
    .digest('base64url')}`;
}

function dataOf(members: Readonly<Record<string, unknown>>, type: string, field: string): Uint8Array {
  const { data, data_base64: base64 } = members;
  if (base64 !== undefined) {
    if (data !== undefined) throw invalid('A CloudEvent has data or data_base64, not both.', field);
    if (typeof base64 !== 'string' || !isBase64(base64)) throw invalid('data_base64 is not base64.', field);
    return Buffer.from(base64, 'base64');
  }
  if (data === undefined) return new Uint8Array();
  if (/^[^;]*[/+]json\s*(;|$)/i.test(type)) return Buffer.from(JSON.stringify(data));
  return Buffer.from(typeof data === 'string' ? data : JSON.stringify(data));
}

export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** Section 3.1.3.2 of the HTTP binding: percent-encoded UTF-8. */
function decodeField(name: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw invalid('The value is not percent-encoded as CloudEvents ask for.', name);
  }
}

function invalid(detail: string, field: string): MayflyError {
  return new MayflyError('message_invalid', detail, { field });
}
