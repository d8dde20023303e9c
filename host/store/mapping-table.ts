/** Event source mappings as their tenants define them, in the registry's file. A mapping may outlive its function. */
import { MayflyError } from '../errors.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import {
  defaultMappingSettings,
  type EventSource,
  type EventSourceMapping,
  type MappingSettings,
  type MappingSettingsPatch,
} from '../model/event-source-mapping.ts';
import type { FunctionName, MappingName, TenantName } from '../model/ids.ts';
import { type DefinitionListener, namedSides, type Row, timesOf } from './event-row.ts';
import type { DefinitionPorts, QueueTable } from './queue-table.ts';

/** What a mapping is made of. */
export interface MappingDefinition {
  readonly source: EventSource;
  readonly function: FunctionName;
  readonly settings: MappingSettingsPatch;
}

export interface MappingPatch {
  readonly function?: FunctionName;
  readonly settings: MappingSettingsPatch;
}

export class MappingTable {
  readonly #ports: DefinitionPorts & { readonly queues: QueueTable };
  readonly #listeners = new Set<DefinitionListener<MappingName>>();

  constructor(ports: DefinitionPorts & { readonly queues: QueueTable }) {
    this.#ports = ports;
  }

  /** Tells `listener` of every mapping that was created, configured or removed, also along with its tenant. */
  onChange(listener: DefinitionListener<MappingName>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Creates a mapping, or makes the one there is what `definition` says.
   * @throws MayflyError tenant_not_found, event_quota_exceeded, function_not_found, queue_not_found; invalid_request
   *   where another source is given than the mapping has
   */
  put(
    tenant: TenantName,
    name: MappingName,
    definition: MappingDefinition,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): { readonly mapping: EventSourceMapping; readonly created: boolean } {
    const { database, audit, tenants, quotas, queues } = this.#ports;
    const { source, settings } = definition;
    const created = database.change(() => {
      tenants.require(tenant);
      const before = this.find(tenant, name);
      if (!before) quotas.requireRoomFor(tenant, 'eventSourceMappings');
      else if (!isSameSource(before.source, source)) {
        throw new MayflyError('invalid_request', 'A mapping keeps its source; make another one.', {
          field: 'source',
        });
      }
      if (source.type === 'queue') queues.require(tenant, source.queue);
      this.#requireFunction(tenant, definition.function);
      database
        .sql(
          `INSERT INTO event_source_mappings
             (tenant, name, source, function, settings, created_at_ms, updated_at_ms)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
           ON CONFLICT DO UPDATE SET function = excluded.function, settings = excluded.settings,
             updated_at_ms = excluded.updated_at_ms`,
        )
        .run(tenant, name, JSON.stringify(source), definition.function, JSON.stringify(settings), nowMs);
      audit.append(
        {
          tenant,
          actor,
          action: before ? 'mapping.configure' : 'mapping.create',
          target: name,
          ...(before && { before: { function: before.function, ...before.settings } }),
          after: { ...definition, ...settings, settings: undefined },
        },
        nowMs,
      );
      return before === undefined;
    });
    this.changed(tenant, name);
    return { mapping: this.require(tenant, name), created };
  }

  /**
   * Replaces what `patch` names.
   * @throws MayflyError tenant_not_found, mapping_not_found, function_not_found
   */
  configure(
    tenant: TenantName,
    name: MappingName,
    patch: MappingPatch,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): EventSourceMapping {
    const { database, audit } = this.#ports;
    database.change(() => {
      const before = this.require(tenant, name);
      if (patch.function !== undefined) this.#requireFunction(tenant, patch.function);
      const named = {
        ...(patch.function === undefined ? {} : { function: patch.function }),
        ...patch.settings,
      };
      const sides = namedSides({ function: before.function, ...before.settings }, named);
      audit.append({ tenant, actor, action: 'mapping.configure', target: name, ...sides }, nowMs);
      database
        .sql(
          `UPDATE event_source_mappings SET function = ?, settings = ?, updated_at_ms = ?
           WHERE tenant = ? AND name = ?`,
        )
        .run(
          patch.function ?? before.function,
          JSON.stringify({ ...this.#overrides(tenant, name), ...patch.settings }),
          nowMs,
          tenant,
          name,
        );
    });
    this.changed(tenant, name);
    return this.require(tenant, name);
  }

  /** @throws MayflyError tenant_not_found, mapping_not_found */
  remove(tenant: TenantName, name: MappingName, nowMs: number, actor: Actor = THE_HOST): void {
    const { database, audit } = this.#ports;
    database.change(() => {
      const { source, function: fn, settings } = this.require(tenant, name);
      database.sql('DELETE FROM event_source_mappings WHERE tenant = ? AND name = ?').run(tenant, name);
      const before = { source, function: fn, ...settings };
      audit.append({ tenant, actor, action: 'mapping.delete', target: name, before }, nowMs);
    });
    this.changed(tenant, name);
  }

  find(tenant: TenantName, name: MappingName): EventSourceMapping | undefined {
    const row = this.#row(tenant, name);
    return row && toMapping(row);
  }

  /** @throws MayflyError tenant_not_found, mapping_not_found */
  require(tenant: TenantName, name: MappingName): EventSourceMapping {
    const mapping = this.find(tenant, name);
    if (mapping) return mapping;
    this.#ports.tenants.require(tenant);
    throw new MayflyError('mapping_not_found', `There is no event source mapping ${tenant}/${name}.`);
  }

  /** By name; of all tenants where none is named. */
  list(tenant?: TenantName): EventSourceMapping[] {
    const rows =
      tenant === undefined
        ? this.#ports.database.sql('SELECT * FROM event_source_mappings ORDER BY tenant, name').all()
        : this.#ports.database
            .sql('SELECT * FROM event_source_mappings WHERE tenant = ? ORDER BY name')
            .all(tenant);
    return rows.map(toMapping);
  }

  /** For whoever removed mappings along with their tenant. */
  changed(tenant: TenantName, name: MappingName): void {
    for (const listener of this.#listeners) listener(tenant, name);
  }

  #requireFunction(tenant: TenantName, name: FunctionName): void {
    const sql = 'SELECT 1 FROM functions WHERE tenant = ? AND name = ?';
    if (this.#ports.database.sql(sql).get(tenant, name)) return;
    throw new MayflyError('function_not_found', `There is no function ${tenant}/${name}.`, {
      field: 'function',
    });
  }

  #row(tenant: TenantName, name: MappingName): Row | undefined {
    return this.#ports.database
      .sql('SELECT * FROM event_source_mappings WHERE tenant = ? AND name = ?')
      .get(tenant, name);
  }

  #overrides(tenant: TenantName, name: MappingName): MappingSettingsPatch {
    return JSON.parse(this.#row(tenant, name)?.['settings'] as string) as MappingSettingsPatch;
  }
}

function isSameSource(one: EventSource, other: EventSource): boolean {
  if (one.type === 'queue') return other.type === 'queue' && one.queue === other.queue;
  return other.type === 'redis-stream' && one.key === other.key && one.consumerGroup === other.consumerGroup;
}

function toMapping(row: Row): EventSourceMapping {
  const overrides = JSON.parse(row['settings'] as string) as Partial<MappingSettings>;
  return {
    tenant: row['tenant'] as TenantName,
    name: row['name'] as MappingName,
    source: JSON.parse(row['source'] as string) as EventSource,
    function: row['function'] as FunctionName,
    settings: { ...defaultMappingSettings(), ...overrides },
    ...timesOf(row),
  };
}
