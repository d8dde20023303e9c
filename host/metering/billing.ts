/** What a host has for its bills: the ledger and the watch over budgets, opened and closed together. */
import { join } from 'node:path';
import type { TenantName } from '../model/ids.ts';
import type { Registry } from '../store/registry.ts';
import { createOutboundPool } from '../wasi/http/outbound-pool.ts';
import { BudgetWatch } from './budget-watch.ts';
import { postAlert } from './budget-webhook.ts';
import type { UsageRetention } from './ledger.ts';
import { LedgerLink } from './ledger-link.ts';

export interface BillingOptions {
  readonly dataDir: string;
  readonly retention: UsageRetention;
  readonly registry: Registry;
  /** Stops a tenant for a month; 0 lets it go on. */
  readonly stop: (tenant: TenantName, month: number) => void;
  /** Signs budget alerts; undefined where the operator has set none. */
  readonly webhookSecret: string | undefined;
  /** For the operator. */
  readonly report: (message: string, error?: unknown) => void;
}

export class Billing implements AsyncDisposable {
  readonly ledger: LedgerLink;
  readonly budgetWatch: BudgetWatch;
  readonly #owned: AsyncDisposableStack;

  private constructor(ledger: LedgerLink, budgetWatch: BudgetWatch, owned: AsyncDisposableStack) {
    this.ledger = ledger;
    this.budgetWatch = budgetWatch;
    this.#owned = owned;
  }

  /** Throws DatabaseOpenError when the ledger's file cannot be used. */
  static async open({
    dataDir,
    retention,
    registry,
    stop,
    webhookSecret,
    report,
  }: BillingOptions): Promise<Billing> {
    await using stack = new AsyncDisposableStack();
    const ledger = stack.use(
      await LedgerLink.open({
        path: join(dataDir, 'usage.db'),
        retention,
        onCommitted: (tenants) => watch.committed(tenants),
        report,
      }),
    );
    const pool = createOutboundPool();
    stack.defer(() => pool.close());
    const watch = new BudgetWatch({
      budgets: registry.budgets,
      prices: registry.prices,
      generationOf: (tenant) => registry.audit.generationOf(tenant),
      billedUse: (month) => ledger.call('billedUse', month),
      stop,
      send: (message) => postAlert(message, pool, webhookSecret),
      later: (callback, ms) => void setTimeout(callback, ms).unref(),
      now: Date.now,
      report,
    });
    stack.defer(() => watch.close());
    // A stop holds from the first request on.
    await watch.checkAll();
    return new Billing(ledger, watch, stack.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}
