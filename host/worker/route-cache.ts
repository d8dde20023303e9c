import type { FunctionName, TenantName } from '../model/ids.ts';
import { type ChangeCounters, tenantKey } from './change-counters.ts';
import { CheckedCache } from './checked-cache.ts';
import type { ResolvedFunction } from './messages.ts';

/** Routes kept per thread; more are asked for again. A route is about 1 KiB. */
const MAX_ROUTES = 10_000;

/** What this thread knows about live functions; each entry is checked against the shared change counters. */
export class RouteCache {
  readonly #counters: ChangeCounters;
  readonly #ask: (tenant: TenantName, name: FunctionName) => Promise<ResolvedFunction | undefined>;
  readonly #routes = new CheckedCache<ResolvedFunction>(MAX_ROUTES);

  constructor(
    counters: ChangeCounters,
    ask: (tenant: TenantName, name: FunctionName) => Promise<ResolvedFunction | undefined>,
  ) {
    this.#counters = counters;
    this.#ask = ask;
  }

  /** Undefined when there is no such function, and only then; absence is not cached. */
  resolve(
    tenant: TenantName,
    name: FunctionName,
  ): ResolvedFunction | undefined | Promise<ResolvedFunction | undefined> {
    const key = routeKey(tenant, name);
    // A route depends on its function and on its tenant. Counts only grow, so their sum changes if one of them does.
    const count = this.#counters.read(key) + this.#counters.read(tenantKey(tenant));
    return this.#routes.get(key, count, async () => {
      const found = await this.#ask(tenant, name);
      return found?.process === undefined ? found : { ...found, process: { ...found.process, count } };
    });
  }
}

/** The key of a function in change counters and caches. */
export function routeKey(tenant: TenantName, name: FunctionName): string {
  return `${tenant}/${name}`;
}
