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
import { type DefinitionPorts, DefinitionTable, type Row, timesOf } from './definition-table.ts';

export class QueueTable extends DefinitionTable<QueueName, Queue> {
  readonly #removalListeners = new Set<(queue: QueueId) => void>();

  constructor(ports: DefinitionPorts) {
    super(ports, {
      table: 'queues',
      noun: 'queue',
      title: 'queue',
      quota: 'queues',
      toValue: toQueue,
      audited: ({ settings }) => settings,
    });
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
    const { value: queue, created } = this.define(tenant, name, () => changeOf(patch), nowMs, actor);
    return { queue, created };
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
    return this.amend(tenant, name, () => changeOf(patch), nowMs, actor);
  }

  /** @throws MayflyError tenant_not_found, queue_not_found, queue_in_use */
  override remove(tenant: TenantName, name: QueueName, nowMs: number, actor: Actor = THE_HOST): void {
    super.remove(tenant, name, nowMs, actor);
    this.#tellRemoval({ kind: 'queue', tenant, name });
  }

  /** Invariants 1 and 2. */
  protected override beforeRemoval(tenant: TenantName, name: QueueName): void {
    const reader = this.ports.database
      .sql(
        `SELECT name FROM event_source_mappings WHERE tenant = ? AND source ->> '$.queue' = ?
         ORDER BY name LIMIT 1`,
      )
      .get(tenant, name);
    if (reader) {
      throw new MayflyError('queue_in_use', `The mapping ${reader['name']} reads the queue ${name}.`);
    }
    this.#noteRemoval({ kind: 'queue', tenant, name });
  }

  /**
   * Within the transaction that removes a tenant, ahead of its rows; gives what tells the listeners. Of a function that is deleted events
   * may still wait: the counters of versions know all that the tenant ever had.
   */
  removeAll(tenant: TenantName): () => void {
    const functions = this.ports.database
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
      for (const name of queues) this.changed(tenant, name);
      for (const queue of removed) this.#tellRemoval(queue);
    };
  }

  /** Writes down what was done to the content of a queue, or of what a mapping has given up, which the registry does not hold. */
  noteWork(
    {
      tenant,
      kind,
      name,
    }: { readonly tenant: TenantName; readonly kind: QueueId['kind'] | 'mapping'; readonly name: string },
    action: 'queue.purge' | 'queue.redrive',
    after: object,
    nowMs: number,
    actor: Actor,
  ): void {
    const target = kind === 'queue' ? name : `${kind}/${name}`;
    const { database, audit } = this.ports;
    database.change(() => audit.append({ tenant, actor, action, target, after }, nowMs));
  }

  /** Those whose content the engine has still to forget. */
  removals(): QueueId[] {
    return this.ports.database
      .sql('SELECT tenant, kind, name FROM queue_removals')
      .all()
      .map((row) => ({ tenant: row['tenant'], kind: row['kind'], name: row['name'] }) as QueueId);
  }

  /** The engine has forgotten its content. */
  removed({ tenant, kind, name }: QueueId): void {
    const { database } = this.ports;
    const sql = 'DELETE FROM queue_removals WHERE tenant = ? AND kind = ? AND name = ?';
    database.change(() => database.sql(sql).run(tenant, kind, name));
  }

  #tellRemoval(queue: QueueId): void {
    for (const listener of this.#removalListeners) listener(queue);
  }

  #noteRemoval({ tenant, kind, name }: QueueId): void {
    this.ports.database
      .sql('INSERT INTO queue_removals (tenant, kind, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
      .run(tenant, kind, name);
  }
}

/** A queue has nothing but its settings. */
function changeOf(patch: QueueSettingsPatch) {
  return { columns: {}, settings: patch, named: patch };
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
