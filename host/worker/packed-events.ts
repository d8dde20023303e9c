/**
 * Events of one turn on their way to a serving thread, in parcels: a text and a buffer, which is moved. The structured clone algorithm takes
 * twice as long for the messages, and a buffer for each event costs more than to fill it. But a body keeps its whole buffer, for as long as its
 * event is handled: so a parcel is small, unless it is one event.
 *
 * A message is, in the buffer (numbers in little endian): when it was sent (float64), attempts, bytes of its id, of its head and of its body
 * (uint32 each), id, head, body. The head is JSON of all else, or nothing where it is that of the message before, as it nearly always is.
 *
 * Bodies are copied once, here: who keeps the messages needs them until they are settled, and a buffer may hold others as well.
 */
import type { EventDelivery, EventInvocation } from '../model/event-invocation.ts';
import type { InvocationId, MessageId } from '../model/ids.ts';
import type { QueueMessage } from '../model/queue-message.ts';

export interface ThreadEvent {
  /** Of its invocation, if it comes to one; names it between the threads. */
  readonly id: InvocationId;
  readonly invocation: EventInvocation;
}

export interface PackedEvents {
  /** JSON of the events, each with the number of its messages in place of them. */
  readonly events: string;
  /** In the order of the events. */
  readonly messages: Uint8Array<ArrayBuffer>;
}

type Head = Omit<QueueMessage, 'id' | 'body' | 'sentAtMs' | 'attempts'>;

interface PackedEvent {
  readonly id: InvocationId;
  readonly invocation: Omit<EventInvocation, 'delivery'> & { readonly delivery: { readonly kind: string } };
  readonly messages: number;
}

const NUMBERS_BYTES = 8 + 4 * 4;
/** Of a parcel that has more than one event: about 30 batches of ten messages with 100 bytes. */
const PARCEL_BYTES = 64 * 1024;

export function packEvents(events: readonly ThreadEvent[]): PackedEvents[] {
  const packed: PackedEvents[] = [];
  let parcel = new Parcel();
  for (const event of events) {
    if (parcel.add(event)) continue;
    packed.push(parcel.pack());
    parcel = new Parcel();
    parcel.add(event);
  }
  packed.push(parcel.pack());
  return packed;
}

/** Bodies are views of the one buffer. */
export function unpackEvents({ events, messages }: PackedEvents): ThreadEvent[] {
  const reader = new MessageReader(messages);
  return (JSON.parse(events) as PackedEvent[]).map(({ id, invocation, messages: count }) => {
    const own = Array.from({ length: count }, () => reader.next());
    const delivery = (
      invocation.delivery.kind === 'batch'
        ? { ...invocation.delivery, messages: own }
        : { ...invocation.delivery, message: own[0] }
    ) as EventDelivery;
    return { id, invocation: { ...invocation, delivery } };
  });
}

function messagesOf(delivery: EventDelivery): readonly QueueMessage[] {
  return delivery.kind === 'batch' ? delivery.messages : [delivery.message];
}

interface Entry {
  readonly message: QueueMessage;
  readonly head: string;
  readonly headBytes: number;
  readonly idBytes: number;
}

class Parcel {
  readonly #events: PackedEvent[] = [];
  readonly #entries: Entry[] = [];
  #bytes = 0;

  /** False if there is no room for it beside what is in here. */
  add({ id, invocation }: ThreadEvent): boolean {
    const { delivery } = invocation;
    const messages = messagesOf(delivery);
    const entries: Entry[] = [];
    let bytes = this.#bytes;
    let before = this.#entries.at(-1)?.message;
    for (const message of messages) {
      const head = before !== undefined && hasSameHead(message, before) ? '' : headOf(message);
      const headBytes = head === '' ? 0 : Buffer.byteLength(head);
      const idBytes = Buffer.byteLength(message.id);
      entries.push({ message, head, headBytes, idBytes });
      bytes += NUMBERS_BYTES + idBytes + headBytes + message.body.length;
      before = message;
    }
    if (bytes > PARCEL_BYTES && this.#events.length > 0) return false;
    // JSON leaves out what is undefined.
    const bare = { ...delivery, message: undefined, messages: undefined };
    this.#events.push({ id, invocation: { ...invocation, delivery: bare }, messages: messages.length });
    this.#entries.push(...entries);
    this.#bytes = bytes;
    return true;
  }

  pack(): PackedEvents {
    const messages = new Uint8Array(this.#bytes);
    const buffer = Buffer.from(messages.buffer);
    let at = 0;
    for (const { message, head, headBytes, idBytes } of this.#entries) {
      const { id, body, sentAtMs, attempts } = message;
      at = buffer.writeDoubleLE(sentAtMs, at);
      at = buffer.writeUInt32LE(attempts, at);
      at = buffer.writeUInt32LE(idBytes, at);
      at = buffer.writeUInt32LE(headBytes, at);
      at = buffer.writeUInt32LE(body.length, at);
      at += buffer.write(id, at, 'utf8');
      if (headBytes > 0) at += buffer.write(head, at, 'utf8');
      messages.set(body, at);
      at += body.length;
    }
    return { events: JSON.stringify(this.#events), messages };
  }
}

/** Attributes of the same object: the engine shares them where they are the same (redis-record.ts). */
function hasSameHead(message: QueueMessage, before: QueueMessage): boolean {
  return (
    message.attributes === before.attributes &&
    message.contentType === before.contentType &&
    message.groupKey === before.groupKey &&
    message.deduplicationKey === before.deduplicationKey &&
    message.deliverAtMs === before.deliverAtMs &&
    message.lastCause === before.lastCause
  );
}

function headOf({ id: _id, body: _body, sentAtMs: _at, attempts: _attempts, ...head }: QueueMessage): string {
  return JSON.stringify(head satisfies Head);
}

class MessageReader {
  readonly #buffer: Buffer<ArrayBuffer>;
  #at = 0;
  #head: Head = { contentType: '', attributes: {} };

  constructor(messages: Uint8Array<ArrayBuffer>) {
    this.#buffer = Buffer.from(messages.buffer, messages.byteOffset, messages.byteLength);
  }

  next(): QueueMessage {
    const buffer = this.#buffer;
    const at = this.#at;
    const idAt = at + NUMBERS_BYTES;
    const headAt = idAt + buffer.readUInt32LE(at + 12);
    const bodyAt = headAt + buffer.readUInt32LE(at + 16);
    this.#at = bodyAt + buffer.readUInt32LE(at + 20);
    if (bodyAt > headAt) this.#head = JSON.parse(buffer.toString('utf8', headAt, bodyAt)) as Head;
    return {
      ...this.#head,
      id: buffer.toString('utf8', idAt, headAt) as MessageId,
      body: new Uint8Array(buffer.buffer, buffer.byteOffset + bodyAt, this.#at - bodyAt),
      sentAtMs: buffer.readDoubleLE(at),
      attempts: buffer.readUInt32LE(at + 8),
    };
  }
}
