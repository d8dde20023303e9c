/**
 * What was changed, when, by whom and from where, in the registry's file.
 *
 * Invariants:
 *  1. An entry is written in the transaction of the change that it tells of.
 *  2. Entries are never changed and never removed; triggers of the schema refuse both.
 *  3. A tenant sees no entry of an earlier tenant of its name.
 *  4. An entry is small: what would make it larger is left out, and the entry says so.
 */
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

export class AuditTable {
  readonly #database: RegistryDatabase;

  constructor(database: RegistryDatabase) {
    this.#database = database;
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
