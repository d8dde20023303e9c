/**
 * Queues as their tenants define them, in the registry's file. What is in a queue is the engine's.
 *
 * Invariants:
 *  1. A queue that an event source mapping reads is not removed.
 *  2. Whoever removes a queue, or the tenant of queues, leaves in the same transaction a note that the engine has to forget
 *     their content; the note goes when the engine has. No later queue of the name sees it (see queues/forgotten-queues.ts).
 */
import { MayflyError } from '../errors.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { FunctionName, QueueName, TenantName } from '../model/ids.ts';
import {
  defaultQueueSettings,
  type Queue,
  type QueueId,
  type QueueSettings,
  type QueueSettingsPatch,
} from '../model/queue.ts';
import type { AuditTable } from './audit-table.ts';
import { type DefinitionListener, namedSides, type Row, timesOf } from './event-row.ts';
import type { RegistryDatabase } from './registry-database.ts';
import type { TenantQuotaTable } from './tenant-quota-table.ts';
import type { TenantTable } from './tenant-table.ts';

export interface DefinitionPorts {
  readonly database: RegistryDatabase;
  readonly audit: AuditTable;
  readonly tenants: TenantTable;
  readonly quotas: TenantQuotaTable;
}

export class QueueTable {
  readonly #ports: DefinitionPorts;
  readonly #listeners = new Set<DefinitionListener<QueueName>>();
  readonly #removalListeners = new Set<(queue: QueueId) => void>();

  constructor(ports: DefinitionPorts) {
    this.#ports = ports;
  }

