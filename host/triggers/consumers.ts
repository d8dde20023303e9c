/**
 * Which consumers there are: one for each enabled event source mapping, and one for each function whose own event queue has work. Follows the
 * registry.
 *
 * 1. A mapping has one consumer while it is enabled. One whose source or function has changed is replaced; the old one ends what it has begun.
 * 2. A function has a listener, and a consumer only while there is work: 10,000 functions at rest cost no timer and no claim.
 * 3. What is waiting when the host starts is found by looking once, at a bounded rate, also if the store is away at that time.
 * 4. After {@link drain} has begun no consumer is made.
 */
import { FUNCTION_QUEUE } from '../limits/event-limits.ts';
import { FUNCTION_LIMITS } from '../limits/limits.ts';
import type { ConsumerStatus } from '../model/consumer-status.ts';
import type { EventSourceMapping } from '../model/event-source-mapping.ts';
import type { FunctionName, MappingName, TenantName } from '../model/ids.ts';
import type { QueueId } from '../model/queue.ts';
import type { QueueEngine } from '../store/queues/queue-engine.ts';
import type { BatchPorts } from './batch.ts';
import { BatchBudget } from './batch-budget.ts';
import { Consumer, type ConsumerSettings } from './consumer.ts';
import { type ConsumerCounts, noCounts, statusOf } from './consumer-counts.ts';
import { parseFilters } from './filter-pattern.ts';
import type { FunctionFacts, FunctionRef, MessageSource, TriggerDefinitions } from './ports.ts';
import { queueSource } from './queue-source.ts';
import { backoffMs } from './retry-policy.ts';
import type { BatchTarget } from './run-delivery.ts';

export interface ConsumersPorts extends Omit<BatchPorts, 'source'> {
  readonly engine: QueueEngine;
  readonly definitions: TriggerDefinitions;
  /** For mappings whose source is a stream; undefined where the host has none. */
  streamSource(mapping: EventSourceMapping): MessageSource | undefined;
}

interface MappingFeed {
  readonly mapping: EventSourceMapping;
  readonly consumer: Consumer;
}

interface FunctionFeed {
  readonly ref: FunctionRef;
  readonly generation: number;
  readonly counts: ConsumerCounts;
  readonly stopListening: () => void;
  consumer: Consumer | undefined;
}

/** Bodies of batches in work, of all tenants and of one: 42 and 10 claims of the largest kind. */
const BUDGET = { totalBytes: 256 * 1024 * 1024, tenantBytes: 64 * 1024 * 1024 } as const;
/** Queues that are looked at at a time when the host starts. */
const PROBES = 16;
const PROBE_BACKOFF = { baseMs: 100, maximumMs: 5_000, jitter: 'equal' } as const;
/** What a consumer that is no longer wanted has, beyond its function's timeout, to end what it has begun. */
const RETIRE_MARGIN_MS = 10_000;

export class Consumers {
  readonly #ports: ConsumersPorts;
  readonly #budget = new BatchBudget(BUDGET);
  readonly #mappings = new Map<string, MappingFeed>();
  readonly #mappingCounts = new Map<string, ConsumerCounts>();
  readonly #functions = new Map<string, FunctionFeed>();
  /** No longer wanted, but with batches in work. */
  readonly #retiring = new Set<Consumer>();
  readonly #unprobed = new Set<FunctionFeed>();
  #probes = 0;
  #stopListening: readonly (() => void)[] = [];
  #isDraining = false;

  constructor(ports: ConsumersPorts) {
    this.#ports = ports;
  }

