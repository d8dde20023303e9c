import type { TenantName } from '../model/ids.ts';

/**
 * How a serving thread learns, without a message, that a function, a tenant or a key changed: a counter per bucket
 * of them in shared memory. The main thread counts up before it answers whoever made the change; a thread that reads
 * an old count for its cached route asks again. So the request that follows a reply, on any thread, sees it.
 */

/** A change makes the others of its bucket ask once more, too: one message each. */
const BUCKETS = 4_096;

export class ChangeCounters {
  readonly buffer: SharedArrayBuffer;
  readonly #counters: Int32Array;

  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(BUCKETS * Int32Array.BYTES_PER_ELEMENT);
    this.#counters = new Int32Array(this.buffer);
  }

  read(key: string): number {
    return this.readAt(bucketOf(key));
  }

  /** @param bucket of {@link bucketOf}, for whoever asks about the same key again and again */
  readAt(bucket: number): number {
    return Atomics.load(this.#counters, bucket);
  }

  bump(key: string): void {
    Atomics.add(this.#counters, bucketOf(key), 1);
  }
}

/** The key of a tenant in change counters; no function's has this form (see `routeKey`). */
export function tenantKey(tenant: TenantName): string {
  return tenant;
}

/** The key of an API key in change counters; no tenant's name has an underscore. */
export function keyKey(id: string): string {
  return `mayfly_${id}`;
}

/** FNV-1a over the key's UTF-16 units. */
export function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % BUCKETS;
}
