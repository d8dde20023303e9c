/** Tenants in the main thread: the registry, and what a tenant leaves elsewhere when it goes. */
import { MayflyError } from '../errors/errors.ts';
import type { AuditEntry } from '../model/audit-entry.ts';
import type { TenantName } from '../model/ids.ts';
import type { Tenant } from '../model/tenant.ts';
import type { ArtifactCollection } from '../store/artifact-collection.ts';
import type { AuditPage } from '../store/audit-table.ts';
import type { LogStore } from '../store/log-store.ts';
import type { Registry } from '../store/registry.ts';
import type { AuditBackend, TenantBackend } from './backend.ts';
import type { TenantReference } from './references.ts';

export interface TenantServicePorts {
  readonly registry: Registry;
  readonly logs: LogStore;
  readonly artifacts: ArtifactCollection;
  /** The tenant that every host has. */
  readonly permanentTenant: TenantName;
  readonly now: () => number;
}

type Request<M extends keyof TenantBackend> = Parameters<TenantBackend[M]>[0];

export class TenantService implements TenantBackend, AuditBackend {
  readonly #ports: TenantServicePorts;

  constructor(ports: TenantServicePorts) {
    this.#ports = ports;
  }

  async createTenant({ tenant, settings, actor }: Request<'createTenant'>): Promise<Tenant> {
    const { registry, now } = this.#ports;
    return registry.tenants.create(tenant, settings, now(), actor);
  }

  async listTenants(): Promise<Tenant[]> {
    return this.#ports.registry.tenants.list();
  }

  async describeTenant({ tenant }: TenantReference): Promise<Tenant> {
    return this.#ports.registry.tenants.require(tenant);
  }

  async configureTenant({ tenant, settings, actor }: Request<'configureTenant'>): Promise<Tenant> {
    const { registry, now } = this.#ports;
    return registry.tenants.configure(tenant, settings, now(), actor);
  }

  async audit(page: AuditPage): Promise<AuditEntry[]> {
    return this.#ports.registry.audit.list(page);
  }

  async tenantAudit({ tenant, ...page }: TenantReference & AuditPage): Promise<AuditEntry[]> {
    this.#ports.registry.tenants.require(tenant);
    return this.#ports.registry.audit.ofTenant(tenant, page);
  }

  /** A crash between the two removals leaves logs of functions that are gone; the next start removes them. */
  async removeTenant({ tenant, withFunctions, actor }: Request<'removeTenant'>): Promise<void> {
    const { registry, logs, artifacts, permanentTenant, now } = this.#ports;
    if (tenant === permanentTenant) {
      throw new MayflyError('tenant_permanent', `The tenant ${tenant} is part of every host.`);
    }
    const functions = registry.removeTenant(tenant, { withFunctions, nowMs: now() }, actor);
    for (const name of functions) logs.remove(tenant, name);
    artifacts.collectSoon();
  }
}
