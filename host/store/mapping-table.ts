/** Event source mappings as their tenants define them, in the registry's file. A mapping may outlive its function. */
import { MayflyError } from '../errors/errors.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import {
  defaultMappingSettings,
  type EventSource,
  type EventSourceMapping,
  type MappingSettings,
  type MappingSettingsPatch,
} from '../model/event-source-mapping.ts';
import type { FunctionName, MappingName, TenantName } from '../model/ids.ts';
import { type DefinitionPorts, DefinitionTable, type Row, timesOf } from './definition-table.ts';
import type { QueueTable } from './queue-table.ts';

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

export class MappingTable extends DefinitionTable<MappingName, EventSourceMapping> {
  readonly #queues: QueueTable;

  constructor({ queues, ...ports }: DefinitionPorts & { readonly queues: QueueTable }) {
    super(ports, {
      table: 'event_source_mappings',
      noun: 'mapping',
      title: 'event source mapping',
      quota: 'eventSourceMappings',
      toValue: toMapping,
      audited: ({ source, function: fn, settings }) => ({ source, function: fn, ...settings }),
    });
    this.#queues = queues;
  }

  /**
   * Creates a mapping, or makes the one there is what `definition` says.
   * @throws MayflyError tenant_not_found, event_quota_exceeded, function_not_found, queue_not_found; invalid_request
   *   where another source is given than the mapping has
   */
  put(
    tenant: TenantName,
    name: MappingName,
    { source, function: fn, settings }: MappingDefinition,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): { readonly mapping: EventSourceMapping; readonly created: boolean } {
    const change = (before: EventSourceMapping | undefined) => {
      if (before && !isSameSource(before.source, source)) {
        throw new MayflyError('invalid_request', 'A mapping keeps its source; make another one.', {
          field: 'source',
        });
      }
      if (source.type === 'queue') this.#queues.require(tenant, source.queue);
      this.requireFunction(tenant, fn);
      return { columns: columnsOf(source, fn), settings, named: { source, function: fn, ...settings } };
    };
    const { value: mapping, created } = this.define(tenant, name, change, nowMs, actor);
    return { mapping, created };
  }

  /**
   * Replaces what `patch` names.
   * @throws MayflyError tenant_not_found, mapping_not_found, function_not_found
   */
  configure(
    tenant: TenantName,
    name: MappingName,
    { settings, ...patch }: MappingPatch,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): EventSourceMapping {
    const change = (before: EventSourceMapping) => {
      if (patch.function !== undefined) this.requireFunction(tenant, patch.function);
      const columns = columnsOf(before.source, patch.function ?? before.function);
      return { columns, settings, named: { ...patch, ...settings } };
    };
    return this.amend(tenant, name, change, nowMs, actor);
  }
}

function columnsOf(source: EventSource, fn: FunctionName): { source: string; function: FunctionName } {
  return { source: JSON.stringify(source), function: fn };
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
