/**
 * What was changed, when, by whom and from where, in the registry's file.
 *
 * Invariants:
 *  1. An entry is written in the transaction of the change that it tells of.
 *  2. Entries are never changed: a trigger of the schema refuses it. They are removed for one reason only: beyond
 *     `auditEntriesPerTenant` (limits.ts) the oldest of the same tenant go, some at a time. So nobody fills the disk
 *     with changes, and nobody pushes out entries of somebody else. Up to which id they went is kept.
 *  3. A tenant sees no entry of an earlier tenant of its name.
 *  4. An entry is small: what would make it larger is left out, and the entry says so.
 */
import { HOST_LIMITS } from '../limits/limits.ts';
import type { Actor } from '../model/actor.ts';
import type { AuditAction, AuditEntry, AuditedChange } from '../model/audit-entry.ts';
import type { TenantName } from '../model/ids.ts';
import type { RegistryDatabase } from './registry-database.ts';

/** Which entries to read: newest first, `limit` of them, those below `before` where it is given. */
export interface AuditPage {
  readonly limit: number;
  readonly before?: number;
}

/** JSON of one side of a change; settings fit many times over. */
const SIDE_CHARACTERS = 4_096;

type Row = Readonly<Record<string, unknown>>;

/** Entries of a tenant are counted once in so many of its changes: it takes some milliseconds where there are very many. */
const TRIM_EVERY = 256;

export class AuditTable {
  readonly #database: RegistryDatabase;
  readonly #entriesPerTenant: number;
  /** Changes since the entries of a tenant were counted last. */
  readonly #uncounted = new Map<TenantName, number>();

  constructor(database: RegistryDatabase, entriesPerTenant: number = HOST_LIMITS.auditEntriesPerTenant) {
    this.#database = database;
    this.#entriesPerTenant = entriesPerTenant;
  }

  /** Only within a transaction of the registry (invariant 1). */
  append({ tenant, actor, action, target, before, after }: AuditedChange, nowMs: number): void {
    this.#database
      .sql(
        `INSERT INTO audit (at_ms, tenant, actor_kind, key_id, address, action, target, before, after)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        nowMs,
        tenant,
        actor.kind,
        actor.kind === 'key' ? actor.keyId : null,
        actor.kind === 'host' ? null : (actor.address ?? null),
        action,
        target,
        sideOf(before),
        sideOf(after),
      );
    // What belongs to the host as a whole is the operator's own doing, and all of it stays.
    if (tenant !== null) this.#trim(tenant);
  }

  /** Of all tenants, newest first; those that are gone included. */
  list(page: AuditPage): AuditEntry[] {
    return this.#database
      .sql('SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?')
      .all(page.before ?? Number.MAX_SAFE_INTEGER, page.limit)
      .map(toEntry);
  }

  /** Of one tenant, newest first (invariant 3). */
  ofTenant(tenant: TenantName, page: AuditPage): AuditEntry[] {
    return this.#database
      .sql('SELECT * FROM audit WHERE tenant = ? AND id < ? AND id > ? ORDER BY id DESC LIMIT ?')
      .all(tenant, page.before ?? Number.MAX_SAFE_INTEGER, this.generationOf(tenant), page.limit)
      .map(toEntry);
  }

  #trim(tenant: TenantName): void {
    const uncounted = (this.#uncounted.get(tenant) ?? 0) + 1;
    this.#uncounted.set(tenant, uncounted % TRIM_EVERY);
    if (uncounted < TRIM_EVERY) return;
    const oldest = this.#database
      .sql('SELECT id FROM audit WHERE tenant = ? ORDER BY id DESC LIMIT 1 OFFSET ?')
      .get(tenant, this.#entriesPerTenant);
    if (oldest === undefined) return;
    const upTo = oldest['id'] as number;
    this.#database
      .sql('INSERT INTO audit_trims VALUES (?, ?) ON CONFLICT (tenant) DO UPDATE SET up_to = excluded.up_to')
      .run(tenant, upTo);
    // What ended an earlier tenant of the name tells generations apart, and stays.
    this.#database
      .sql("DELETE FROM audit WHERE tenant = ? AND id <= ? AND action <> 'tenant.delete'")
      .run(tenant, upTo);
  }

  /** Tells a tenant from earlier ones of its name: the id of the entry that ended the last of them, or 0. */
  generationOf(tenant: TenantName): number {
    const row = this.#database
      .sql(`SELECT max(id) AS id FROM audit WHERE tenant = ? AND action = 'tenant.delete'`)
      .get(tenant);
    return Number(row?.['id'] ?? 0);
  }
}

function sideOf(value: unknown): string | null {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  return text.length <= SIDE_CHARACTERS ? text : JSON.stringify({ omitted: `${text.length} characters` });
}

function toEntry(row: Row): AuditEntry {
  return {
    id: row['id'] as number,
    atMs: row['at_ms'] as number,
    tenant: row['tenant'] as TenantName | null,
    actor: toActor(row),
    action: row['action'] as AuditAction,
    target: row['target'] as string,
    ...(row['before'] === null ? {} : { before: JSON.parse(row['before'] as string) as unknown }),
    ...(row['after'] === null ? {} : { after: JSON.parse(row['after'] as string) as unknown }),
  };
}

function toActor(row: Row): Actor {
  const address = row['address'] === null ? {} : { address: row['address'] as string };
  switch (row['actor_kind']) {
    case 'operator':
      return { kind: 'operator', ...address };
    case 'key':
      return { kind: 'key', keyId: row['key_id'] as string, ...address };
    default:
      return { kind: 'host' };
  }
}
