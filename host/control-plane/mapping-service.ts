/** Event source mappings in the main thread: definitions of the registry, and what their consumers do. */
import { MayflyError } from '../errors.ts';
import type { Actor } from '../model/actor.ts';
import type { EventSource, EventSourceMapping, MappingSettingsPatch } from '../model/event-source-mapping.ts';
import { parseFilters } from '../triggers/filter-pattern.ts';
import type { MappingBackend, MappingDescription, MappingReference } from './event-backend.ts';
import { type EventServicePorts, sourceCountsOf } from './event-ports.ts';
import type { TenantReference } from './references.ts';

type Request<M extends keyof MappingBackend> = Parameters<MappingBackend[M]>[0];

export class MappingService implements MappingBackend {
  readonly #ports: EventServicePorts;

  constructor(ports: EventServicePorts) {
    this.#ports = ports;
  }

  async putMapping(request: Request<'putMapping'>) {
    const { registry, now } = this.#ports;
    const { tenant, mapping: name, source, settings, actor } = request;
    this.#requireSource(source, actor);
    checkSettings(settings);
    const { mapping, created } = registry.events.mappings.put(
      tenant,
      name,
      { source, function: request.function, settings },
      now(),
      actor,
    );
    return { ...(await this.#describe(mapping)), created };
  }

  async describeMapping({ tenant, mapping }: MappingReference): Promise<MappingDescription> {
    return this.#describe(this.#ports.registry.events.mappings.require(tenant, mapping));
  }

  async listMappings({ tenant }: TenantReference): Promise<MappingDescription[]> {
    const { registry } = this.#ports;
    registry.tenants.require(tenant);
    return Promise.all(registry.events.mappings.list(tenant).map((mapping) => this.#describe(mapping)));
  }

  async configureMapping(request: Request<'configureMapping'>): Promise<MappingDescription> {
    const { registry, now } = this.#ports;
    const { tenant, mapping: name, settings, actor } = request;
    checkSettings(settings);
    const patch = { settings, ...(request.function === undefined ? {} : { function: request.function }) };
    return this.#describe(registry.events.mappings.configure(tenant, name, patch, now(), actor));
  }

  async removeMapping({ tenant, mapping, actor }: Request<'removeMapping'>): Promise<void> {
    const { registry, now } = this.#ports;
    registry.events.mappings.remove(tenant, mapping, now(), actor);
  }

  /** A stream is a key of the host's Redis, where any tenant's messages may lie: which one a tenant reads is the operator's to say. */
  #requireSource(source: EventSource, actor: Actor): void {
    if (source.type !== 'redis-stream') return;
    if (actor.kind === 'key') {
      throw new MayflyError('forbidden', "Reading a stream of the host's Redis takes the operator's key.");
    }
    if (this.#ports.triggers.hasStreams) return;
    throw new MayflyError('invalid_request', 'This host has no Redis; the operator sets MAYFLY_REDIS_URL.', {
      field: 'source',
    });
  }

  async #describe(mapping: EventSourceMapping): Promise<MappingDescription> {
    const { tenant, name } = mapping;
    const counts = await sourceCountsOf(this.#ports, mapping);
    const status = this.#ports.triggers.mappingStatus(tenant, name);
    if (status === undefined) throw new MayflyError('mapping_not_found', `The mapping ${name} is gone.`);
    return { mapping, status, counts };
  }
}

function checkSettings({ filters, retryBaseMs, retryMaximumMs }: MappingSettingsPatch): void {
  if (filters !== undefined) parseFilters(filters);
  if (retryBaseMs !== undefined && retryMaximumMs !== undefined && retryBaseMs > retryMaximumMs) {
    throw new MayflyError('invalid_request', 'retryBaseMs is at most retryMaximumMs.', {
      field: 'retryBaseMs',
    });
  }
}
