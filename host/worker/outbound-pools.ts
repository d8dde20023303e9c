import type { LiveFunction } from '../model/function-version.ts';
import type { TenantName } from '../model/ids.ts';
import type { OutboundHttp } from '../wasi/context.ts';
import { createOutbound } from '../wasi/http/outbound.ts';
import { createOutboundPool, type OutboundPool } from '../wasi/http/outbound-pool.ts';

/** Connections are pooled per tenant, so that none is ever used for another; the pools of this thread. */
export class OutboundPools {
  readonly #pools = new Map<TenantName, OutboundPool>();
  /** Per configuration object: a route keeps its object until the function changes. */
  readonly #clients = new WeakMap<object, OutboundHttp>();

  clientOf(live: LiveFunction): OutboundHttp {
    let client = this.#clients.get(live.configuration);
    if (client === undefined) {
      client = createOutbound({
        allowedHosts: live.configuration.allowedHosts,
        pool: this.#poolOf(live.tenant),
      });
      this.#clients.set(live.configuration, client);
    }
    return client;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }

  #poolOf(tenant: TenantName): OutboundPool {
    let pool = this.#pools.get(tenant);
    if (pool === undefined) {
      pool = createOutboundPool();
      this.#pools.set(tenant, pool);
    }
    return pool;
  }
}
