/**
 * Budgets of tenants against what they cost: alerts at thresholds, and a stop at the whole amount.
 *
 * Owner: the main thread. Invariants:
 *  1. A threshold is noted in the registry before anybody is told of it, once for each month and amount. It is told until the
 *     webhook takes it, in this run of the host or, in the same month, in a later one; always with the same id.
 *  2. A tenant with a hard stop is stopped from the check that finds its amount reached until the month ends, its budget or the
 *     prices change. A check follows each commit of its usage: what is admitted before is not called back.
 *  3. One check of a tenant runs at a time; what happens meanwhile causes another one.
 */
import type { Budget, BudgetUse } from '../model/budget.ts';
import type { TenantName } from '../model/ids.ts';
import { type PriceList, textOfMonth } from '../model/price-list.ts';
import { monthOf } from '../model/tenant-quotas.ts';
import type { BudgetTable } from '../store/budget-table.ts';
import type { PriceTable } from '../store/price-table.ts';
import { meteredUse, totalUse } from './invoice.ts';
import type { BilledUse, LedgerMonth, LedgerTenant } from './ledger-messages.ts';
import { decimalOf, price, scaled } from './pricing.ts';

/** What the webhook gets. */
export interface BudgetAlertMessage {
  /** The same for each attempt. */
  readonly id: string;
  readonly url: string;
  readonly body: {
    readonly type: 'budget.threshold_reached';
    readonly tenant: string;
    readonly month: string;
    readonly threshold: number;
    readonly amount: string;
    readonly spent: string;
    readonly currency: string;
    readonly stopped: boolean;
    readonly at: string;
  };
}

export interface BudgetWatchPorts {
  readonly budgets: BudgetTable;
  readonly prices: PriceTable;
  readonly generationOf: (tenant: TenantName) => number;
  readonly billedUse: (month: LedgerMonth) => Promise<readonly BilledUse[]>;
  /** Stops a tenant for a month; 0 lets it go on. */
  readonly stop: (tenant: TenantName, month: number) => void;
  /** Rejects where the webhook did not take it. */
  readonly send: (message: BudgetAlertMessage) => Promise<void>;
  readonly later: (callback: () => void, ms: number) => void;
  readonly now: () => number;
  readonly report: (message: string, error?: unknown) => void;
}

const RETRY_MS = [1_000, 10_000, 60_000, 600_000] as const;

interface Spent {
  readonly month: number;
  /** In minor units of the currency. */
  readonly total: bigint;
  readonly list: PriceList;
}

export class BudgetWatch {
  readonly #ports: BudgetWatchPorts;
  readonly #stopped = new Map<TenantName, number>();
  readonly #checks = new Map<TenantName, Promise<void>>();
  readonly #again = new Set<TenantName>();
  readonly #sending = new Set<string>();
  #isClosed = false;
  /** So that a commit of somebody without a budget costs a look-up. */
  #watched: ReadonlySet<TenantName>;

