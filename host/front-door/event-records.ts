/** Events as the records of wit/mayfly-events.wit, and what its handlers return. */
import type { EventInvocation } from '../model/event-invocation.ts';
import type { QueueMessage } from '../model/queue-message.ts';
import { BatchAnswerError, type ItemFailure, idsOf, itemFailure } from './item-failures.ts';

/** Names of queues have no colon: these cannot be mistaken for one. */
const SOURCE_OF_EVENTS = 'mayfly:invocation';
const SOURCE_OF_TICKS = 'mayfly:schedule/';

/** `batch`. An event that comes alone is a batch of one. */
export function batchRecord({ delivery, traceparent }: EventInvocation): object {
  const messages = delivery.kind === 'batch' ? delivery.messages : [delivery.message];
  return { source: sourceOf(delivery), messages: messages.map(messageRecord), traceparent };
}

/** `tick`. */
export function tickRecord({ delivery, traceparent }: EventInvocation): object {
  if (delivery.kind !== 'tick') throw new TypeError(`a ${delivery.kind} is no tick`);
  const { schedule, scheduledAtMs, message } = delivery;
  return {
    id: message.id,
    attempt: message.attempts,
    schedule,
    scheduledAtMs: BigInt(scheduledAtMs),
    cron: delivery.cron,
    contentType: message.contentType,
    input: message.body,
    traceparent: traceparent ?? message.attributes['traceparent'],
  };
}

function sourceOf(delivery: EventInvocation['delivery']): string {
  switch (delivery.kind) {
    case 'batch':
      return delivery.source;
    case 'event':
      return SOURCE_OF_EVENTS;
    case 'tick':
      return SOURCE_OF_TICKS + delivery.schedule;
  }
}

function messageRecord(message: QueueMessage): object {
  return {
    id: message.id,
    attempt: message.attempts,
    sentAtMs: BigInt(message.sentAtMs),
    groupKey: message.groupKey,
    contentType: message.contentType,
    attributes: Object.entries(message.attributes),
    body: message.body,
  };
}

/**
 * The `list<item-failure>` that a guest returned. Its component declares the types itself, so it may be anything.
 * @throws BatchAnswerError
 */
export function failuresReturned(
  value: unknown,
  messages: readonly { readonly id: string }[],
): ItemFailure[] {
  if (!Array.isArray(value)) throw new BatchAnswerError('The handler returned no list of failures.');
  // What nearly every handler returns.
  if (value.length === 0) return [];
  const ids = idsOf(messages);
  // Each may be named once: a longer list repeats itself, or names others.
  if (value.length > ids.size)
    throw new BatchAnswerError(`The handler named ${value.length} failures of ${ids.size} messages.`);
  return value.map((item: unknown) => {
    const { id, detail } = Object(item) as { readonly id?: unknown; readonly detail?: unknown };
    return itemFailure(id, detail, ids);
  });
}
