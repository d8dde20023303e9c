/** What tenants may use, as far as the operator has set it, and what they have used of it this month. */
import { MayflyError } from '../errors/errors.ts';
import { HOST_LIMITS } from '../limits/limits.ts';
import { type TenantQuotaValues, UNBOUNDED } from '../limits/tenant-quota-limits.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { ArtifactManifest } from '../model/artifact.ts';
import type { TenantName } from '../model/ids.ts';
import { applyQuotas, defaultQuotas, type TenantQuotasPatch } from '../model/tenant-quotas.ts';
import type { AuditTable } from './audit-table.ts';
import type { RegistryDatabase } from './registry-database.ts';
import type { TenantTable } from './tenant-table.ts';

/** What a tenant stores, of the quotas that bound it. */
export interface StoredUse {
  readonly functions: number;
  readonly versions: number;
  readonly storedBytes: number;
  /** Sum over its functions of the places that they keep for themselves. */
  readonly reservedConcurrency: number;
  readonly queues: number;
  readonly eventSourceMappings: number;
  readonly schedules: number;
}

/** Quotas that bound how many of something a tenant has, and the tables that are counted. */
const COUNTED = {
  queues: 'queues',
  eventSourceMappings: 'event_source_mappings',
  schedules: 'schedules',
} as const;
export type CountedQuota = keyof typeof COUNTED;

export interface MonthlyUse {
  readonly tenant: TenantName;
  /** Months since the year 0, UTC. */
  readonly month: number;
  readonly fuel: number;
  readonly outboundBytes: number;
}

export class TenantQuotaTable {
  readonly #database: RegistryDatabase;
  readonly #audit: AuditTable;
  readonly #tenants: TenantTable;
  readonly #defaults: TenantQuotaValues;

  constructor(
    database: RegistryDatabase,
    audit: AuditTable,
    tenants: TenantTable,
    defaults: TenantQuotasPatch = {},
  ) {
    this.#database = database;
    this.#audit = audit;
    this.#tenants = tenants;
    this.#defaults = applyQuotas(defaultQuotas(), defaults);
  }

  /** Those of a tenant, complete. */
  of(tenant: TenantName): TenantQuotaValues {
    return applyQuotas(this.#defaults, this.#overrides(tenant));
  }

  /**
   * Replaces the quotas that `patch` names.
   * @throws MayflyError tenant_not_found; invalid_request where more would be reserved than there is
   */
  configure(
    tenant: TenantName,
    patch: TenantQuotasPatch,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): TenantQuotaValues {
    const quotas = this.#database.change(() => {
      this.#tenants.require(tenant);
      const before = this.of(tenant);
      const overrides = { ...this.#overrides(tenant), ...patch };
      const after = applyQuotas(this.#defaults, overrides);
      this.#refuseOverbooking(tenant, after);
      this.#database
        .sql(
          `INSERT INTO tenant_quotas (tenant, quotas) VALUES (?, ?)
           ON CONFLICT DO UPDATE SET quotas = excluded.quotas`,
        )
        .run(tenant, JSON.stringify(overrides));
      const named = Object.fromEntries(Object.entries(before).filter(([name]) => Object.hasOwn(patch, name)));
      this.#audit.append(
        { tenant, actor, action: 'tenant.quotas', target: tenant, before: named, after: patch },
        nowMs,
      );
      return after;
    });
    this.#tenants.changed(tenant);
    return quotas;
  }

  /** Places that all tenants together keep for themselves. */
  reservedConcurrency(): number {
    return this.#database
      .sql('SELECT quotas FROM tenant_quotas')
      .all()
      .map((row) => (JSON.parse(row['quotas'] as string) as TenantQuotasPatch).reservedConcurrency ?? 0)
      .reduce((sum, places) => sum + places, 0);
  }

  stored(tenant: TenantName): StoredUse {
    const use = this.#database
      .sql('SELECT functions, reserved, versions, bytes FROM stored_use WHERE tenant = ?')
      .get(tenant);
    return {
      functions: Number(use?.['functions'] ?? 0),
      versions: Number(use?.['versions'] ?? 0),
      storedBytes: Number(use?.['bytes'] ?? 0),
      reservedConcurrency: Number(use?.['reserved'] ?? 0),
      queues: this.#count(tenant, 'queues'),
      eventSourceMappings: this.#count(tenant, 'eventSourceMappings'),
      schedules: this.#count(tenant, 'schedules'),
    };
  }

  /**
   * Whether one more fits.
   * @throws MayflyError event_quota_exceeded
   */
  requireRoomFor(tenant: TenantName, name: CountedQuota): void {
    const limit = this.of(tenant)[name];
    const used = this.#count(tenant, name);
    if (used < limit) return;
    throw new MayflyError('event_quota_exceeded', `Tenant ${tenant} may have ${limit} ${name}.`, {
      quota: { name, scope: 'tenant', limit, used },
    });
  }

