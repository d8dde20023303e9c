/** What the services of queues, mappings and schedules need in the main thread. */
import { MayflyError } from '../errors.ts';
import type { ConsumerStatus } from '../model/consumer-status.ts';
import type { EventSourceMapping } from '../model/event-source-mapping.ts';
import type { FunctionName, MappingName, TenantName } from '../model/ids.ts';
import type { QueueId } from '../model/queue.ts';
import type { QueueCounts, SourceCounts } from '../model/queue-message.ts';
import type { DeadLetterStore } from '../store/queues/dead-letter-store.ts';
import type { QueueEngine } from '../store/queues/queue-engine.ts';
import type { Registry } from '../store/registry.ts';

/** What runs mappings and functions' events on this host. */
export interface TriggerView {
  /** Undefined where there is no such mapping. */
  mappingStatus(tenant: TenantName, name: MappingName): ConsumerStatus | undefined;
  functionStatus(tenant: TenantName, name: FunctionName): ConsumerStatus;
  /** Whether this host has a Redis whose streams can be read. */
  readonly hasStreams: boolean;
  /** What a mapping reads, where that is a stream; undefined where this host has no Redis. */
  stream(mapping: EventSourceMapping): StreamView | undefined;
}

/** A stream that other programs write to, as the group of a mapping has it. */
export interface StreamView {
  counts(): Promise<SourceCounts>;
  readonly deadLetters: DeadLetterStore;
}

export interface EventServicePorts {
  readonly registry: Registry;
  readonly queues: QueueEngine;
  readonly triggers: TriggerView;
  readonly now: () => number;
}

/** Undefined where the store does not answer: what is defined can be seen all the same. */
export function countsOf(queues: QueueEngine, queue: QueueId): Promise<QueueCounts | undefined> {
  return unlessAway(() => queues.counts(queue));
}

/** As {@link countsOf}, of what a mapping reads. */
export function sourceCountsOf(
  { queues, triggers }: EventServicePorts,
  mapping: EventSourceMapping,
): Promise<SourceCounts | undefined> {
  const { tenant, source } = mapping;
  if (source.type === 'queue') return countsOf(queues, { kind: 'queue', tenant, name: source.queue });
  return unlessAway(async () => triggers.stream(mapping)?.counts());
}

async function unlessAway<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof MayflyError && error.code === 'queue_unavailable') return undefined;
    throw error;
  }
}
