/**
 * Whether an invocation may begin: the quotas of its tenant and of its function, decided at once and exactly, over
 * all threads. Nothing of the request but its head is looked at before, and a refusal takes nothing.
 *
 * A place is one of two kinds at each of two levels. A function runs in places of its own (`reservedConcurrency`)
 * while it has any, else in those that the tenant's functions share; a tenant likewise runs in places of its own, else
 * in those that all tenants of the host share. What is kept for somebody is nobody else's, used or not.
 *
 * 1. At no time do more run than a cap says that held when the last of them began.
 * 2. An invocation is counted in one row (quota-table.ts) and uncounted in the same, once.
 * 3. What is decided over is read and written inside the tenant's lock; leaving needs none, because nobody is
 *    harmed by a place that is taken for some microseconds longer.
 */
import type { QuotaRefusal } from '../errors/errors.ts';
import { WASM_PAGE_BYTES } from '../limits/limits.ts';
import { UNBOUNDED } from '../limits/tenant-quota-limits.ts';
import type { FunctionConfiguration } from '../model/function-configuration.ts';
import { startOfMonthMs } from '../model/tenant-quotas.ts';
import { type AdmissionClock, burn, fuelRate, turnMonth } from './burn.ts';
import { FUNCTION_COUNT, HOST, LIMIT, type QuotaTable, STATE, TENANT_COUNT } from './quota-table.ts';
import { type Rate, taken, waitMs } from './rate.ts';

/** Who asks: columns of the table, and what the function's settings say. */
export interface Applicant {
  readonly tenant: number;
  readonly function: number;
  readonly configuration: Pick<
    FunctionConfiguration,
    'concurrency' | 'reservedConcurrency' | 'requestsPerSecond' | 'requestBurst' | 'memoryBytes'
  >;
}

/** Why not: a quota that is used up, or the host as a whole is. */
export type Refusal =
  | (QuotaRefusal & { readonly kind: 'quota' })
  | { readonly kind: 'function-busy'; readonly limit: number }
  | { readonly kind: 'host-busy' }
  /** The tenant has cost what it may in this month. */
  | { readonly kind: 'budget-exhausted' };

/** A place that an invocation has taken; it leaves with what it used. */
export interface Place {
  readonly kind: 'place';
  /** Takes effect once. */
  leave(fuel: number): void;
}

/** In whose places an invocation runs: kept for its function or its tenant, or shared with others. */
interface Kinds {
  readonly ofFunction: 'reserved' | 'common';
  readonly ofTenant: 'reserved' | 'common';
}

/** What became of asking; `queued` counts as waiting until {@link Admission.enterQueued} or `leaveQueue`. */
export type Verdict = Place | Refusal | { readonly kind: 'queued'; readonly timeoutMs: number };

/** A place becomes free when an invocation ends, which nobody foresees; a retry makes sense soon. */
const PLACE_RESET_MS = 1_000;

export class Admission {
  readonly #table: QuotaTable;
  readonly #thread: number;
  readonly #clock: AdmissionClock;

  constructor(table: QuotaTable, thread: number, clock: AdmissionClock) {
    if (thread < 0 || thread >= table.threads) throw new RangeError(`the quota table has no row ${thread}`);
    this.#table = table;
    this.#thread = thread;
    this.#clock = clock;
  }

  /**
   * For an invocation that has just come. Where all places are taken it is counted as waiting, if it can wait and there
   * is room to.
   */
  ask(applicant: Applicant, canWait = true): Verdict {
    const table = this.#table;
    const { tenant } = applicant;
    return table.locked(tenant, this.#thread, () => {
      const nowMs = this.#clock.monotonicMs();
      const refusal = this.#overRate(applicant, nowMs) ?? this.#functionBusy(applicant);
      if (refusal !== undefined) return refusal;
      // Whoever came first goes first: nobody passes those who wait, but into a place that is not theirs.
      const waiting = table.tenantCount(tenant, TENANT_COUNT.waiting);
      const kinds =
        waiting > 0 && !this.#hasReservedPlace(applicant)
          ? this.#placesTaken(tenant, 'concurrency')
          : this.#takeKinds(applicant);
      if (!('kind' in kinds)) {
        this.#takeRate(applicant, nowMs);
        return this.#place(applicant, kinds);
      }
      if (kinds.kind !== 'quota') return kinds;
      const timeoutMs = table.limit(tenant, LIMIT.queueTimeoutMs);
      if (!canWait || timeoutMs === 0 || waiting >= table.limit(tenant, LIMIT.queuedInvocations))
        return kinds;
      this.#takeRate(applicant, nowMs);
      table.addToTenant(this.#thread, tenant, TENANT_COUNT.waiting, 1);
      return { kind: 'queued', timeoutMs };
    });
  }

