import type { FunctionName, TenantName } from '../model/ids.ts';
import type { ChangeCounters } from './change-counters.ts';
import type { ResolvedFunction } from './messages.ts';

/** Routes kept per thread; more are asked for again. A route is about 1 KiB. */
const MAX_ROUTES = 10_000;

interface Entry {
  readonly count: number;
  readonly route: ResolvedFunction | undefined;
}

/** What this thread knows about live functions; each entry is checked against the shared change counters. */
export class RouteCache {
  readonly #counters: ChangeCounters;
  readonly #ask: (tenant: TenantName, name: FunctionName) => Promise<ResolvedFunction | undefined>;
  readonly #entries = new Map<string, Entry>();

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
    const count = this.#counters.read(key);
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.count === count) return entry.route;
    return this.#fetch(key, count, tenant, name);
  }

  async #fetch(
    key: string,
    count: number,
    tenant: TenantName,
    name: FunctionName,
  ): Promise<ResolvedFunction | undefined> {
    const route = await this.#ask(tenant, name);
    this.#entries.delete(key);
    if (route === undefined) return undefined;
    // The count from before asking: a change while the question was under way makes this entry stale at once.
    this.#entries.set(key, { count, route });
    if (this.#entries.size > MAX_ROUTES) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return route;
  }
}

/** The key of a function in change counters and caches. */
export function routeKey(tenant: TenantName, name: FunctionName): string {
  return `${tenant}/${name}`;
}
