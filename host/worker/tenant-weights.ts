import type { TenantName } from '../model/ids.ts';
import type { Tenant } from '../model/tenant.ts';
import { type ChangeCounters, tenantKey } from './change-counters.ts';

/** Tenants kept per thread; those that are dropped have a weight of 1 until they were asked for again. */
const MAX_TENANTS = 10_000;

interface Entry {
  /** The count under which it was asked for. */
  readonly count: number;
  weight: number;
}

/**
 * The shares of tenants, for a run queue, which asks between two slices and cannot wait: it is told what was known,
 * and a change is asked for meanwhile. So a guest that computes for an hour has a new share within a turn or two.
 */
export class TenantWeights {
  readonly #counters: ChangeCounters;
  readonly #ask: (tenant: TenantName) => Promise<Tenant | undefined>;
  readonly #entries = new Map<string, Entry>();

  /** @param ask for what is known of a tenant; a rejection leaves its weight as it was */
  constructor(counters: ChangeCounters, ask: (tenant: TenantName) => Promise<Tenant | undefined>) {
    this.#counters = counters;
    this.#ask = ask;
  }

  of(tenant: TenantName): number {
    const count = this.#counters.read(tenantKey(tenant));
    const entry = this.#entries.get(tenant);
    if (entry?.count === count) return entry.weight;
    const weight = entry?.weight ?? 1;
    this.#refresh(tenant, { count, weight });
    return weight;
  }

  #refresh(tenant: TenantName, entry: Entry): void {
    this.#entries.delete(tenant);
    this.#entries.set(tenant, entry);
    if (this.#entries.size > MAX_TENANTS) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#ask(tenant).then(
      (found) => {
        if (found !== undefined) entry.weight = found.settings.weight;
      },
      // The main thread is going, and this one with it.
      () => {},
    );
  }
}