  /** For one that waits, when there may be room: a place and no longer waiting, or why it has to wait on. */
  enterQueued(applicant: Applicant): Place | Refusal {
    return this.#table.locked(applicant.tenant, this.#thread, () => {
      const kinds = this.#functionBusy(applicant) ?? this.#takeKinds(applicant);
      if ('kind' in kinds) return kinds;
      this.leaveQueue(applicant);
      return this.#place(applicant, kinds);
    });
  }

  /** For one that has waited and waits no longer, whatever the reason. */
  leaveQueue({ tenant }: Applicant): void {
    this.#table.addToTenant(this.#thread, tenant, TENANT_COUNT.waiting, -1);
  }

  /** For an outbound request: counts it, or says which quota forbids it. */
  takeOutbound(tenant: number): QuotaRefusal | undefined {
    const table = this.#table;
    return table.locked(tenant, this.#thread, () => {
      const nowMs = this.#clock.monotonicMs();
      const bytes = this.#monthly(tenant, 'outboundBytesPerMonth', STATE.outboundBytesOfMonth);
      if (bytes !== undefined) return bytes;
      const limit = table.limit(tenant, LIMIT.outboundRequestsPerSecond);
      const rate = { perSecond: limit, burst: limit };
      const fullAtMs = table.state(tenant, STATE.outboundFullAtMs);
      const wait = waitMs(rate, fullAtMs, nowMs, 1);
      if (wait > 0) return quota('outboundRequestsPerSecond', 'tenant', limit, this.#after(wait), 1);
      table.setState(tenant, STATE.outboundFullAtMs, taken(rate, fullAtMs, nowMs, 1));
      return undefined;
    });
  }

  /** Counts bytes of an outbound body; says whether its tenant has any left. */
  takeOutboundBytes(tenant: number, bytes: number): boolean {
    const table = this.#table;
    return table.locked(tenant, this.#thread, () => {
      this.#turnMonth(tenant);
      const used = table.state(tenant, STATE.outboundBytesOfMonth) + bytes;
      table.setState(tenant, STATE.outboundBytesOfMonth, used);
      return used <= table.limit(tenant, LIMIT.outboundBytesPerMonth);
    });
  }

  /** The quota over time that the request would exceed, of the function or of the tenant, or its budget. */
  #overRate({ tenant, function: column, configuration }: Applicant, nowMs: number): Refusal | undefined {
    const table = this.#table;
    const stoppedMonth = table.state(tenant, STATE.stoppedMonth);
    if (stoppedMonth > 0 && stoppedMonth === this.#turnMonth(tenant)) return { kind: 'budget-exhausted' };
    const ofFunction = waitMs(functionRate(configuration), table.functionFullAtMs(column), nowMs, 1);
    if (ofFunction > 0) {
      return quota(
        'requestsPerSecond',
        'function',
        configuration.requestsPerSecond,
        this.#after(ofFunction),
        1,
      );
    }
    const rate = this.#requestRate(tenant);
    const ofTenant = waitMs(rate, table.state(tenant, STATE.requestsFullAtMs), nowMs, 1);
    if (ofTenant > 0) return quota('requestsPerSecond', 'tenant', rate.perSecond, this.#after(ofTenant), 1);
    const monthly = this.#monthly(tenant, 'fuelPerMonth', STATE.fuelOfMonth);
    if (monthly !== undefined) return monthly;
    const fuelPerSecond = table.limit(tenant, LIMIT.fuelPerSecond);
    if (fuelPerSecond === UNBOUNDED) return undefined;
    const ofFuel = waitMs(fuelRate(fuelPerSecond), table.state(tenant, STATE.fuelFullAtMs), nowMs, 0);
    return ofFuel > 0 ? quota('fuelPerSecond', 'tenant', fuelPerSecond, this.#after(ofFuel), 1) : undefined;
  }

  #takeRate({ tenant, function: column, configuration }: Applicant, nowMs: number): void {
    const table = this.#table;
    table.setFunctionFullAtMs(
      column,
      taken(functionRate(configuration), table.functionFullAtMs(column), nowMs, 1),
    );
    const before = table.state(tenant, STATE.requestsFullAtMs);
    table.setState(tenant, STATE.requestsFullAtMs, taken(this.#requestRate(tenant), before, nowMs, 1));
  }

  /** A function's own bound keeps nobody waiting: its author has set it, and learns of it. */
  #functionBusy({ function: column, configuration: { concurrency } }: Applicant): Refusal | undefined {
    const running =
      this.#table.functionCount(column, FUNCTION_COUNT.reserved) +
      this.#table.functionCount(column, FUNCTION_COUNT.common);
    return running < concurrency ? undefined : { kind: 'function-busy', limit: concurrency };
  }

  /**
   * The kinds of place that the invocation takes, or what stands between it and one. Decided once: who leaves
   * meanwhile does so without the lock. A place of the host is counted here, inside the host's lock.
   */
  #takeKinds(applicant: Applicant): Kinds | Refusal {
    const table = this.#table;
    const { tenant, configuration } = applicant;
    const cap = table.limit(tenant, LIMIT.concurrency);
    const inReserved = table.tenantCount(tenant, TENANT_COUNT.reserved);
    if (inReserved + table.tenantCount(tenant, TENANT_COUNT.common) >= cap) {
      return this.#placesTaken(tenant, 'concurrency');
    }
    const ofFunction = this.#hasReservedPlace(applicant) ? 'reserved' : 'common';
    const shared = cap - table.state(tenant, STATE.reservedByParts);
    if (ofFunction === 'common' && table.tenantCount(tenant, TENANT_COUNT.unreserved) >= shared) {
      return this.#placesTaken(tenant, 'concurrency');
    }
    const memoryBytes = table.memoryBytes(tenant) + pages(configuration) * WASM_PAGE_BYTES;
    if (memoryBytes > table.limit(tenant, LIMIT.memoryBytes)) return this.#placesTaken(tenant, 'memoryBytes');
    const reserved = table.limit(tenant, LIMIT.reservedConcurrency);
    if (inReserved < reserved) return { ofFunction, ofTenant: 'reserved' };
    const isTaken = table.locked(HOST, this.#thread, () => {
      const common = table.limit(HOST, LIMIT.concurrency) - table.state(HOST, STATE.reservedByParts);
      if (table.tenantCount(HOST, TENANT_COUNT.common) >= common) return false;
      table.addToTenant(this.#thread, HOST, TENANT_COUNT.common, 1);
      return true;
    });
    return isTaken ? { ofFunction, ofTenant: 'common' } : { kind: 'host-busy' };
  }

  #placesTaken(tenant: number, name: 'concurrency' | 'memoryBytes'): Refusal {
    return quota(name, 'tenant', this.#table.limit(tenant, LIMIT[name]), this.#after(PLACE_RESET_MS));
  }

  #hasReservedPlace({ function: column, configuration: { reservedConcurrency } }: Applicant): boolean {
    return (
      reservedConcurrency > 0 &&
      this.#table.functionCount(column, FUNCTION_COUNT.reserved) < reservedConcurrency
    );
  }

  #place({ tenant, function: column, configuration }: Applicant, { ofFunction, ofTenant }: Kinds): Place {
    const table = this.#table;
    const thread = this.#thread;
    const memoryPages = pages(configuration);
    const count = (by: 1 | -1): void => {
      table.addToFunction(thread, column, FUNCTION_COUNT[ofFunction], by);
      if (ofFunction === 'common') table.addToTenant(thread, tenant, TENANT_COUNT.unreserved, by);
      table.addToTenant(thread, tenant, TENANT_COUNT[ofTenant], by);
      table.addToTenant(thread, tenant, TENANT_COUNT.memoryPages, by * memoryPages);
    };
    count(1);
    let isTaken = true;
    return {
      kind: 'place',
      leave: (fuel) => {
        if (!isTaken) return;
        isTaken = false;
        this.#burn(tenant, fuel);
        count(-1);
        table.addToFunction(thread, column, FUNCTION_COUNT.ended, 1);
        if (ofTenant === 'common') table.addToTenant(thread, HOST, TENANT_COUNT.common, -1);
        if (table.tenantCount(tenant, TENANT_COUNT.waiting) > 0) table.announceFree(tenant);
      },
    };
  }

  #burn(tenant: number, fuel: number): void {
    if (fuel === 0) return;
    this.#table.locked(tenant, this.#thread, () => burn(this.#table, tenant, fuel, this.#clock));
  }

  #monthly(
    tenant: number,
    name: 'fuelPerMonth' | 'outboundBytesPerMonth',
    used: (typeof STATE)['fuelOfMonth' | 'outboundBytesOfMonth'],
  ): (Refusal & { kind: 'quota' }) | undefined {
    const limit = this.#table.limit(tenant, LIMIT[name]);
    if (limit === UNBOUNDED) return undefined;
    const month = this.#turnMonth(tenant);
    if (this.#table.state(tenant, used) < limit) return undefined;
    return quota(name, 'tenant', limit, startOfMonthMs(month + 1), MONTH_SECONDS);
  }

  /** Since the epoch. */
  #after(ms: number): number {
    return this.#clock.wallMs() + ms;
  }

  #turnMonth(tenant: number): number {
    return turnMonth(this.#table, tenant, this.#clock);
  }

  #requestRate(tenant: number): Rate {
    return {
      perSecond: this.#table.limit(tenant, LIMIT.requestsPerSecond),
      burst: this.#table.limit(tenant, LIMIT.requestBurst),
    };
  }
}

/** For the RateLimit-Policy field, which has no calendar: the longest month. */
const MONTH_SECONDS = 31 * 86_400;

function functionRate({ requestsPerSecond, requestBurst }: Applicant['configuration']): Rate {
  return { perSecond: requestsPerSecond, burst: requestBurst };
}

function pages({ memoryBytes }: Applicant['configuration']): number {
  return Math.ceil(memoryBytes / WASM_PAGE_BYTES);
}

function quota(
  name: string,
  scope: 'tenant' | 'function',
  limit: number,
  resetAtMs: number,
  windowSeconds?: number,
): Refusal & { kind: 'quota' } {
  return {
    kind: 'quota',
    name,
    scope,
    limit,
    resetAtMs,
    ...(windowSeconds === undefined ? {} : { windowSeconds }),
  };
}
