/**
 * The main thread's side of the quota table: which column is whose, what the limits are, and what was used.
 *
 * 1. A tenant and a function have one column for as long as they exist. A column is given to another one only when
 *    nothing counts in it any more, and starts empty.
 * 2. What is set in the registry is in the table before whoever set it has an answer.
 * 3. What is counted by the month is on the disk at most {@link FLUSH_INTERVAL_MS} later, and when the host stops, unless the disk is
 *    full. A host that is killed forgets what was used since; a quota is overshot by at most that.
 */
import { HOST_LIMITS } from '../limits/limits.ts';
import type { TenantQuotaName, TenantQuotaValues } from '../limits/tenant-quota-limits.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import { monthOf, type QuotaUse, startOfMonthMs, type TenantQuotaUse } from '../model/tenant-quotas.ts';
import { Outage } from '../outage.ts';
import { burn } from '../scheduler/burn.ts';
import { monotonicMs } from '../scheduler/monotonic-clock.ts';
import {
  FUNCTION_COLUMNS,
  FUNCTION_COUNT,
  HOST,
  LIMIT,
  QUOTA_NAMES,
  type QuotaTable,
  STATE,
  TENANT_COLUMNS,
  TENANT_COUNT,
  TENANT_STATE,
} from '../scheduler/quota-table.ts';
import { MAIN_THREAD } from '../scheduler/shared-lock.ts';
import type { Registry } from '../store/registry.ts';
import { ColumnTable } from './column-table.ts';
import { routeKey } from './route-cache.ts';

const FLUSH_INTERVAL_MS = 2_000;

export interface TenantAccountsPorts {
  readonly table: QuotaTable;
  readonly registry: Registry;
  readonly now: () => number;
  /** The month in which a tenant's budget stops it; 0 where it does not. */
  readonly stoppedMonth: (tenant: TenantName) => number;
  /** For the operator. */
  readonly report: (message: string, error?: unknown) => void;
}

/** A function as the table knows it. */
export interface AccountedFunction {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly column: number;
}

export class TenantAccounts implements Disposable {
  readonly #ports: TenantAccountsPorts;
  readonly #tenants: ColumnTable<TenantName>;
  readonly #functions: ColumnTable<AccountedFunction>;
  readonly #timer: NodeJS.Timeout;
  /** What is on the disk, by tenant. */
  readonly #saved = new Map<TenantName, string>();
  readonly #writing: Outage;

