/**
 * What all threads know about what tenants and functions use: one shared memory with a record per tenant and per
 * function, and a row of counts per thread.
 *
 * 1. A count of what runs or waits is the sum of the threads' rows. A thread writes its own row only, so that what a
 *    dead thread was running is forgotten by clearing its row, whatever it was doing when it died.
 * 2. A tenant's record, the records of its functions and the decision over them are guarded by the tenant's lock; the
 *    counts of the host by the lock of {@link HOST}. Whoever takes both takes the tenant's first.
 * 3. Limits are in the record: what the main thread sets holds for the next decision on every thread.
 * 4. Numbers that outgrow 32 bits are float64, which is exact to 2^53; they are touched under the lock only.
 */
import { WASM_PAGE_BYTES } from '../limits/limits.ts';
import { TENANT_QUOTAS, type TenantQuotaName } from '../limits/tenant-quota-limits.ts';
import { locked, releaseLockOf } from './shared-lock.ts';

/** Columns: tenants and functions that can have a record at one time. */
export const TENANT_COLUMNS = 16_384;
export const FUNCTION_COLUMNS = 65_536;

/** The column of tenants that stands for the host itself. */
export const HOST = 0;

/**
 * Counts per thread and tenant. Those that run are of one kind or the other (see admission.ts); `unreserved` are
 * those among them that run in no place of their function's own. Memory is in pages of 64 KiB, so that it fits a word.
 */
export const TENANT_COUNT = { reserved: 0, common: 1, unreserved: 2, waiting: 3, memoryPages: 4 } as const;
export type TenantCount = (typeof TENANT_COUNT)[keyof typeof TENANT_COUNT];

/** Counts per thread and function; `ended` only grows, and wraps. */
export const FUNCTION_COUNT = { reserved: 0, common: 1, ended: 2 } as const;
export type FunctionCount = (typeof FUNCTION_COUNT)[keyof typeof FUNCTION_COUNT];

/** What a tenant's record holds beside its limits. Times are those of the clock that admission is given. */
export const TENANT_STATE = [
  'requestsFullAtMs',
  'fuelFullAtMs',
  'outboundFullAtMs',
  /** Months since the year 0 (UTC), to which the next two belong. */
  'month',
  'fuelOfMonth',
  'outboundBytesOfMonth',
  /** The month in which the tenant's budget is used up and stops it; 0 where it does not. */
  'stoppedMonth',
  /** Sum of reservedConcurrency over its functions; of the host's record, over the tenants. */
  'reservedByParts',
] as const;
export type TenantStateName = (typeof TENANT_STATE)[number];

export const QUOTA_NAMES: readonly TenantQuotaName[] = Object.keys(TENANT_QUOTAS) as TenantQuotaName[];

declare const place: unique symbol;
type LimitAt = number & { readonly [place]: 'limit' };
type StateAt = number & { readonly [place]: 'state' };

/**
 * Where in a record something is. The table is asked by place, not by name: to look a name up is 20 ns in code that is asked for many
 * of them, and a request asks for 30 numbers.
 */
export const LIMIT: Readonly<Record<TenantQuotaName, LimitAt>> = Object.fromEntries(
  QUOTA_NAMES.map((name, i) => [name, i]),
) as Record<TenantQuotaName, LimitAt>;
export const STATE: Readonly<Record<TenantStateName, StateAt>> = Object.fromEntries(
  TENANT_STATE.map((name, i) => [name, QUOTA_NAMES.length + i]),
) as Record<TenantStateName, StateAt>;
const TENANT_FLOATS = QUOTA_NAMES.length + TENANT_STATE.length;

const TENANT_WORDS = Object.keys(TENANT_COUNT).length;
const FUNCTION_WORDS = Object.keys(FUNCTION_COUNT).length;
/** Per tenant: its lock, and a count of the times that something became free. */
const SHARED_WORDS = 2;

const ROW_WORDS = TENANT_COLUMNS * TENANT_WORDS + FUNCTION_COLUMNS * FUNCTION_WORDS;

/** Both buffers of the table; pages that nobody uses take no memory. */
export interface QuotaTableBuffers {
  readonly words: SharedArrayBuffer;
  readonly floats: SharedArrayBuffer;
}

export function createQuotaTable(threads: number): QuotaTableBuffers {
  const words = TENANT_COLUMNS * SHARED_WORDS + threads * ROW_WORDS;
  // Of each function: when its rate is full again.
  const floats = TENANT_COLUMNS * TENANT_FLOATS + FUNCTION_COLUMNS;
  return {
    words: new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT),
    floats: new SharedArrayBuffer(floats * Float64Array.BYTES_PER_ELEMENT),
  };
}

export class QuotaTable {
  readonly threads: number;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;

