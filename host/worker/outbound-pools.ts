import type { LiveFunction } from '../model/function-version.ts';
import type { TenantName } from '../model/ids.ts';
import type { OutboundHttp } from '../wasi/context.ts';
import { meteredOutbound, type OutboundMeter } from '../wasi/http/metered-outbound.ts';
import { createOutbound } from '../wasi/http/outbound.ts';
import { createOutboundPool, type OutboundPool } from '../wasi/http/outbound-pool.ts';

interface TenantPool {
  readonly generation: number;
  readonly pool: OutboundPool;
}

/**
 * Connections are pooled per tenant, so that none is ever used for another, nor for a later tenant of the name; the
 * pools of this thread.
 */
export class OutboundPools {
  readonly #pools = new Map<TenantName, TenantPool>();
  /** Per configuration object: a route keeps its object until the function changes. */
  readonly #clients = new WeakMap<object, OutboundHttp>();

  /** @param meter of the function's tenant */
  clientOf(live: LiveFunction, meter: OutboundMeter): OutboundHttp {
    let client = this.#clients.get(live.configuration);
    if (client === undefined) {
      const unmetered = createOutbound({
        allowedHosts: live.configuration.allowedHosts,
        pool: this.#poolOf(live),
      });
      client = meteredOutbound(unmetered, meter);
      this.#clients.set(live.configuration, client);
    }
    return client;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(({ pool }) => pool.close()));
  }

  #poolOf({ tenant, generation }: LiveFunction): OutboundPool {
    const known = this.#pools.get(tenant);
    if (known?.generation === generation) return known.pool;
    const pool = createOutboundPool();
    this.#pools.set(tenant, { generation, pool });
    // Of a tenant that is gone; what it still has under way may end.
    void known?.pool.close();
    return pool;
  }
}