  constructor(ports: TenantAccountsPorts) {
    const { registry, table } = ports;
    this.#ports = ports;
    this.#tenants = new ColumnTable({
      first: HOST + 1,
      columns: TENANT_COLUMNS,
      isIdle: (tenant) => table.isTenantIdle(tenant),
    });
    this.#functions = new ColumnTable({
      first: 0,
      columns: FUNCTION_COLUMNS,
      isIdle: (column) => table.isFunctionIdle(column),
    });
    this.#writing = new Outage(
      {
        failing: 'what tenants have used this month could not be written',
        working: 'what tenants have used this month is written again',
      },
      ports.report,
    );
    table.setLimit(HOST, LIMIT.concurrency, HOST_LIMITS.concurrency);
    this.#refreshHost();
    registry.tenants.onChange((tenant) => this.#tenantChanged(tenant));
    registry.functions.onChange((tenant, name) => this.#functionChanged(tenant, name));
    this.#timer = setInterval(() => this.flush(), FLUSH_INTERVAL_MS);
    this.#timer.unref();
  }

  /** The tenant's column, with its limits and what it has used this month in it. */
  tenantColumn(tenant: TenantName): number {
    const { column, isNew } = this.#tenants.of(tenant, () => tenant);
    if (isNew) this.#open(tenant, column);
    return column;
  }

  /** From now on, for the next decision on every thread. */
  stop(tenant: TenantName, month: number): void {
    const { table } = this.#ports;
    const column = this.#tenants.find(tenant);
    if (column !== undefined)
      table.locked(column, MAIN_THREAD, () => table.setState(column, STATE.stoppedMonth, month));
  }

  functionColumn(tenant: TenantName, name: FunctionName): number {
    const key = routeKey(tenant, name);
    const { column, isNew } = this.#functions.of(key, (at) => ({ tenant, name, column: at }));
    if (isNew) this.#ports.table.setFunctionFullAtMs(column, 0);
    return column;
  }

  /** Functions that a thread is running. */
  running(thread: number): AccountedFunction[] {
    return this.#ports.table
      .running(thread)
      .map((column) => this.#functions.owner(column))
      .filter((owner) => owner !== undefined);
  }

  /** What the process of an isolated tenant has used. */
  spend(tenant: TenantName, fuel: number, outboundBytes: number): void {
    const { table, now } = this.#ports;
    const column = this.#tenants.find(tenant);
    if (column === undefined) return;
    table.locked(column, MAIN_THREAD, () => {
      burn(table, column, fuel, { monotonicMs, wallMs: now });
      table.setState(
        column,
        STATE.outboundBytesOfMonth,
        table.state(column, STATE.outboundBytesOfMonth) + outboundBytes,
      );
    });
  }

  /** Invocations of a function that a thread is running. */
  runningOf(thread: number, { column }: AccountedFunction): number {
    return this.#ports.table.runningOf(thread, column);
  }

  /** Invocations of a function that have ended; counts on from where it is, and wraps. */
  ended({ column }: AccountedFunction): number {
    return this.#ports.table.functionCount(column, FUNCTION_COUNT.ended);
  }

  /** Each quota of a tenant with what is used of it now. */
  use(tenant: TenantName): TenantQuotaUse {
    const { registry } = this.#ports;
    const quotas = registry.quotas.of(tenant);
    const stored = registry.quotas.stored(tenant);
    const used = { ...this.#countedUse(tenant), ...stored };
    const entries = QUOTA_NAMES.map((name) => [name, this.#useOf(name, quotas, used[name])]);
    return Object.fromEntries(entries) as TenantQuotaUse;
  }

  /** Writes what has changed of what is counted by the month; what cannot be written (a full disk) is tried again with the next. */
  flush(): void {
    const { registry } = this.#ports;
    const changed = this.#tenants
      .entries()
      .map(([tenant, column]) => this.#monthlyUse(tenant, column))
      .filter((use) => this.#saved.get(use.tenant) !== JSON.stringify(use));
    if (changed.length === 0) return;
    try {
      registry.quotas.saveMonths(changed);
    } catch (error) {
      this.#writing.failed(error);
      return;
    }
    this.#writing.worked();
    for (const use of changed) this.#saved.set(use.tenant, JSON.stringify(use));
  }

  /** For a thread that has ended: what it was running is over. */
  clearThread(thread: number): void {
    this.#ports.table.clearThread(thread);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.flush();
  }

  #open(tenant: TenantName, column: number): void {
    const { table, registry, now, stoppedMonth } = this.#ports;
    const month = monthOf(now());
    const saved = registry.quotas.month(tenant, month);
    this.#saved.set(tenant, JSON.stringify(saved));
    table.locked(column, MAIN_THREAD, () => {
      for (const name of TENANT_STATE) table.setState(column, STATE[name], 0);
      table.setState(column, STATE.month, month);
      table.setState(column, STATE.stoppedMonth, stoppedMonth(tenant));
      table.setState(column, STATE.fuelOfMonth, saved.fuel);
      table.setState(column, STATE.outboundBytesOfMonth, saved.outboundBytes);
    });
    this.#refresh(tenant, column);
  }

  #refresh(tenant: TenantName, column: number): void {
    const { table, registry } = this.#ports;
    const quotas = registry.quotas.of(tenant);
    const { reservedConcurrency } = registry.quotas.stored(tenant);
    table.locked(column, MAIN_THREAD, () => {
      for (const name of QUOTA_NAMES) table.setLimit(column, LIMIT[name], quotas[name]);
      table.setState(column, STATE.reservedByParts, reservedConcurrency);
    });
    // More may fit now.
    table.announceFree(column);
  }

  #refreshHost(): void {
    const { table, registry } = this.#ports;
    table.locked(HOST, MAIN_THREAD, () => {
      table.setState(HOST, STATE.reservedByParts, registry.quotas.reservedConcurrency());
    });
  }

  #tenantChanged(tenant: TenantName): void {
    this.#refreshHost();
    const column = this.#tenants.find(tenant);
    if (column === undefined) return;
    if (this.#ports.registry.tenants.has(tenant)) this.#refresh(tenant, column);
    else {
      this.#tenants.free(tenant);
      this.#saved.delete(tenant);
    }
  }

  #functionChanged(tenant: TenantName, name: FunctionName): void {
    const { registry } = this.#ports;
    const column = this.#tenants.find(tenant);
    if (column !== undefined && registry.tenants.has(tenant)) this.#refresh(tenant, column);
    if (registry.functions.find(tenant, name) === undefined) this.#functions.free(routeKey(tenant, name));
  }

  #monthlyUse(tenant: TenantName, column: number) {
    const { table } = this.#ports;
    return table.locked(column, MAIN_THREAD, () => ({
      tenant,
      month: table.state(column, STATE.month),
      fuel: table.state(column, STATE.fuelOfMonth),
      outboundBytes: table.state(column, STATE.outboundBytesOfMonth),
    }));
  }

  #countedUse(tenant: TenantName): Partial<Record<TenantQuotaName, number>> {
    const { table, now } = this.#ports;
    const column = this.tenantColumn(tenant);
    const monthly = this.#monthlyUse(tenant, column);
    const isThisMonth = monthly.month === monthOf(now());
    const [reserved, common] = [
      table.tenantCount(column, TENANT_COUNT.reserved),
      table.tenantCount(column, TENANT_COUNT.common),
    ];
    return {
      concurrency: reserved + common,
      reservedConcurrency: reserved,
      queuedInvocations: table.tenantCount(column, TENANT_COUNT.waiting),
      memoryBytes: table.memoryBytes(column),
      fuelPerMonth: isThisMonth ? monthly.fuel : 0,
      outboundBytesPerMonth: isThisMonth ? monthly.outboundBytes : 0,
    };
  }

  #useOf(name: TenantQuotaName, quotas: TenantQuotaValues, used: number | undefined): QuotaUse {
    const isMonthly = name === 'fuelPerMonth' || name === 'outboundBytesPerMonth';
    return {
      limit: quotas[name],
      ...(used === undefined ? {} : { used }),
      ...(isMonthly ? { resetAtMs: startOfMonthMs(monthOf(this.#ports.now()) + 1) } : {}),
    };
  }
}
