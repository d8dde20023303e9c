/** What the services of queues, mappings and schedules need in the main thread. */
import { MayflyError } from '../errors.ts';
import type { ConsumerStatus } from '../model/consumer-status.ts';
import type { FunctionName, MappingName, TenantName } from '../model/ids.ts';
import type { QueueId } from '../model/queue.ts';
import type { QueueCounts } from '../model/queue-message.ts';
import type { QueueEngine } from '../store/queues/queue-engine.ts';
import type { Registry } from '../store/registry.ts';

/** What runs mappings and functions' events on this host. */
export interface TriggerView {
  /** Undefined where there is no such mapping. */
  mappingStatus(tenant: TenantName, name: MappingName): ConsumerStatus | undefined;
  functionStatus(tenant: TenantName, name: FunctionName): ConsumerStatus;
  /** Whether this host has a Redis whose streams can be read. */
  readonly hasStreams: boolean;
}

export interface EventServicePorts {
  readonly registry: Registry;
  readonly queues: QueueEngine;
  readonly triggers: TriggerView;
  readonly now: () => number;
}

/** Undefined where the store does not answer: what is defined can be seen all the same. */
export async function countsOf(queues: QueueEngine, queue: QueueId): Promise<QueueCounts | undefined> {
  try {
    return await queues.counts(queue);
  } catch (error) {
    if (error instanceof MayflyError && error.code === 'queue_unavailable') return undefined;
    throw error;
  }
}
