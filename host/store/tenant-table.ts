/**
 * Tenants and their settings, in the registry's file.
 *
 * Listeners hear of a change after it is durable and before the method returns, as those of functions do.
 */
import { MayflyError } from '../errors/errors.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { TenantName } from '../model/ids.ts';
import {
  applyTenantPatch,
  defaultTenantSettings,
  type Tenant,
  type TenantSettingsPatch,
} from '../model/tenant.ts';
import type { AuditTable } from './audit-table.ts';
import type { RegistryDatabase } from './registry-database.ts';

export type TenantListener = (tenant: TenantName) => void;

type Row = Readonly<Record<string, unknown>>;

export class TenantTable {
  readonly #database: RegistryDatabase;
  readonly #audit: AuditTable;
  readonly #listeners = new Set<TenantListener>();

  constructor(database: RegistryDatabase, audit: AuditTable) {
    this.#database = database;
    this.#audit = audit;
  }

  /** Tells `listener` of every tenant that was created, configured or removed. */
  onChange(listener: TenantListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws MayflyError tenant_exists */
  create(name: TenantName, patch: TenantSettingsPatch, nowMs: number, actor: Actor = THE_HOST): Tenant {
    const tenant = this.#database.change(() => {
      if (this.has(name)) throw new MayflyError('tenant_exists', `There is a tenant ${name} already.`);
      this.#insert(name, patch, nowMs);
      this.#audit.append({ tenant: name, actor, action: 'tenant.create', target: name, after: patch }, nowMs);
      return this.require(name);
    });
    this.changed(name);
    return tenant;
  }

  /** Creates the tenant, with these settings, unless it exists. */
  ensure(name: TenantName, settings: TenantSettingsPatch = {}, nowMs: number = Date.now()): void {
    if (!this.has(name)) this.create(name, settings, nowMs);
  }

  has(name: TenantName): boolean {
    return this.#row(name) !== undefined;
  }

  find(name: TenantName): Tenant | undefined {
    const row = this.#row(name);
    return row && toTenant(row);
  }

  /** @throws MayflyError tenant_not_found */
  require(name: TenantName): Tenant {
    const tenant = this.find(name);
    if (!tenant) throw new MayflyError('tenant_not_found', `There is no tenant ${name}.`);
    return tenant;
  }

  /** By name. */
  list(): Tenant[] {
    return this.#database.sql('SELECT * FROM tenants ORDER BY name').all().map(toTenant);
  }

  /**
   * Replaces the settings that `patch` names.
   * @throws MayflyError tenant_not_found
   */
  configure(name: TenantName, patch: TenantSettingsPatch, nowMs: number, actor: Actor = THE_HOST): Tenant {
    const tenant = this.#database.change(() => {
      const before = this.require(name);
      const settings = JSON.stringify({ ...overridesOf(this.#row(name)!), ...patch });
      this.#database
        .sql('UPDATE tenants SET settings = ?, updated_at_ms = ? WHERE name = ?')
        .run(settings, nowMs, name);
      const named = Object.fromEntries(
        Object.entries(before.settings).filter(([setting]) => Object.hasOwn(patch, setting)),
      );
      this.#audit.append(
        { tenant: name, actor, action: 'tenant.configure', target: name, before: named, after: patch },
        nowMs,
      );
      return this.require(name);
    });
    this.changed(name);
    return tenant;
  }

  /** For whoever changed something of a tenant that its routes carry. */
  changed(name: TenantName): void {
    for (const listener of this.#listeners) listener(name);
  }

  #insert(name: TenantName, patch: TenantSettingsPatch, nowMs: number): void {
    this.#database
      .sql('INSERT INTO tenants (name, settings, created_at_ms, updated_at_ms) VALUES (?, ?, ?, ?)')
      .run(name, JSON.stringify(patch), nowMs, nowMs);
  }

  #row(name: TenantName): Row | undefined {
    return this.#database.sql('SELECT * FROM tenants WHERE name = ?').get(name);
  }
}

function overridesOf(row: Row): TenantSettingsPatch {
  return JSON.parse(row['settings'] as string) as TenantSettingsPatch;
}

/** A file from before tenants had settings says 0 for when they changed. */
function toTenant(row: Row): Tenant {
  const createdAtMs = row['created_at_ms'] as number;
  return {
    name: row['name'] as TenantName,
    settings: applyTenantPatch(defaultTenantSettings(), overridesOf(row)),
    createdAtMs,
    updatedAtMs: Math.max(createdAtMs, row['updated_at_ms'] as number),
  };
}
