/**
 * POSTs to webhooks of tenants, guarded as the outbound requests of guests are: to public addresses, checked where the socket connects, and to
 * what the function's `allowedHosts` name. Redirects are not followed.
 *
 * 1. A connection is never shared by tenants. Pools beyond {@link MAX_POOLS} are closed, the one used least recently first.
 * 2. Of an answer only the status is read; the rest is dropped, and the connection with it.
 * 3. Each request ends within {@link TIMEOUT_MS}.
 */
import type { TenantName } from '../model/ids.ts';
import type { HeaderList } from '../wasi/context.ts';
import { createOutbound } from '../wasi/http/outbound.ts';
import {
  createOutboundPool,
  type OutboundPool,
  type OutboundPoolOptions,
} from '../wasi/http/outbound-pool.ts';
import { BufferSource } from '../wasi/io/buffer-source.ts';
import type { FunctionRef, WebhookSender } from './ports.ts';

export interface WebhookClientOptions extends OutboundPoolOptions {
  allowedHosts(from: FunctionRef): readonly string[];
  readonly timeoutMs?: number;
}

/** Standard Webhooks recommends 15 to 30 s. */
const TIMEOUT_MS = 15_000;
const MAX_POOLS = 256;
/** Batches of one tenant that tell the same webhook at a time; more wait. */
const CONNECTIONS_PER_ORIGIN = 8;

export class WebhookClient implements WebhookSender, AsyncDisposable {
  readonly #options: WebhookClientOptions;
  readonly #pools = new Map<TenantName, OutboundPool>();

  constructor(options: WebhookClientOptions) {
    this.#options = options;
  }

  async post(
    from: FunctionRef,
    url: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<{ readonly status: number }> {
    const { protocol, host, pathname, search } = new URL(url);
    const outbound = createOutbound({
      allowedHosts: ['*', ...this.#options.allowedHosts(from)],
      pool: this.#poolOf(from.tenant),
    });
    const timeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS;
    const timedOut = Promise.withResolvers<never>();
    // An exchange that is aborted settles no more.
    const abort = new AbortController();
    const timer = setTimeout(() => {
      abort.abort();
      timedOut.reject(new Error(`The webhook did not answer within ${timeoutMs} ms.`));
    }, timeoutMs);
    try {
      const sent = outbound.send(
        {
          method: 'POST',
          scheme: protocol === 'https:' ? 'https' : 'http',
          authority: host,
          pathWithQuery: `${pathname}${search}`,
          headers: fieldsOf({ ...headers, 'content-length': `${body.length}` }),
          body: new BufferSource(body),
          connectTimeoutMs: timeoutMs,
          firstByteTimeoutMs: timeoutMs,
          betweenBytesTimeoutMs: timeoutMs,
        },
        abort.signal,
      );
      const response = await Promise.race([sent, timedOut.promise]);
      response.body.close();
      return { status: response.status };
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.close()));
  }

  #poolOf(tenant: TenantName): OutboundPool {
    const pool =
      this.#pools.get(tenant) ??
      createOutboundPool({ connectionsPerOrigin: CONNECTIONS_PER_ORIGIN, ...this.#options });
    // Behind all others: the first is the one used least recently.
    this.#pools.delete(tenant);
    this.#pools.set(tenant, pool);
    if (this.#pools.size > MAX_POOLS) {
      const [oldest] = this.#pools;
      this.#pools.delete(oldest![0]);
      void oldest![1].close();
    }
    return pool;
  }
}

function fieldsOf(headers: Readonly<Record<string, string>>): HeaderList {
  return Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, 'latin1')]);
}
