/** What the services of queues, mappings and schedules need in the main thread. */
import { MayflyError } from '../errors.ts';
import type { ConsumerStatus } from '../model/consumer-status.ts';
import type { FunctionName, MappingName, TenantName } from '../model/ids.ts';
import type { QueueId } from '../model/queue.ts';
import type { QueueCounts } from '../model/queue-message.ts';
import type { ScheduleExpression } from '../model/schedule.ts';
import type { QueueEngine } from '../store/queues/queue-engine.ts';
import type { Registry } from '../store/registry.ts';

/** What runs mappings, functions' events and schedules on this host. */
export interface TriggerView {
  mappingStatus(tenant: TenantName, name: MappingName): ConsumerStatus;
  functionStatus(tenant: TenantName, name: FunctionName): ConsumerStatus;
  /**
   * Ticks after `afterMs`, at most `count`.
   * @throws MayflyError invalid_request for an expression or a time zone that is none
   */
  nextTicks(expression: ScheduleExpression, afterMs: number, count: number): number[];
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
