/**
 * An event on its way to a serving thread: its bodies in one buffer that is moved, the rest as JSON. Of a batch of ten messages with 100
 * bytes each, both sides together take 29 µs; the structured clone algorithm 43, and of a hundred messages 252 instead of 112.
 *
 * The bodies are copied once, here: who keeps the messages needs them until they are settled, and a buffer may hold others as well.
 */
import type { EventInvocation } from '../model/event-invocation.ts';
import type { QueueMessage } from '../model/queue-message.ts';

export interface PackedInvocation {
  /** The invocation, its bodies replaced by their lengths. */
  readonly head: string;
  /** In the order of the messages. */
  readonly bodies: Uint8Array<ArrayBuffer>;
}

type Bodiless = Omit<QueueMessage, 'body'> & { readonly body: number };

export function packInvocation(invocation: EventInvocation): PackedInvocation {
  const { delivery } = invocation;
  const messages = delivery.kind === 'batch' ? delivery.messages : [delivery.message];
  const bodies = new Uint8Array(messages.reduce((sum, { body }) => sum + body.length, 0));
  let at = 0;
  const heads = messages.map((message): Bodiless => {
    bodies.set(message.body, at);
    at += message.body.length;
    return { ...message, body: message.body.length };
  });
  const head = JSON.stringify({
    ...invocation,
    delivery:
      delivery.kind === 'batch' ? { ...delivery, messages: heads } : { ...delivery, message: heads[0] },
  });
  return { head, bodies };
}

/** Bodies are views of the one buffer. */
export function unpackInvocation({ head, bodies }: PackedInvocation): EventInvocation {
  const invocation = JSON.parse(head) as EventInvocation;
  const { delivery } = invocation;
  let at = 0;
  const withBody = (message: QueueMessage): QueueMessage => {
    const { body: length } = message as unknown as Bodiless;
    const body = bodies.subarray(at, at + length);
    at += length;
    return { ...message, body };
  };
  return {
    ...invocation,
    delivery:
      delivery.kind === 'batch'
        ? { ...delivery, messages: delivery.messages.map(withBody) }
        : { ...delivery, message: withBody(delivery.message) },
  };
}
