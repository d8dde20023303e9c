/**
 * Everything of a host that is about events: the engine of queues, who consumes them, schedules and destinations, put together. One of
 * a host, in its main thread.
 *
 * Queues lie in `events.db` in the data folder, or in the Redis that the configuration names. What is defined lies in the registry
 * either way.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { HostConfig } from './config.ts';
import type { StreamView, TriggerView } from './control-plane/event-ports.ts';
import type { ConsumerStatus } from './model/consumer-status.ts';
import type { EventSourceMapping } from './model/event-source-mapping.ts';
import type { FunctionName, MappingName, QueueName, TenantName } from './model/ids.ts';
import type { QueueId } from './model/queue.ts';
import { isSigningSecret } from './model/webhook-signature.ts';
import type { CopiedQueues } from './store/backup/backups.ts';
import { ForgottenQueues } from './store/queues/forgotten-queues.ts';
import type { QueueEngine } from './store/queues/queue-engine.ts';
import { RedisQueueEngine } from './store/queues/redis-queue-engine.ts';
import type { RedisStreamSource } from './store/queues/redis-stream-source.ts';
import { SqliteQueues } from './store/queues/sqlite-queues.ts';
import type { Registry } from './store/registry.ts';
import { Consumers } from './triggers/consumers.ts';
import { Destinations } from './triggers/destinations.ts';
import type {
  Deliver,
  FunctionRef,
  Report,
  ScheduleDefinitions,
  TriggerClock,
  TriggerDefinitions,
} from './triggers/ports.ts';
import { Schedules } from './triggers/schedules.ts';
import { WebhookClient } from './triggers/webhook-client.ts';

export interface EventsPorts {
  readonly config: Pick<HostConfig, 'dataDir' | 'redis'>;
  readonly registry: Registry;
  readonly deliver: Deliver;
  readonly report: Report;
}

/** A secret of a function with this name signs what its outcomes tell webhooks. */
const WEBHOOK_SECRET = 'WEBHOOK_SIGNING_SECRET';

export class Events implements TriggerView, AsyncDisposable {
  readonly queues: QueueEngine;
  readonly hasStreams: boolean;
  /** For backups; undefined where Redis has the queues. */
  readonly copied: CopiedQueues | undefined;
  readonly #forgotten: ForgottenQueues;
  readonly #consumers: Consumers;
  readonly #schedules: Schedules;
  readonly #streamSource: OpenEngine['streamSource'];
  readonly #webhooks: WebhookClient;

  /** @throws DatabaseOpenError */
  constructor({ config, registry, deliver, report }: EventsPorts) {
    const { engine: store, streamSource, copied } = openEngine(config, report);
    this.copied = copied;
    this.#forgotten = new ForgottenQueues({
      engine: store,
      table: registry.events.queues,
      report,
      after: systemClock.after,
    });
    const engine: QueueEngine = this.#forgotten;
    this.queues = engine;
    this.#streamSource = streamSource;
    this.hasStreams = config.redis !== undefined;
    const definitions = definitionsOf(registry);
    this.#webhooks = new WebhookClient({
      allowedHosts: ({ tenant, name }) => definitions.functionFacts(tenant, name)?.allowedHosts ?? [],
    });
    const common = { engine, definitions, clock: systemClock, random: Math.random, report };
    const destinations = new Destinations({
      ...common,
      webhooks: this.#webhooks,
      webhookSecret: (from) => webhookSecretOf(registry, from),
    });
    this.#consumers = new Consumers({ ...common, deliver, destinations, streamSource });
    this.#schedules = new Schedules(common);
  }

  /** Once there are threads that run what comes. */
  async start(): Promise<void> {
    await this.#forgotten.settled();
    this.#consumers.start();
    this.#schedules.start();
  }

  /** Of mappings and of functions' own queues, on this host. */
  get runningConsumers(): number {
    return this.#consumers.running;
  }

  mappingStatus(tenant: TenantName, name: MappingName): ConsumerStatus | undefined {
    return this.#consumers.mappingStatus(tenant, name);
  }

  functionStatus(tenant: TenantName, name: FunctionName): ConsumerStatus {
    return this.#consumers.functionStatus(tenant, name);
  }

  stream(mapping: EventSourceMapping): StreamView | undefined {
    return this.#streamSource(mapping);
  }

  /** Strikes and claims nothing more, and settles what runs; what has not ended after `timeoutMs` is given back. */
  async drain(timeoutMs: number): Promise<void> {
    await Promise.all([this.#schedules.stop(), this.#consumers.drain(timeoutMs)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#webhooks[Symbol.asyncDispose]();
    await this.queues[Symbol.asyncDispose]();
  }
}

interface OpenEngine {
  readonly engine: QueueEngine;
  readonly copied: CopiedQueues | undefined;
  /** Undefined where there is no Redis, and for a mapping that reads a queue. */
  streamSource(mapping: EventSourceMapping): RedisStreamSource | undefined;
}

function openEngine({ dataDir, redis }: EventsPorts['config'], report: Report): OpenEngine {
  if (redis === undefined) {
    const engine = new SqliteQueues({ path: join(dataDir, 'events.db'), report });
    return { engine, copied: engine, streamSource: () => undefined };
  }
  const engine = new RedisQueueEngine({ ...redis, host: `${hostname()}-${process.pid}`, report });
  return {
    engine,
    copied: undefined,
    streamSource({ tenant, source }) {
      if (source.type !== 'redis-stream') return undefined;
      const { key, consumerGroup, startingPosition } = source;
      // The claims of a stream are named by its key.
      const queue: QueueId = { kind: 'queue', tenant, name: key as QueueName };
      return engine.stream({ key, consumerGroup, startingPosition, queue });
    },
  };
}

const systemClock: TriggerClock = {
  nowMs: Date.now,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The registry as consumers and schedules see it. */
function definitionsOf(registry: Registry): TriggerDefinitions & ScheduleDefinitions {
  const { queues, mappings, schedules, invokeConfigs } = registry.events;
  return {
    generationOf: (tenant) => registry.audit.generationOf(tenant),
    functions: () => registry.events.functions(),
    functionFacts(tenant, name) {
      const configuration = registry.functions.find(tenant, name)?.configuration;
      if (configuration === undefined) return undefined;
      const { timeoutMs, allowedHosts } = configuration;
      return { timeoutMs, allowedHosts, invokeConfig: invokeConfigs.of(tenant, name) };
    },
    onFunctionChange: (listener) => registry.functions.onChange(listener),
    mappings: () => mappings.list(),
    mapping: (tenant, name) => mappings.find(tenant, name),
    onMappingChange: (listener) => mappings.onChange(listener),
    queueSettings: (tenant, name) => queues.find(tenant, name)?.settings,
    schedules: () => schedules.list(),
    schedule: (tenant, name) => schedules.find(tenant, name),
    onScheduleChange: (listener) => schedules.onChange(listener),
    saveTicks: (ticks) => schedules.saveTicks(ticks),
  };
}

function webhookSecretOf(registry: Registry, { tenant, name }: FunctionRef): string | undefined {
  const secret = registry.secrets.values(tenant, name)[WEBHOOK_SECRET];
  return secret !== undefined && isSigningSecret(secret) ? secret : undefined;
}
