import type { FunctionName, TenantName } from '../model/ids.ts';
import { bucketOf, type ChangeCounters, tenantKey } from './change-counters.ts';
import { CheckedCache } from './checked-cache.ts';
import type { ResolvedFunction } from './messages.ts';

/** Routes kept per thread; more are asked for again. A route is about 1 KiB. */
const MAX_ROUTES = 10_000;

/** What is made of a function's name to look it up: a string and two hashes, 1 µs and more. */
interface RouteKey {
  readonly key: string;
  readonly functionBucket: number;
  readonly tenantBucket: number;
}

/** What this thread knows about live functions; each entry is checked against the shared change counters. */
export class RouteCache {
  readonly #counters: ChangeCounters;
  readonly #ask: (tenant: TenantName, name: FunctionName) => Promise<ResolvedFunction | undefined>;
  readonly #routes = new CheckedCache<ResolvedFunction>(MAX_ROUTES);
  /** Of functions that there are, or were. */
  readonly #keys = new Map<TenantName, Map<FunctionName, RouteKey>>();
  #keyCount = 0;

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
    const known = this.#keys.get(tenant)?.get(name);
    const route = known ?? routeKeyOf(tenant, name);
    // A route depends on its function and on its tenant. Counts only grow, so their sum changes if one of them does.
    const count = this.#counters.readAt(route.functionBucket) + this.#counters.readAt(route.tenantBucket);
    return this.#routes.get(route.key, count, async () => {
      const found = await this.#ask(tenant, name);
      if (found !== undefined) this.#keep(tenant, name, route);
      return found?.process === undefined ? found : { ...found, process: { ...found.process, count } };
    });
  }

  #keep(tenant: TenantName, name: FunctionName, route: RouteKey): void {
    let ofTenant = this.#keys.get(tenant);
    if (ofTenant?.has(name)) return;
    // They are made again by whoever asks next.
    if (this.#keyCount === MAX_ROUTES) {
      this.#keys.clear();
      this.#keyCount = 0;
      ofTenant = undefined;
    }
    if (ofTenant === undefined) {
      ofTenant = new Map();
      this.#keys.set(tenant, ofTenant);
    }
    ofTenant.set(name, route);
    this.#keyCount++;
  }
}

function routeKeyOf(tenant: TenantName, name: FunctionName): RouteKey {
  const key = routeKey(tenant, name);
  return { key, functionBucket: bucketOf(key), tenantBucket: bucketOf(tenantKey(tenant)) };
}

/** The key of a function in change counters and caches. */
export function routeKey(tenant: TenantName, name: FunctionName): string {
  return `${tenant}/${name}`;
}
