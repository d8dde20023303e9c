/** What is looked up when somebody asks: slots, the ledger's lag, queues. */
import type { BatchObservableResult, Meter, ObservableGauge } from '@opentelemetry/api';
import type { QueueCounts } from '../../model/queue-message.ts';
import type { RemeteringStatus } from '../../model/remetering.ts';
import type { SlotUse } from '../../model/thread-telemetry.ts';
import {
  ATTR_MESSAGE_STATE,
  ATTR_QUEUE,
  ATTR_REMETERING_STATE,
  ATTR_SLOT_STATE,
  METRICS,
  type MetricName,
} from './instruments.ts';
import { ATTR_TENANT } from './invocation-attributes.ts';
import { type SeriesBounds, SeriesNames } from './series-names.ts';

export interface QueueGauge {
  readonly tenant: string;
  readonly queue: string;
  readonly counts: QueueCounts;
}

/** What events tell of themselves, where there are any. */
export interface EventGauges {
  queues(): Promise<readonly QueueGauge[]>;
  /** Consumers that run on this host. */
  consumers(): number;
}

/** When the latest backup was begun, if there is one. */
export type LatestBackup = () => Promise<number | undefined>;

export interface HostGaugePorts {
  /** Usage records on their way to the ledger. */
  readonly ledgerPending: () => number;
  /** Functions that have series of their own. */
  readonly functionSeries: () => number;
  readonly bounds: SeriesBounds;
  readonly now: () => number;
}

type GaugeName = { [N in MetricName]: (typeof METRICS)[N]['kind'] extends 'gauge' ? N : never }[MetricName];

export class HostGauges {
  readonly #ports: HostGaugePorts;
  readonly #slots = new Map<number, SlotUse>();
  readonly #gauges: Readonly<Record<GaugeName, ObservableGauge>>;
  readonly #queueNames: SeriesNames;
  #events: EventGauges | undefined;
  #remetering: (() => RemeteringStatus) | undefined;
  #latestBackupMs: LatestBackup = async () => undefined;

  constructor(meter: Meter, ports: HostGaugePorts) {
    this.#ports = ports;
    this.#queueNames = new SeriesNames(ports.bounds);
    const gauges = Object.entries(METRICS).flatMap(([name, { kind, unit, about }]) =>
      kind === 'gauge'
        ? [[name, meter.createObservableGauge(name, { unit, description: about })] as const]
        : [],
    );
    this.#gauges = Object.fromEntries(gauges) as Record<GaugeName, ObservableGauge>;
    meter.addBatchObservableCallback(
      (result) => this.#observe(result),
      gauges.map(([, gauge]) => gauge),
    );
  }

  attachEvents(events: EventGauges): void {
    this.#events = events;
  }

  attachRemetering(status: () => RemeteringStatus): void {
    this.#remetering = status;
  }

  attachBackups(latestMs: LatestBackup): void {
    this.#latestBackupMs = latestMs;
  }

  setSlots(thread: number, slots: SlotUse): void {
    this.#slots.set(thread, slots);
  }

  threadEnded(thread: number): void {
    this.#slots.delete(thread);
  }

  async #observe(result: BatchObservableResult): Promise<void> {
    const gauges = this.#gauges;
    const threads = [...this.#slots.values()];
    const sum = (what: keyof SlotUse): number => threads.reduce((total, slots) => total + slots[what], 0);
    result.observe(gauges['mayfly.slots'], sum('idle'), { [ATTR_SLOT_STATE]: 'idle' });
    result.observe(gauges['mayfly.slots'], sum('busy'), { [ATTR_SLOT_STATE]: 'busy' });
    result.observe(gauges['mayfly.slots.memory'], sum('idleBytes'));
    result.observe(gauges['mayfly.ledger.pending'], this.#ports.ledgerPending());
    result.observe(gauges['mayfly.telemetry.series'], this.#ports.functionSeries());
    if (this.#remetering !== undefined) {
      const { waiting, failed } = this.#remetering();
      const states = { waiting, failed: failed.length };
      for (const [state, count] of Object.entries(states))
        result.observe(gauges['mayfly.remetering.artifacts'], count, { [ATTR_REMETERING_STATE]: state });
    }
    // A folder that cannot be read is the concern of whoever lists backups; everything else is still told.
    const backupMs = await this.#latestBackupMs().catch(() => undefined);
    if (backupMs !== undefined)
      result.observe(gauges['mayfly.backup.age'], Math.max(this.#ports.now() - backupMs, 0) / 1_000);
    if (this.#events === undefined) return;
    result.observe(gauges['mayfly.consumers'], this.#events.consumers());
    // The last export of a host that stops finds its queues closed; everything else is still told.
    this.#observeQueues(result, await this.#events.queues().catch(() => []));
  }

  #observeQueues(result: BatchObservableResult, queues: readonly QueueGauge[]): void {
    // Several may be `_other`: those are one point, their sum.
    const merged = new Map<
      string,
      { tenant: string; queue: string; states: Map<string, number>; ageS: number }
    >();
    for (const { tenant, queue, counts } of queues) {
      const series = this.#queueNames.of(tenant, queue);
      const key = `${series.tenant}/${series.name}`;
      const point = merged.get(key) ?? {
        tenant: series.tenant,
        queue: series.name,
        states: new Map(),
        ageS: 0,
      };
      merged.set(key, point);
      for (const [state, count] of statesOf(counts))
        point.states.set(state, (point.states.get(state) ?? 0) + count);
      const { oldestSentAtMs = this.#ports.now() } = counts;
      point.ageS = Math.max(point.ageS, (this.#ports.now() - oldestSentAtMs) / 1_000);
    }
    for (const { tenant, queue, states, ageS } of merged.values()) {
      const attributes = { [ATTR_TENANT]: tenant, [ATTR_QUEUE]: queue };
      for (const [state, count] of states)
        result.observe(this.#gauges['mayfly.queue.messages'], count, {
          ...attributes,
          [ATTR_MESSAGE_STATE]: state,
        });
      result.observe(this.#gauges['mayfly.queue.oldest_age'], ageS, attributes);
    }
  }
}

function statesOf({ ready, delayed, inFlight, dead }: QueueCounts): [string, number][] {
  return [
    ['ready', ready],
    ['delayed', delayed],
    ['in-flight', inFlight],
    ['dead', dead],
  ];
}
