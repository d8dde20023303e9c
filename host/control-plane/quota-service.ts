/** Quotas and quarantines in the main thread: the registry, and what is counted of their use. */
import { MayflyError } from '../errors/errors.ts';
import type { TenantName } from '../model/ids.ts';
import type { TenantQuotaUse } from '../model/tenant-quotas.ts';
import type { Registry } from '../store/registry.ts';
import type { QuotaBackend } from './backend.ts';
import type { TenantReference } from './references.ts';

export interface QuotaServicePorts {
  readonly registry: Registry;
  readonly quotaUse: (tenant: TenantName) => TenantQuotaUse;
  readonly now: () => number;
}

type Request<M extends keyof QuotaBackend> = Parameters<QuotaBackend[M]>[0];

export class QuotaService implements QuotaBackend {
  readonly #ports: QuotaServicePorts;

  constructor(ports: QuotaServicePorts) {
    this.#ports = ports;
  }

  async quotas({ tenant }: TenantReference): Promise<TenantQuotaUse> {
    this.#ports.registry.tenants.require(tenant);
    return this.#ports.quotaUse(tenant);
  }

  async setQuotas({ tenant, patch, actor }: Request<'setQuotas'>): Promise<TenantQuotaUse> {
    const { registry, quotaUse, now } = this.#ports;
    registry.quotas.configure(tenant, patch, now(), actor);
    return quotaUse(tenant);
  }

  async liftQuarantine({ tenant, name, actor }: Request<'liftQuarantine'>): Promise<void> {
    const { registry, now } = this.#ports;
    registry.tenants.require(tenant);
    if (!registry.functions.find(tenant, name)) {
      throw new MayflyError('function_not_found', `There is no function ${tenant}/${name}.`);
    }
    registry.quarantines.lift(tenant, name, now(), actor);
  }
}