  start(): void {
    const { definitions } = this.#ports;
    this.#stopListening = [
      definitions.onMappingChange((tenant, name) => this.#followMapping(tenant, name)),
      definitions.onFunctionChange((tenant, name) => this.#followFunction(tenant, name)),
    ];
    for (const { tenant, name } of definitions.mappings()) this.#followMapping(tenant, name);
    for (const { tenant, name } of definitions.functions()) this.#fitFunction(tenant, name);
  }

  /** Consumers that there are, of mappings and of functions' own queues. */
  get running(): number {
    const ofFunctions = [...this.#functions.values()].filter(({ consumer }) => consumer !== undefined);
    return this.#mappings.size + ofFunctions.length;
  }

  /** Undefined where there is no such mapping. */
  mappingStatus(tenant: TenantName, name: MappingName): ConsumerStatus | undefined {
    const feed = this.#mappings.get(keyOf(tenant, name));
    if (feed !== undefined) return feed.consumer.status;
    const mapping = this.#ports.definitions.mapping(tenant, name);
    if (mapping === undefined) return undefined;
    const counts = this.#mappingCounts.get(keyOf(tenant, name)) ?? noCounts();
    return statusOf(mapping.settings.enabled ? 'stopped' : 'paused', counts);
  }

  /** Of a function's own event queue. */
  functionStatus(tenant: TenantName, name: FunctionName): ConsumerStatus {
    const feed = this.#functions.get(keyOf(tenant, name));
    if (feed === undefined) return statusOf('stopped', noCounts());
    return feed.consumer?.status ?? statusOf('idle', feed.counts);
  }

  /** Claims no more, lets what runs end for so long, and gives back the rest. */
  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    for (const stop of this.#stopListening) stop();
    this.#unprobed.clear();
    for (const feed of this.#functions.values()) feed.stopListening();
    const consumers = [
      ...[...this.#mappings.values()].map(({ consumer }) => consumer),
      ...[...this.#functions.values()].flatMap(({ consumer }) => consumer ?? []),
      ...this.#retiring,
    ];
    await Promise.all(consumers.map((consumer) => consumer.drain(timeoutMs)));
  }

  /** One that cannot be read (filters of another version, say) has no consumer; its messages wait. */
  #followMapping(tenant: TenantName, name: MappingName): void {
    if (this.#isDraining) return;
    const key = keyOf(tenant, name);
    try {
      this.#fitMapping(key, tenant, name);
    } catch (error) {
      this.#ports.report(`mapping ${key} cannot be consumed`, error);
    }
  }

  #fitMapping(key: string, tenant: TenantName, name: MappingName): void {
    const mapping = this.#ports.definitions.mapping(tenant, name);
    const feed = this.#mappings.get(key);
    if (mapping === undefined) this.#mappingCounts.delete(key);
    if (mapping === undefined || !mapping.settings.enabled) {
      if (feed !== undefined) this.#retireMapping(key, feed);
      return;
    }
    if (feed !== undefined && isSameFeed(feed.mapping, mapping)) {
      feed.consumer.configure(this.#mappingSettings(mapping));
      this.#mappings.set(key, { ...feed, mapping });
      return;
    }
    if (feed !== undefined) this.#retireMapping(key, feed);
    this.#feedMapping(key, mapping);
  }

  #feedMapping(key: string, mapping: EventSourceMapping): void {
    const source = this.#sourceOf(mapping);
    if (source === undefined) {
      this.#ports.report(`mapping ${key} reads a stream, and this host has no Redis`);
      return;
    }
    const counts = this.#mappingCounts.get(key) ?? noCounts();
    this.#mappingCounts.set(key, counts);
    const target: BatchTarget = {
      tenant: mapping.tenant,
      generation: this.#ports.definitions.generationOf(mapping.tenant),
      name: mapping.function,
      source: mapping.source.type === 'queue' ? mapping.source.queue : mapping.source.key,
    };
    const ports = { ...this.#ports, source, budget: this.#budget };
    const consumer = new Consumer(ports, target, this.#mappingSettings(mapping), counts);
    this.#mappings.set(key, { mapping, consumer });
    consumer.start();
  }

  #retireMapping(key: string, { mapping, consumer }: MappingFeed): void {
    this.#mappings.delete(key);
    this.#retire(consumer, this.#timeoutOf(mapping.tenant, mapping.function));
  }

  #retire(consumer: Consumer, timeoutMs: number): void {
    this.#retiring.add(consumer);
    void consumer.drain(timeoutMs + RETIRE_MARGIN_MS).then(() => this.#retiring.delete(consumer));
  }

  #sourceOf(mapping: EventSourceMapping): MessageSource | undefined {
    const { engine } = this.#ports;
    if (mapping.source.type !== 'queue') return this.#ports.streamSource(mapping);
    return queueSource(engine, { kind: 'queue', tenant: mapping.tenant, name: mapping.source.queue });
  }

  #mappingSettings({ tenant, name, function: target, settings }: EventSourceMapping): ConsumerSettings {
    return {
      batchSize: settings.batchSize,
      batchingWindowMs: settings.batchingWindowMs,
      maximumConcurrency: settings.maximumConcurrency,
      bisectBatchOnError: settings.bisectBatchOnError,
      filters: parseFilters(settings.filters, `${tenant}/${name}.filters`),
      destinations: settings.destinations,
      timeoutMs: this.#timeoutOf(tenant, target),
      retry: {
        maximumAttempts: settings.maximumAttempts,
        maximumAgeMs: settings.maximumAgeMs,
        baseMs: settings.retryBaseMs,
        maximumMs: settings.retryMaximumMs,
        jitter: 'equal',
      },
    };
  }

  /** A function that is gone keeps its mapping waiting: deliveries are refused, whatever the lease. */
  #timeoutOf(tenant: TenantName, name: FunctionName): number {
    return (
      this.#ports.definitions.functionFacts(tenant, name)?.timeoutMs ?? FUNCTION_LIMITS.timeoutMs.default
    );
  }

  #followFunction(tenant: TenantName, name: FunctionName): void {
    if (this.#isDraining) return;
    this.#fitFunction(tenant, name);
    // Deployed, deleted or lifted out of quarantine: what stood in the way of its mappings may be gone as well.
    for (const { mapping, consumer } of this.#mappings.values()) {
      if (mapping.tenant === tenant && mapping.function === name)
        consumer.configure(this.#mappingSettings(mapping));
    }
  }

  #fitFunction(tenant: TenantName, name: FunctionName): void {
    const key = keyOf(tenant, name);
    const facts = this.#ports.definitions.functionFacts(tenant, name);
    const feed = this.#functions.get(key);
    if (facts === undefined) this.#forgetFunction(key, feed);
    else if (feed === undefined) this.#unprobed.add(this.#listen(key, { tenant, name }));
    else feed.consumer?.configure(functionSettings(facts));
    this.#probe();
  }

  #listen(key: string, ref: FunctionRef): FunctionFeed {
    const feed: FunctionFeed = {
      ref,
      generation: this.#ports.definitions.generationOf(ref.tenant),
      counts: noCounts(),
      consumer: undefined,
      stopListening: this.#ports.engine.onWork(functionQueue(ref), () => this.#feedFunction(feed)),
    };
    this.#functions.set(key, feed);
    return feed;
  }

  #feedFunction(feed: FunctionFeed): void {
    const { tenant, name } = feed.ref;
    const facts = this.#ports.definitions.functionFacts(tenant, name);
    if (feed.consumer !== undefined || facts === undefined || this.#isDraining) return;
    const consumer = new Consumer(
      {
        ...this.#ports,
        source: queueSource(this.#ports.engine, functionQueue(feed.ref)),
        budget: this.#budget,
        onIdle: () => {
          feed.consumer = undefined;
          void consumer.drain(0);
        },
      },
      { ...feed.ref, generation: feed.generation },
      functionSettings(facts),
      feed.counts,
    );
    feed.consumer = consumer;
    consumer.start();
  }

  #forgetFunction(key: string, feed: FunctionFeed | undefined): void {
    if (feed === undefined) return;
    this.#functions.delete(key);
    this.#unprobed.delete(feed);
    feed.stopListening();
    if (feed.consumer !== undefined) this.#retire(feed.consumer, FUNCTION_LIMITS.timeoutMs.default);
  }

  #probe(): void {
    while (this.#probes < PROBES && this.#probes < this.#unprobed.size) {
      this.#probes++;
      void this.#probeAll().finally(() => this.#probes--);
    }
  }

