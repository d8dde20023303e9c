/**
 * What tenants may cost in a month, and which thresholds of it they have reached, in the registry's file.
 *
 * A threshold is in here once for each month and amount, before anybody is told of it: what is told twice is told with the same id.
 */
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { Budget, BudgetAlert } from '../model/budget.ts';
import type { TenantName } from '../model/ids.ts';
import type { AuditTable } from './audit-table.ts';
import type { RegistryDatabase } from './registry-database.ts';
import type { TenantTable } from './tenant-table.ts';

export interface TenantBudget {
  readonly tenant: TenantName;
  readonly budget: Budget;
}

export class BudgetTable {
  readonly #database: RegistryDatabase;
  readonly #audit: AuditTable;
  readonly #tenants: TenantTable;
  readonly #listeners = new Set<(tenant: TenantName) => void>();

  constructor(database: RegistryDatabase, audit: AuditTable, tenants: TenantTable) {
    this.#database = database;
    this.#audit = audit;
    this.#tenants = tenants;
  }

  /** Tells `listener` of every budget that was set or removed, once that is durable. */
  onChange(listener: (tenant: TenantName) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  find(tenant: TenantName): Budget | undefined {
    const row = this.#database.sql('SELECT budget FROM budgets WHERE tenant = ?').get(tenant);
    return row && (JSON.parse(row['budget'] as string) as Budget);
  }

  list(): TenantBudget[] {
    return this.#database
      .sql('SELECT tenant, budget FROM budgets ORDER BY tenant')
      .all()
      .map((row) => ({
        tenant: row['tenant'] as TenantName,
        budget: JSON.parse(row['budget'] as string) as Budget,
      }));
  }

  /** @throws MayflyError tenant_not_found */
  set(tenant: TenantName, budget: Budget, nowMs: number, actor: Actor = THE_HOST): void {
    this.#database.change(() => {
      this.#tenants.require(tenant);
      const before = this.find(tenant);
      this.#database
        .sql('INSERT INTO budgets VALUES (?, ?) ON CONFLICT DO UPDATE SET budget = excluded.budget')
        .run(tenant, JSON.stringify(budget));
      if (before?.amount !== budget.amount)
        this.#database.sql('DELETE FROM budget_alerts WHERE tenant = ?').run(tenant);
      this.#audit.append(
        {
          tenant,
          actor,
          action: 'budget.set',
          target: tenant,
          ...(before === undefined ? {} : { before: withoutAddress(before) }),
          after: withoutAddress(budget),
        },
        nowMs,
      );
    });
    this.changed(tenant);
  }

  /** Says whether there was one. */
  remove(tenant: TenantName, nowMs: number, actor: Actor = THE_HOST): boolean {
    const before = this.find(tenant);
    if (before === undefined) return false;
    this.#database.change(() => {
      this.#database.sql('DELETE FROM budgets WHERE tenant = ?').run(tenant);
      const side = { before: withoutAddress(before) };
      this.#audit.append({ tenant, actor, action: 'budget.delete', target: tenant, ...side }, nowMs);
    });
    this.changed(tenant);
    return true;
  }

  /** For whoever removed it along with its tenant. */
  changed(tenant: TenantName): void {
    for (const listener of this.#listeners) listener(tenant);
  }

  /** Says whether this is the first that is heard of it in the month. */
  reached(tenant: TenantName, month: number, threshold: number, nowMs: number): boolean {
    return this.#database.change(() => {
      const { changes } = this.#database
        .sql(
          `INSERT INTO budget_alerts (tenant, month, threshold, reached_at_ms)
           SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM budgets WHERE tenant = ?1) ON CONFLICT DO NOTHING`,
        )
        .run(tenant, month, threshold, nowMs);
      return Number(changes) > 0;
    });
  }

  delivered(tenant: TenantName, month: number, threshold: number, nowMs: number): void {
    this.#database.change(() => {
      this.#database
        .sql('UPDATE budget_alerts SET delivered_at_ms = ? WHERE tenant = ? AND month = ? AND threshold = ?')
        .run(nowMs, tenant, month, threshold);
    });
  }

  /** By threshold. */
  alerts(tenant: TenantName, month: number): BudgetAlert[] {
    return this.#database
      .sql('SELECT * FROM budget_alerts WHERE tenant = ? AND month = ? ORDER BY threshold')
      .all(tenant, month)
      .map((row) => ({
        threshold: row['threshold'] as number,
        reachedAtMs: row['reached_at_ms'] as number,
        ...(row['delivered_at_ms'] === null ? {} : { deliveredAtMs: row['delivered_at_ms'] as number }),
      }));
  }
}

/** The address of a webhook may carry a token. */
function withoutAddress({ webhook, ...rest }: Budget): object {
  return webhook === undefined ? rest : { ...rest, webhook: new URL(webhook).host };
}