  constructor(ports: BudgetWatchPorts) {
    this.#ports = ports;
    this.#watched = this.#list();
    ports.budgets.onChange((tenant) => {
      this.#watched = this.#list();
      if (this.#watched.has(tenant)) void this.check(tenant);
      // At once: it may have gone with its tenant, and whoever gets the name next has cost nothing.
      else this.#setStopped(tenant, 0);
    });
    ports.prices.onChange(() => void this.checkAll());
  }

  /** Nothing is checked or sent any more: the registry is about to close. */
  close(): void {
    this.#isClosed = true;
  }

  stoppedMonth(tenant: TenantName): number {
    return this.#stopped.get(tenant) ?? 0;
  }

  committed(tenants: readonly LedgerTenant[]): void {
    for (const { tenant } of tenants) if (this.#watched.has(tenant)) void this.check(tenant);
  }

  async checkAll(): Promise<void> {
    await Promise.all([...this.#watched].map((tenant) => this.check(tenant)));
  }

  /** Resolves when a check that began after this call is over. */
  async check(tenant: TenantName): Promise<void> {
    if (this.#isClosed) return;
    const running = this.#checks.get(tenant);
    if (running !== undefined) {
      this.#again.add(tenant);
      return running;
    }
    const checks = this.#checkUntilCurrent(tenant).finally(() => this.#checks.delete(tenant));
    this.#checks.set(tenant, checks);
    return checks;
  }

  /** Undefined for a tenant without a budget. */
  async use(tenant: TenantName): Promise<BudgetUse | undefined> {
    const { budgets, now } = this.#ports;
    const budget = budgets.find(tenant);
    if (budget === undefined) return undefined;
    const month = monthOf(now());
    const spent = await this.#spent(tenant, month);
    return {
      budget,
      month: textOfMonth(month),
      ...(spent === undefined ? {} : { spent: textOf(spent), currency: spent.list.currency.code }),
      stopped: this.stoppedMonth(tenant) === month,
      alerts: budgets.alerts(tenant, month),
    };
  }

  async #checkUntilCurrent(tenant: TenantName): Promise<void> {
    do {
      this.#again.delete(tenant);
      try {
        await this.#check(tenant);
      } catch (error) {
        this.#ports.report(`the budget of ${tenant} could not be looked after`, error);
      }
    } while (this.#again.has(tenant) && !this.#isClosed);
  }

  async #check(tenant: TenantName): Promise<void> {
    const { budgets, now } = this.#ports;
    const month = monthOf(now());
    const spent = await this.#spent(tenant, month);
    if (this.#isClosed) return;
    const budget = budgets.find(tenant);
    const isReached = (percent: number): boolean =>
      budget !== undefined && spent !== undefined && isAtLeast(spent, budget, percent);
    this.#setStopped(tenant, budget?.hardStop && isReached(100) ? month : 0);
    if (budget === undefined || spent === undefined) return;
    for (const threshold of budget.thresholds) {
      if (isReached(threshold)) budgets.reached(tenant, month, threshold, now());
    }
    for (const { threshold, deliveredAtMs, reachedAtMs } of budgets.alerts(tenant, month)) {
      if (deliveredAtMs === undefined && budget.webhook !== undefined)
        this.#deliver(tenant, month, budget.webhook, {
          type: 'budget.threshold_reached',
          tenant,
          month: textOfMonth(month),
          threshold,
          amount: budget.amount,
          spent: textOf(spent),
          currency: spent.list.currency.code,
          stopped: this.stoppedMonth(tenant) === month,
          at: new Date(reachedAtMs).toISOString(),
        });
    }
  }

  async #spent(tenant: TenantName, month: number): Promise<Spent | undefined> {
    const { prices, billedUse, generationOf } = this.#ports;
    const list = prices.of(month)?.list;
    if (list === undefined) return undefined;
    const parts = await billedUse({ tenant, generation: generationOf(tenant), month });
    return { month, list, total: price(totalUse(parts.map(meteredUse)), list).total };
  }

  #setStopped(tenant: TenantName, month: number): void {
    if (this.stoppedMonth(tenant) === month) return;
    if (month === 0) this.#stopped.delete(tenant);
    else this.#stopped.set(tenant, month);
    this.#ports.stop(tenant, month);
  }

  #deliver(
    tenant: TenantName,
    month: number,
    url: string,
    body: BudgetAlertMessage['body'],
    attempt = 0,
  ): void {
    const { threshold, amount } = body;
    const id = `budget-${tenant}-${this.#ports.generationOf(tenant)}-${body.month}-${threshold}-${amount}`;
    if (this.#isClosed || (attempt === 0 && this.#sending.has(id))) return;
    this.#sending.add(id);
    this.#ports
      .send({ id, url, body })
      .then(
        () => {
          this.#sending.delete(id);
          if (!this.#isClosed) this.#ports.budgets.delivered(tenant, month, threshold, this.#ports.now());
        },
        (error: unknown) => {
          const delayMs = RETRY_MS[attempt];
          if (delayMs === undefined) {
            this.#sending.delete(id);
            this.#ports.report(`the budget alert of ${tenant} at ${threshold} % was not delivered`, error);
            return;
          }
          this.#ports.later(() => this.#deliver(tenant, month, url, body, attempt + 1), delayMs);
        },
      )
      // It is told again, with the same id.
      .catch((error: unknown) =>
        this.#ports.report(
          `the budget alert of ${tenant} at ${threshold} % was not noted as delivered`,
          error,
        ),
      );
  }

  #list(): ReadonlySet<TenantName> {
    return new Set(this.#ports.budgets.list().map(({ tenant }) => tenant));
  }
}

/** An amount with more digits than the currency has is compared with all of them. */
function isAtLeast({ total, list: { currency } }: Spent, { amount }: Budget, percent: number): boolean {
  const digits = 6;
  const spent = total * 10n ** BigInt(digits - currency.minorUnitDigits);
  return spent * 100n >= scaled(amount, digits) * BigInt(percent);
}

function textOf({ total, list }: Spent): string {
  return decimalOf(total, list.currency.minorUnitDigits);
}