  async #probeAll(): Promise<void> {
    const { engine, clock, random } = this.#ports;
    for (let failures = 0; ; ) {
      const [feed] = this.#unprobed;
      if (feed === undefined) return;
      this.#unprobed.delete(feed);
      try {
        const { ready } = await engine.counts(functionQueue(feed.ref));
        if (ready > 0 && this.#functions.get(keyOf(feed.ref.tenant, feed.ref.name)) === feed)
          this.#feedFunction(feed);
        failures = 0;
      } catch {
        if (this.#isDraining) return;
        this.#unprobed.add(feed);
        const waited = Promise.withResolvers<void>();
        clock.after(backoffMs(PROBE_BACKOFF, ++failures, random), waited.resolve);
        await waited.promise;
      }
    }
  }
}

function functionSettings({ timeoutMs, invokeConfig }: FunctionFacts): ConsumerSettings {
  return {
    batchSize: 1,
    batchingWindowMs: 0,
    maximumConcurrency: FUNCTION_QUEUE.maximumConcurrency,
    bisectBatchOnError: false,
    filters: [],
    destinations: invokeConfig.destinations,
    timeoutMs,
    retry: {
      maximumAttempts: invokeConfig.maximumAttempts,
      maximumAgeMs: invokeConfig.maximumAgeMs,
      baseMs: FUNCTION_QUEUE.retryBaseMs,
      maximumMs: FUNCTION_QUEUE.retryMaximumMs,
      jitter: 'equal',
    },
  };
}

function functionQueue({ tenant, name }: FunctionRef): QueueId {
  return { kind: 'function', tenant, name };
}

function isSameFeed(one: EventSourceMapping, other: EventSourceMapping): boolean {
  return one.function === other.function && JSON.stringify(one.source) === JSON.stringify(other.source);
}

function keyOf(tenant: TenantName, name: string): string {
  return `${tenant}/${name}`;
}