  constructor({ words, floats }: QuotaTableBuffers) {
    this.#words = new Int32Array(words);
    this.#floats = new Float64Array(floats);
    this.threads = (this.#words.length - TENANT_COLUMNS * SHARED_WORDS) / ROW_WORDS;
  }

  /** Runs `work` as the only one who looks at or changes what is guarded by the tenant's lock. */
  locked<T>(tenant: number, thread: number, work: () => T): T {
    return locked(this.#words, tenant * SHARED_WORDS, thread, work);
  }

  limit(tenant: number, at: LimitAt): number {
    return this.#floats[tenant * TENANT_FLOATS + at]!;
  }

  setLimit(tenant: number, at: LimitAt, value: number): void {
    this.#floats[tenant * TENANT_FLOATS + at] = value;
  }

  state(tenant: number, at: StateAt): number {
    return this.#floats[tenant * TENANT_FLOATS + at]!;
  }

  setState(tenant: number, at: StateAt, value: number): void {
    this.#floats[tenant * TENANT_FLOATS + at] = value;
  }

  functionFullAtMs(column: number): number {
    return this.#floats[TENANT_COLUMNS * TENANT_FLOATS + column]!;
  }

  setFunctionFullAtMs(column: number, value: number): void {
    this.#floats[TENANT_COLUMNS * TENANT_FLOATS + column] = value;
  }

  addToTenant(thread: number, tenant: number, count: TenantCount, by: number): void {
    Atomics.add(this.#words, this.#tenantWord(thread, tenant, count), by);
  }

  addToFunction(thread: number, column: number, count: FunctionCount, by: number): void {
    Atomics.add(this.#words, this.#functionWord(thread, column, count), by);
  }

  /** Over all threads. */
  tenantCount(tenant: number, count: TenantCount): number {
    let sum = 0;
    for (let t = 0; t < this.threads; t++)
      sum += Atomics.load(this.#words, this.#tenantWord(t, tenant, count));
    return sum;
  }

  functionCount(column: number, count: FunctionCount): number {
    let sum = 0;
    for (let t = 0; t < this.threads; t++) {
      sum += Atomics.load(this.#words, this.#functionWord(t, column, count));
    }
    // `ended` wraps in each row; a difference of two readings is right all the same.
    return sum | 0;
  }

  /** The count of what became free: read it before looking, and wait for it to move on. */
  freed(tenant: number): number {
    return Atomics.load(this.#words, tenant * SHARED_WORDS + 1);
  }

  /** Tells whoever waits, on any thread, that there may be room. */
  announceFree(tenant: number): void {
    const at = tenant * SHARED_WORDS + 1;
    Atomics.add(this.#words, at, 1);
    Atomics.notify(this.#words, at);
  }

  /** Resolves when {@link announceFree} was called since `seen` was read, or when the time is up. */
  untilFreed(tenant: number, seen: number, timeoutMs: number): Promise<unknown> | undefined {
    const wait = Atomics.waitAsync(this.#words, tenant * SHARED_WORDS + 1, seen, timeoutMs);
    return wait.async ? wait.value : undefined;
  }

  /** Functions that a thread is running. */
  running(thread: number): number[] {
    const columns: number[] = [];
    for (let column = 0; column < FUNCTION_COLUMNS; column++) {
      const at = this.#functionWord(thread, column, FUNCTION_COUNT.reserved);
      if (Atomics.load(this.#words, at) + Atomics.load(this.#words, at + 1) > 0) columns.push(column);
    }
    return columns;
  }

  /** Invocations of a function that a thread is running. */
  runningOf(thread: number, column: number): number {
    const at = this.#functionWord(thread, column, FUNCTION_COUNT.reserved);
    return Atomics.load(this.#words, at) + Atomics.load(this.#words, at + 1);
  }

  /** For the main thread: forgets what a thread that died was running, and frees what it held (invariant 1). */
  clearThread(thread: number): void {
    const start = TENANT_COLUMNS * SHARED_WORDS + thread * ROW_WORDS;
    const touched: number[] = [];
    for (let tenant = 0; tenant < TENANT_COLUMNS; tenant++) {
      releaseLockOf(this.#words, tenant * SHARED_WORDS, thread);
      const counts = this.#words.subarray(start + tenant * TENANT_WORDS, start + (tenant + 1) * TENANT_WORDS);
      if (!counts.some((count) => count !== 0)) continue;
      counts.fill(0);
      touched.push(tenant);
    }
    for (const column of this.running(thread)) {
      const at = this.#functionWord(thread, column, FUNCTION_COUNT.reserved);
      this.#words.fill(0, at, at + 2);
    }
    for (const tenant of touched) this.announceFree(tenant);
  }

  /** What the tenant's invocations may grow to together. */
  memoryBytes(tenant: number): number {
    return this.tenantCount(tenant, TENANT_COUNT.memoryPages) * WASM_PAGE_BYTES;
  }

  /** Whether no thread counts anything for the tenant any more. */
  isTenantIdle(tenant: number): boolean {
    return Object.values(TENANT_COUNT).every((count) => this.tenantCount(tenant, count) === 0);
  }

  /** Whether no thread counts anything for the function any more. */
  isFunctionIdle(column: number): boolean {
    return (
      this.functionCount(column, FUNCTION_COUNT.reserved) +
        this.functionCount(column, FUNCTION_COUNT.common) ===
      0
    );
  }

  #tenantWord(thread: number, tenant: number, count: TenantCount): number {
    const row = TENANT_COLUMNS * SHARED_WORDS + thread * ROW_WORDS;
    return row + tenant * TENANT_WORDS + count;
  }

  #functionWord(thread: number, column: number, count: FunctionCount): number {
    const row = TENANT_COLUMNS * (SHARED_WORDS + TENANT_WORDS) + thread * ROW_WORDS;
    return row + column * FUNCTION_WORDS + count;
  }
}
