/** Usage, prices, bills and budgets in the main thread: the ledger says what was used, the registry what that costs. */
import { MayflyError } from '../errors/errors.ts';
import type { BudgetWatch } from '../metering/budget-watch.ts';
import {
  type Invoice,
  type InvoiceVerification,
  invoiceOf,
  type TenantInvoice,
  verificationOf,
} from '../metering/invoice.ts';
import type { LatencyHistogram } from '../metering/latency-histogram.ts';
import type { LedgerMonth, LedgerService } from '../metering/ledger-messages.ts';
import type { UsagePage, UsageRange } from '../metering/usage-pages.ts';
import type { BudgetUse } from '../model/budget.ts';
import type { TenantName } from '../model/ids.ts';
import type { StoredPriceList } from '../model/price-list.ts';
import { textOfMonth } from '../model/price-list.ts';
import { monthOf, startOfMonthMs } from '../model/tenant-quotas.ts';
import type { UsageRecord } from '../model/usage-record.ts';
import type { UsageRollup } from '../model/usage-rollup.ts';
import type { Registry } from '../store/registry.ts';
import type { BillingBackend } from './backend.ts';
import type { TenantReference } from './references.ts';

/** Asks the ledger. */
export type AskLedger = <M extends keyof LedgerService>(
  method: M,
  request: Parameters<LedgerService[M]>[0],
) => Promise<ReturnType<LedgerService[M]>>;

export interface BillingServicePorts {
  readonly registry: Registry;
  readonly askLedger: AskLedger;
  readonly budgetWatch: BudgetWatch;
  readonly now: () => number;
}

type Request<M extends keyof BillingBackend> = Parameters<BillingBackend[M]>[0];

export class BillingService implements BillingBackend {
  readonly #ports: BillingServicePorts;

  constructor(ports: BillingServicePorts) {
    this.#ports = ports;
  }

  async usageRecords({ range, ...page }: Request<'usageRecords'>): Promise<UsagePage<UsageRecord>> {
    return this.#ports.askLedger('records', { ...page, range: this.#ofGeneration(range) });
  }

  async usageRollups({ range, ...page }: Request<'usageRollups'>): Promise<UsagePage<UsageRollup>> {
    return this.#ports.askLedger('rollups', { ...page, range: this.#ofGeneration(range) });
  }

  async latencies(range: UsageRange): Promise<LatencyHistogram> {
    return this.#ports.askLedger('latencies', this.#ofGeneration(range));
  }

  async invoice({ tenant, month }: Request<'invoice'>): Promise<Invoice> {
    return this.#invoiceOf(this.#monthOf(tenant, month));
  }

  async invoices({ month }: Request<'invoices'>): Promise<TenantInvoice[]> {
    const { registry, askLedger } = this.#ports;
    const found = await askLedger('tenantsOf', month);
    return Promise.all(
      found.map(async ({ tenant, generation }) => ({
        invoice: await this.#invoiceOf({ tenant, generation, month }),
        generation,
        isDeleted: !registry.tenants.has(tenant) || generation !== registry.audit.generationOf(tenant),
      })),
    );
  }

  async #invoiceOf(asked: LedgerMonth): Promise<Invoice> {
    const { registry, askLedger, now } = this.#ports;
    const { month } = asked;
    const priceList = registry.prices.of(month);
    if (priceList === undefined) {
      throw new MayflyError('prices_not_found', `No price list holds for ${textOfMonth(month)}.`);
    }
    return invoiceOf(asked, await askLedger('billedUse', asked), priceList, month < monthOf(now()));
  }

  async verifyInvoice({ tenant, month, generation }: Request<'verifyInvoice'>): Promise<InvoiceVerification> {
    const asked = generation === undefined ? this.#monthOf(tenant, month) : { tenant, generation, month };
    const invoice = await this.#invoiceOf(asked);
    const checks = await this.#ports.askLedger('check', asked);
    return verificationOf(invoice, checks, startOfMonthMs(month));
  }

  async priceLists(): Promise<StoredPriceList[]> {
    return this.#ports.registry.prices.list();
  }

  async setPrices({ list, actor }: Request<'setPrices'>): Promise<StoredPriceList> {
    const { registry, now } = this.#ports;
    return registry.prices.add(list, now(), actor);
  }

  async budget({ tenant }: TenantReference): Promise<BudgetUse> {
    this.#ports.registry.tenants.require(tenant);
    const use = await this.#ports.budgetWatch.use(tenant);
    if (use === undefined) throw new MayflyError('budget_not_found', `Tenant ${tenant} has no budget.`);
    return use;
  }

  /** Whether the tenant is to be stopped is decided before it answers. */
  async setBudget({ tenant, budget, actor }: Request<'setBudget'>): Promise<BudgetUse> {
    const { registry, budgetWatch, now } = this.#ports;
    registry.budgets.set(tenant, budget, now(), actor);
    await budgetWatch.check(tenant);
    return this.budget({ tenant });
  }

  async removeBudget({ tenant, actor }: Request<'removeBudget'>): Promise<void> {
    const { registry, budgetWatch, now } = this.#ports;
    registry.tenants.require(tenant);
    if (!registry.budgets.remove(tenant, now(), actor)) {
      throw new MayflyError('budget_not_found', `Tenant ${tenant} has no budget.`);
    }
    await budgetWatch.check(tenant);
  }

  #monthOf(tenant: TenantName, month: number): LedgerMonth {
    const { registry } = this.#ports;
    registry.tenants.require(tenant);
    return { tenant, generation: registry.audit.generationOf(tenant), month };
  }

  /** A tenant sees nothing of an earlier one of its name; the operator asks for all of them without a name. */
  #ofGeneration(range: UsageRange): UsageRange {
    if (range.tenant === undefined) return range;
    const { generation } = this.#monthOf(range.tenant, 0);
    return { ...range, generation };
  }
}