  /** Tells `listener` of every queue that was created, configured or removed, also along with its tenant. */
  onChange(listener: DefinitionListener<QueueName>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells `listener` of every queue whose content the engine has to forget, after that is noted. */
  onRemoval(listener: (queue: QueueId) => void): () => void {
    this.#removalListeners.add(listener);
    return () => this.#removalListeners.delete(listener);
  }

  /**
   * Creates a queue, or gives the one there is exactly the settings that `patch` names.
   * @throws MayflyError tenant_not_found, event_quota_exceeded
   */
  put(
    tenant: TenantName,
    name: QueueName,
    patch: QueueSettingsPatch,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): { readonly queue: Queue; readonly created: boolean } {
    const { database, audit, tenants, quotas } = this.#ports;
    const created = database.change(() => {
      tenants.require(tenant);
      const before = this.find(tenant, name);
      if (!before) quotas.requireRoomFor(tenant, 'queues');
      database
        .sql(
          `INSERT INTO queues (tenant, name, settings, created_at_ms, updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?4)
           ON CONFLICT DO UPDATE SET settings = excluded.settings, updated_at_ms = excluded.updated_at_ms`,
        )
        .run(tenant, name, JSON.stringify(patch), nowMs);
      audit.append(
        {
          tenant,
          actor,
          action: before ? 'queue.configure' : 'queue.create',
          target: name,
          ...(before && { before: before.settings }),
          after: patch,
        },
        nowMs,
      );
      return before === undefined;
    });
    this.#changed(tenant, name);
    return { queue: this.require(tenant, name), created };
  }

  /**
   * Replaces the settings that `patch` names.
   * @throws MayflyError tenant_not_found, queue_not_found
   */
  configure(
    tenant: TenantName,
    name: QueueName,
    patch: QueueSettingsPatch,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): Queue {
    const { database, audit } = this.#ports;
    database.change(() => {
      const { settings } = this.require(tenant, name);
      const sides = namedSides(settings, patch);
      audit.append({ tenant, actor, action: 'queue.configure', target: name, ...sides }, nowMs);
      database
        .sql('UPDATE queues SET settings = ?, updated_at_ms = ? WHERE tenant = ? AND name = ?')
        .run(JSON.stringify({ ...this.#overrides(tenant, name), ...patch }), nowMs, tenant, name);
    });
    this.#changed(tenant, name);
    return this.require(tenant, name);
  }

  /** @throws MayflyError tenant_not_found, queue_not_found, queue_in_use */
  remove(tenant: TenantName, name: QueueName, nowMs: number, actor: Actor = THE_HOST): void {
    const { database, audit } = this.#ports;
    database.change(() => {
      const { settings } = this.require(tenant, name);
      const reader = database
        .sql(
          `SELECT name FROM event_source_mappings WHERE tenant = ? AND source ->> '$.queue' = ?
           ORDER BY name LIMIT 1`,
        )
        .get(tenant, name);
      if (reader) {
        throw new MayflyError('queue_in_use', `The mapping ${reader['name']} reads the queue ${name}.`);
      }
      database.sql('DELETE FROM queues WHERE tenant = ? AND name = ?').run(tenant, name);
      this.#noteRemoval({ kind: 'queue', tenant, name });
      audit.append({ tenant, actor, action: 'queue.delete', target: name, before: settings }, nowMs);
    });
    this.#changed(tenant, name);
    this.#tellRemoval({ kind: 'queue', tenant, name });
  }

  /**
   * Within the transaction that removes a tenant, ahead of its rows; gives what tells the listeners. Of a function that is deleted events
   * may still wait: the counters of versions know all that the tenant ever had.
   */
  removeAll(tenant: TenantName): () => void {
    const functions = this.#ports.database
      .sql('SELECT name FROM version_counters WHERE tenant = ?')
      .all(tenant)
      .map((row) => row['name'] as FunctionName);
    const queues = this.list(tenant).map(({ name }) => name);
    const removed: QueueId[] = [
      ...queues.map((name) => ({ kind: 'queue', tenant, name }) as const),
      ...functions.map((name) => ({ kind: 'function', tenant, name }) as const),
    ];
    for (const queue of removed) this.#noteRemoval(queue);
    return () => {
      for (const name of queues) this.#changed(tenant, name);
      for (const queue of removed) this.#tellRemoval(queue);
    };
  }

  /** Writes down what was done to the content of a queue, which the registry does not hold. */
  noteWork(
    { tenant, kind, name }: QueueId,
    action: 'queue.purge' | 'queue.redrive',
    after: object,
    nowMs: number,
    actor: Actor,
  ): void {
    const target = kind === 'queue' ? name : `${kind}/${name}`;
    const { database, audit } = this.#ports;
    database.change(() => audit.append({ tenant, actor, action, target, after }, nowMs));
  }

  find(tenant: TenantName, name: QueueName): Queue | undefined {
    const row = this.#row(tenant, name);
    return row && toQueue(row);
  }

  /** @throws MayflyError tenant_not_found, queue_not_found */
  require(tenant: TenantName, name: QueueName): Queue {
    const queue = this.find(tenant, name);
    if (queue) return queue;
    this.#ports.tenants.require(tenant);
    throw new MayflyError('queue_not_found', `There is no queue ${tenant}/${name}.`);
  }

  /** By name. */
  list(tenant: TenantName): Queue[] {
    return this.#ports.database
      .sql('SELECT * FROM queues WHERE tenant = ? ORDER BY name')
      .all(tenant)
      .map(toQueue);
  }

  /** Those whose content the engine has still to forget. */
  removals(): QueueId[] {
    return this.#ports.database
      .sql('SELECT tenant, kind, name FROM queue_removals')
      .all()
      .map((row) => ({ tenant: row['tenant'], kind: row['kind'], name: row['name'] }) as QueueId);
  }

  /** The engine has forgotten its content. */
  removed({ tenant, kind, name }: QueueId): void {
    const { database } = this.#ports;
    const sql = 'DELETE FROM queue_removals WHERE tenant = ? AND kind = ? AND name = ?';
    database.change(() => database.sql(sql).run(tenant, kind, name));
  }

  #changed(tenant: TenantName, name: QueueName): void {
    for (const listener of this.#listeners) listener(tenant, name);
  }

  #tellRemoval(queue: QueueId): void {
    for (const listener of this.#removalListeners) listener(queue);
  }

  #noteRemoval({ tenant, kind, name }: QueueId): void {
    this.#ports.database
      .sql('INSERT INTO queue_removals (tenant, kind, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
      .run(tenant, kind, name);
  }

  #row(tenant: TenantName, name: QueueName): Row | undefined {
    return this.#ports.database.sql('SELECT * FROM queues WHERE tenant = ? AND name = ?').get(tenant, name);
  }

  #overrides(tenant: TenantName, name: QueueName): QueueSettingsPatch {
    return JSON.parse(this.#row(tenant, name)?.['settings'] as string) as QueueSettingsPatch;
  }
}

function toQueue(row: Row): Queue {
  const overrides = JSON.parse(row['settings'] as string) as Partial<QueueSettings>;
  return {
    tenant: row['tenant'] as TenantName,
    name: row['name'] as QueueName,
    settings: { ...defaultQueueSettings(), ...overrides },
    ...timesOf(row),
  };
}
