/**
 * API keys of tenants, in the registry's file.
 *
 * Invariants:
 *  1. Of a key's text only its SHA-256 is kept. It is made of 256 random bits, so there is no dictionary to try
 *     against the hash, and a slow one would only let anybody spend our time with made-up keys.
 *  2. At most two texts open one key: the current one and, for as long as a rotation allowed, the one before it.
 *  3. Listeners hear of a change after it is durable and before the method returns: a key that was revoked opens
 *     nothing from the answer on.
 */
import { MayflyError } from '../errors/errors.ts';
import { HOST_LIMITS } from '../limits/limits.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { ApiKey, KeyScope, KeyVerifier } from '../model/api-key.ts';
import type { TenantName } from '../model/ids.ts';
import type { AuditTable } from './audit-table.ts';
import type { RegistryDatabase } from './registry-database.ts';
import type { TenantTable } from './tenant-table.ts';

export interface NewKey {
  readonly id: string;
  readonly tenant: TenantName;
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  readonly hash: Uint8Array;
  readonly expiresAtMs?: number;
}

export type KeyListener = (id: string) => void;

/** How exact the time of a key's last use is: one write per key in this time, not one per request. */
export const KEY_USE_RESOLUTION_MS: number = 5 * 60_000;

type Row = Readonly<Record<string, unknown>>;

export class KeyTable {
  readonly #database: RegistryDatabase;
  readonly #audit: AuditTable;
  readonly #tenants: TenantTable;
  readonly #listeners = new Set<KeyListener>();

  constructor(database: RegistryDatabase, audit: AuditTable, tenants: TenantTable) {
    this.#database = database;
    this.#audit = audit;
    this.#tenants = tenants;
  }

  /** Tells `listener` of every key that was created, rotated or revoked, also along with its tenant. */
  onChange(listener: KeyListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws MayflyError tenant_not_found, key_exists, keys_limit_reached */
  create(
    { id, tenant, name, scopes, hash, expiresAtMs }: NewKey,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): ApiKey {
    const key = this.#database.change(() => {
      this.#tenants.require(tenant);
      const names = this.list(tenant).map((one) => one.name);
      if (names.includes(name)) {
        throw new MayflyError('key_exists', `Tenant ${tenant} has a key ${name} already.`, { field: 'name' });
      }
      if (names.length >= HOST_LIMITS.keysPerTenant) {
        throw new MayflyError('keys_limit_reached', `Tenant ${tenant} has ${names.length} keys.`);
      }
      this.#database
        .sql(
          `INSERT INTO keys (id, tenant, name, scopes, hash, expires_at_ms, created_at_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(id, tenant, name, JSON.stringify(scopes), hash, expiresAtMs ?? null, nowMs);
      const after = { name, scopes, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
      this.#audit.append({ tenant, actor, action: 'key.create', target: id, after }, nowMs);
      return this.require(tenant, id);
    });
    this.changed([id]);
    return key;
  }

  /** By name. */
  list(tenant: TenantName): ApiKey[] {
    return this.#database.sql('SELECT * FROM keys WHERE tenant = ? ORDER BY name').all(tenant).map(toApiKey);
  }

  /**
   * Gives a key another text; the old one is valid until `previousUntilMs`, and not at all where that is absent.
   * @throws MayflyError key_not_found
   */
  rotate(
    tenant: TenantName,
    id: string,
    { hash, previousUntilMs }: { readonly hash: Uint8Array; readonly previousUntilMs?: number },
    nowMs: number,
    actor: Actor = THE_HOST,
  ): ApiKey {
    const key = this.#database.change(() => {
      const { name } = this.require(tenant, id);
      this.#database
        .sql(
          `UPDATE keys SET previous_hash = iif(?1 IS NULL, NULL, hash), previous_until_ms = ?1, hash = ?2,
             rotated_at_ms = ?3 WHERE id = ?4`,
        )
        .run(previousUntilMs ?? null, hash, nowMs, id);
      const after = { name, ...(previousUntilMs === undefined ? {} : { previousUntilMs }) };
      this.#audit.append({ tenant, actor, action: 'key.rotate', target: id, after }, nowMs);
      return this.require(tenant, id);
    });
    this.changed([id]);
    return key;
  }

  /** @throws MayflyError key_not_found */
  revoke(tenant: TenantName, id: string, nowMs: number, actor: Actor = THE_HOST): void {
    this.#database.change(() => {
      const { name, scopes } = this.require(tenant, id);
      this.#database.sql('DELETE FROM keys WHERE id = ?').run(id);
      const before = { name, scopes };
      this.#audit.append({ tenant, actor, action: 'key.revoke', target: id, before }, nowMs);
    });
    this.changed([id]);
  }

  /** What it takes to recognise a key. */
  verifier(id: string): KeyVerifier | undefined {
    const row = this.#database.sql('SELECT * FROM keys WHERE id = ?').get(id);
    return row && toVerifier(row);
  }

  /** Notes that a key was used, to within {@link KEY_USE_RESOLUTION_MS}; it is no change, and nobody is told. */
  used(id: string, nowMs: number): void {
    const roundedMs = nowMs - (nowMs % KEY_USE_RESOLUTION_MS);
    const row = this.#database.sql('SELECT last_used_at_ms FROM keys WHERE id = ?').get(id);
    if (row === undefined || Number(row['last_used_at_ms'] ?? 0) >= roundedMs) return;
    this.#database.change(() =>
      this.#database.sql('UPDATE keys SET last_used_at_ms = ? WHERE id = ?').run(roundedMs, id),
    );
  }

  /** For whoever removed keys along with their tenant. */
  changed(ids: readonly string[]): void {
    for (const id of ids) for (const listener of this.#listeners) listener(id);
  }

  /** @throws MayflyError key_not_found */
  require(tenant: TenantName, id: string): ApiKey {
    const row = this.#database.sql('SELECT * FROM keys WHERE id = ? AND tenant = ?').get(id, tenant);
    if (!row) throw new MayflyError('key_not_found', `Tenant ${tenant} has no key ${id}.`);
    return toApiKey(row);
  }
}

function toApiKey(row: Row): ApiKey {
  return {
    id: row['id'] as string,
    tenant: row['tenant'] as TenantName,
    name: row['name'] as string,
    scopes: JSON.parse(row['scopes'] as string) as KeyScope[],
    createdAtMs: row['created_at_ms'] as number,
    ...optional('expiresAtMs', row['expires_at_ms']),
    ...optional('rotatedAtMs', row['rotated_at_ms']),
    ...optional('previousUntilMs', row['previous_until_ms']),
    ...optional('lastUsedAtMs', row['last_used_at_ms']),
  };
}

function toVerifier(row: Row): KeyVerifier {
  const { id, tenant, scopes } = toApiKey(row);
  return {
    id,
    tenant,
    scopes,
    hash: row['hash'] as Uint8Array,
    ...(row['previous_hash'] === null ? {} : { previousHash: row['previous_hash'] as Uint8Array }),
    ...optional('previousUntilMs', row['previous_until_ms']),
    ...optional('expiresAtMs', row['expires_at_ms']),
  };
}

function optional<K extends string>(name: K, value: unknown): { readonly [_ in K]?: number } {
  return value === null ? {} : ({ [name]: value } as { readonly [_ in K]: number });
}
