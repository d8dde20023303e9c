/** Streams that other programs write to, as two hosts read them from a Redis of the test's own. */
import { Redis } from 'ioredis';
import type { QueueName, TenantName } from '../../../host/model/ids.ts';
import type { Claim, ClaimOptions, Settlement } from '../../../host/store/queues/queue-engine.ts';
import { RedisQueueEngine } from '../../../host/store/queues/redis-queue-engine.ts';
import type { RedisStreamSource } from '../../../host/store/queues/redis-stream-source.ts';
import { RedisServer } from '../../harness/redis-server.ts';
import { connected } from './redis-engines.ts';

/** Short, and long enough for a machine that is busy to do something in. */
export const STEP_MS = 200;
export const CAUSE = { code: 'item_failed', detail: 'no luck' };

export class RedisStreams implements AsyncDisposable {
  /** Another program. */
  readonly writer: Redis;
  readonly #server: RedisServer;
  readonly #engines: readonly RedisQueueEngine[];
  #streams = 0;

  private constructor(server: RedisServer) {
    this.#server = server;
    this.writer = new Redis(server.url);
    this.#engines = [0, 1].map((host) => new RedisQueueEngine({ url: server.url, host: `host-${host}` }));
  }

  static async start(): Promise<RedisStreams> {
    const streams = new RedisStreams(await RedisServer.start({ settings: { appendfsync: 'no' } }));
    await Promise.all(streams.#engines.map(connected));
    return streams;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const engine of this.#engines) await engine[Symbol.asyncDispose]();
    await this.writer.quit();
    await this.#server[Symbol.asyncDispose]();
  }

  /** One of its own, as both hosts read it. */
  make(startingPosition: 'trim-horizon' | 'latest' = 'trim-horizon', consumerGroup = 'mayfly') {
    const key = `stream-${this.#streams++}`;
    return { key, ...this.read(key, startingPosition, consumerGroup) };
  }

  /** How a group of a stream is read. */
  read(key: string, startingPosition: 'trim-horizon' | 'latest', consumerGroup: string) {
    const options = {
      key,
      consumerGroup,
      startingPosition,
      queue: { kind: 'queue', tenant: 'acme' as TenantName, name: 'stream' as QueueName },
    } as const;
    const [source, other] = this.#engines.map((engine) => engine.stream(options)) as [
      RedisStreamSource,
      RedisStreamSource,
    ];
    return { source, other };
  }

  async pendingOf(key: string): Promise<number> {
    const [count] = (await this.writer.xpending(key, 'mayfly')) as [number];
    return count;
  }
}

export async function claim(
  source: RedisStreamSource,
  options: Partial<ClaimOptions> = {},
): Promise<Claim | undefined> {
  const [claimed] = await source.claim({
    maxMessages: 10,
    maxBytes: 1_000_000,
    visibilityMs: 600_000,
    maxClaims: 100,
    ...options,
  });
  return claimed;
}

export async function claimSome(
  source: RedisStreamSource,
  options: Partial<ClaimOptions> = {},
): Promise<Claim> {
  const claimed = await claim(source, options);
  if (claimed === undefined) throw new Error('nothing could be claimed');
  return claimed;
}

export function texts(claimed: Pick<Claim, 'messages'> | undefined): string[] | undefined {
  return claimed?.messages.map(({ body }) => Buffer.from(body).toString());
}

export function settleAll(
  source: RedisStreamSource,
  claimed: Claim,
  how: (id: Settlement['id']) => Settlement = (id) => ({ id, kind: 'done' }),
): Promise<boolean> {
  return source.settle(
    claimed,
    claimed.messages.map(({ id }) => how(id)),
  );
}

export const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms + 2));
