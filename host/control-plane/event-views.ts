/** Queues, messages, mappings and schedules in the shapes of their schemas. */
import type { EventInvokeConfig } from '../model/event-invoke-config.ts';
import type {
  DeadLetter,
  QueueCounts,
  QueueMessage,
  SentMessage,
  SourceCounts,
} from '../model/queue-message.ts';
import type { SigningSecretListing } from '../store/signing-secret-table.ts';
import type {
  FunctionEventsDescription,
  MappingDescription,
  MessagePageReply,
  QueueDescription,
  ScheduleDescription,
} from './event-backend.ts';
import type {
  MessageJson,
  MessagePageJson,
  QueueCountsJson,
  QueueJson,
  SentMessageJson,
  SigningSecretJson,
  SourceCountsJson,
} from './queue-schemas.ts';
import type {
  EventInvokeConfigJson,
  FunctionEventsJson,
  MappingJson,
  ScheduleJson,
} from './trigger-schemas.ts';

function instant(ms: number): string {
  return new Date(ms).toISOString();
}

export function queueJson({ queue, counts }: QueueDescription): QueueJson {
  const { tenant, name, settings, createdAtMs, updatedAtMs } = queue;
  return {
    tenant,
    name,
    settings,
    ...countsMember(counts),
    createdAt: instant(createdAtMs),
    updatedAt: instant(updatedAtMs),
  };
}

export function signingSecretJson({ id, createdAtMs }: SigningSecretListing): SigningSecretJson {
  return { id, createdAt: instant(createdAtMs) };
}

export function sentMessageJson({ id, isDuplicate }: SentMessage): SentMessageJson {
  return { id, duplicate: isDuplicate };
}

export function messagePageJson({ messages, next }: MessagePageReply): MessagePageJson {
  return { messages: messages.map(messageJson), ...(next === undefined ? {} : { next }) };
}

function messageJson(message: QueueMessage | DeadLetter): MessageJson {
  const { id, sentAtMs, deliverAtMs, attempts, contentType, attributes, deduplicationKey, groupKey } =
    message;
  return {
    id,
    sentAt: instant(sentAtMs),
    ...(deliverAtMs === undefined ? {} : { deliverAt: instant(deliverAtMs) }),
    attempts,
    contentType,
    attributes: { ...attributes },
    ...(deduplicationKey === undefined ? {} : { deduplicationKey }),
    ...(groupKey === undefined ? {} : { groupKey }),
    ...bodyMember(message.body),
    ...(message.lastCause === undefined ? {} : { lastCause: message.lastCause }),
    ...('deadAtMs' in message ? { cause: message.cause, deadAt: instant(message.deadAtMs) } : {}),
  };
}

function bodyMember(body: Uint8Array): Pick<MessageJson, 'body' | 'bodyBase64'> {
  try {
    return { body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) };
  } catch {
    return { bodyBase64: Buffer.from(body).toString('base64') };
  }
}

export function mappingJson({ mapping, status, counts }: MappingDescription): MappingJson {
  const { tenant, name, source, settings, createdAtMs, updatedAtMs } = mapping;
  return {
    tenant,
    name,
    source,
    function: mapping.function,
    ...settings,
    filters: settings.filters.map((filter) => ({ ...filter })),
    status,
    ...sourceCountsMember(counts),
    createdAt: instant(createdAtMs),
    updatedAt: instant(updatedAtMs),
  };
}

export function scheduleJson({ schedule, nextTicksMs }: ScheduleDescription): ScheduleJson {
  const { tenant, name, settings, lastTickMs, createdAtMs, updatedAtMs } = schedule;
  return {
    tenant,
    name,
    function: schedule.function,
    ...settings,
    ...(lastTickMs === undefined ? {} : { lastTick: instant(lastTickMs) }),
    nextTicks: nextTicksMs.map(instant),
    createdAt: instant(createdAtMs),
    updatedAt: instant(updatedAtMs),
  };
}

export function eventInvokeConfigJson(config: EventInvokeConfig): EventInvokeConfigJson {
  return { ...config };
}

export function functionEventsJson({ status, counts }: FunctionEventsDescription): FunctionEventsJson {
  return { status, ...countsMember(counts) };
}

function countsMember(counts: QueueCounts | undefined): { readonly counts?: QueueCountsJson } {
  if (counts === undefined) return {};
  const { ready, ...rest } = counts;
  return { counts: { ready, ...partialCounts(rest) } };
}

function sourceCountsMember(counts: SourceCounts | undefined): { readonly counts?: SourceCountsJson } {
  if (counts === undefined) return {};
  const { ready, ...rest } = counts;
  return { counts: { ...(ready === undefined ? {} : { ready }), ...partialCounts(rest) } };
}

function partialCounts({
  oldestSentAtMs,
  ...numbers
}: Omit<QueueCounts, 'ready'>): Omit<QueueCountsJson, 'ready'> {
  return { ...numbers, ...(oldestSentAtMs === undefined ? {} : { oldestSentAt: instant(oldestSentAtMs) }) };
}