  /**
   * @param functionsPerTenant holds where nothing is set for the tenant
   * @throws MayflyError functions_limit_reached
   */
  requireRoomForFunction(tenant: TenantName, functionsPerTenant: number): void {
    const limit = this.#overrides(tenant).functions ?? functionsPerTenant;
    const used = this.stored(tenant).functions;
    if (used < limit) return;
    throw new MayflyError('functions_limit_reached', `Tenant ${tenant} has ${limit} functions.`, {
      quota: { name: 'functions', scope: 'tenant', limit, used },
    });
  }

  /**
   * Whether one more version of `bytes` bytes fits.
   * @throws MayflyError storage_quota_exceeded
   */
  requireStorage(tenant: TenantName, bytes: number): void {
    const quotas = this.of(tenant);
    const stored = this.stored(tenant);
    const { versions, storedBytes } = stored;
    const full =
      versions >= quotas.versions
        ? 'versions'
        : storedBytes + bytes > quotas.storedBytes
          ? 'storedBytes'
          : undefined;
    if (full === undefined) return;
    const held = full === 'versions' ? `${versions} versions` : `${storedBytes} bytes`;
    throw new MayflyError(
      'storage_quota_exceeded',
      `Tenant ${tenant} stores ${held}, and may store ${quotas[full]}.`,
      { quota: { name: full, scope: 'tenant', limit: quotas[full], used: stored[full] } },
    );
  }

  /** @throws MayflyError invalid_request where functions keep more places for themselves than their tenant has */
  refuseOverbookedFunctions(tenant: TenantName): void {
    const { concurrency } = this.of(tenant);
    const { reservedConcurrency } = this.stored(tenant);
    if (reservedConcurrency <= concurrency) return;
    throw new MayflyError(
      'invalid_request',
      `The functions of the tenant would keep ${reservedConcurrency} places; it has ${concurrency}.`,
      { field: 'reservedConcurrency' },
    );
  }

  month(tenant: TenantName, month: number): MonthlyUse {
    const row = this.#database
      .sql('SELECT fuel, outbound_bytes FROM tenant_months WHERE tenant = ? AND month = ?')
      .get(tenant, month);
    return {
      tenant,
      month,
      fuel: Number(row?.['fuel'] ?? 0),
      outboundBytes: Number(row?.['outbound_bytes'] ?? 0),
    };
  }

  /** Those of tenants that are no longer there are dropped. */
  saveMonths(uses: readonly MonthlyUse[]): void {
    this.#database.changeUnsynced(undefined, () => {
      for (const { tenant, month, fuel, outboundBytes } of uses) {
        this.#database
          .sql(
            `INSERT INTO tenant_months (tenant, month, fuel, outbound_bytes)
             SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM tenants WHERE name = ?1)
             ON CONFLICT DO UPDATE SET fuel = excluded.fuel, outbound_bytes = excluded.outbound_bytes`,
          )
          .run(tenant, month, Math.min(fuel, UNBOUNDED), Math.min(outboundBytes, UNBOUNDED));
      }
    });
  }

  /** What is kept for one is taken from the others; more than there is cannot be kept. */
  #refuseOverbooking(tenant: TenantName, { concurrency, reservedConcurrency }: TenantQuotaValues): void {
    const ofFunctions = this.stored(tenant).reservedConcurrency;
    if (concurrency > 0 && ofFunctions > concurrency) {
      throw new MayflyError(
        'invalid_request',
        `The tenant's functions keep ${ofFunctions} places for themselves; concurrency cannot be less.`,
        { field: 'concurrency' },
      );
    }
    const ofOthers = this.reservedConcurrency() - (this.#overrides(tenant).reservedConcurrency ?? 0);
    if (ofOthers + reservedConcurrency > HOST_LIMITS.concurrency) {
      throw new MayflyError(
        'invalid_request',
        `${ofOthers} of the host's ${HOST_LIMITS.concurrency} places are kept for other tenants.`,
        { field: 'reservedConcurrency' },
      );
    }
  }

  #count(tenant: TenantName, name: CountedQuota): number {
    const row = this.#database
      .sql(`SELECT count(*) AS count FROM ${COUNTED[name]} WHERE tenant = ?`)
      .get(tenant);
    return Number(row?.['count']);
  }

  #overrides(tenant: TenantName): TenantQuotasPatch {
    const row = this.#database.sql('SELECT quotas FROM tenant_quotas WHERE tenant = ?').get(tenant);
    return row === undefined ? {} : (JSON.parse(row['quotas'] as string) as TenantQuotasPatch);
  }
}

/** What a version takes of its tenant's storage. */
export function storedBytesOf({ uploadBytes, codeBytes, glueBytes }: ArtifactManifest['sizes']): number {
  return uploadBytes + codeBytes + glueBytes;
}
