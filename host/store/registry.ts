import { MayflyError } from '../errors/errors.ts';
import type { FunctionLimitValues } from '../limits/limits.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { AuditedChange } from '../model/audit-entry.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { TenantQuotasPatch } from '../model/tenant-quotas.ts';
import { AuditTable } from './audit-table.ts';
import type { CopyOptions } from './backup/database-copy.ts';
import { BudgetTable } from './budget-table.ts';
import { defaultCeilings } from './ceilings.ts';
import { EventTables } from './event-tables.ts';
import { FunctionTable } from './function-table.ts';
import { KeyTable } from './key-table.ts';
import { MasterKeys } from './master-keys.ts';
import { PriceTable } from './price-table.ts';
import { QuarantineTable } from './quarantine-table.ts';
import { RegistryDatabase } from './registry-database.ts';
import { SecretTable } from './secret-table.ts';
import { TenantQuotaTable } from './tenant-quota-table.ts';
import { TenantTable } from './tenant-table.ts';
import { VersionArtifacts } from './version-artifacts.ts';

export interface RegistryOptions {
  /** A path, or `:memory:`. */
  readonly path: string;
  /** The operator's; those of limits.ts where absent. */
  readonly ceilings?: FunctionLimitValues;
  /** Quotas of a tenant for whom none are set, where they differ from limits.ts. */
  readonly quotas?: TenantQuotasPatch;
  /** The operator's, for secrets; none where absent. */
  readonly masterKeys?: MasterKeys;
  readonly auditEntriesPerTenant?: number;
  /** Instead of `fdatasync`, for tests of a slow disk or one that fails. */
  readonly sync?: (fd: number) => Promise<void>;
}

export class Registry implements Disposable {
  readonly audit: AuditTable;
  readonly functions: FunctionTable;
  readonly versionArtifacts: VersionArtifacts;
  readonly secrets: SecretTable;
  readonly keys: KeyTable;
  readonly tenants: TenantTable;
  readonly quotas: TenantQuotaTable;
  readonly quarantines: QuarantineTable;
  readonly prices: PriceTable;
  readonly budgets: BudgetTable;
  readonly events: EventTables;
  readonly #database: RegistryDatabase;

  /** Throws DatabaseOpenError when the file is in use, damaged or from a newer release. */
  constructor(options: RegistryOptions) {
    const database = new RegistryDatabase(options);
    this.#database = database;
    const audit = new AuditTable(database, options.auditEntriesPerTenant);
    this.audit = audit;
    const tenants = new TenantTable(database, audit);
    this.tenants = tenants;
    const quotas = new TenantQuotaTable(database, audit, tenants, options.quotas);
    this.quotas = quotas;
    const ceilings = options.ceilings ?? defaultCeilings();
    this.functions = new FunctionTable({ database, audit, tenants, quotas, ceilings });
    this.versionArtifacts = new VersionArtifacts(database, audit);
    const changed = (tenant: TenantName, name: FunctionName): void => this.functions.changed(tenant, name);
    this.quarantines = new QuarantineTable(database, audit, changed);
    this.prices = new PriceTable(database, audit);
    this.budgets = new BudgetTable(database, audit, tenants);
    this.keys = new KeyTable(database, audit, tenants);
    const masterKeys = options.masterKeys ?? new MasterKeys([]);
    this.secrets = new SecretTable({ database, audit, masterKeys, changed });
    this.events = new EventTables({ database, audit, tenants, quotas, masterKeys, changed });
  }

  /**
   * Removes a tenant with all that is its own: functions, versions and their counters, keys, secrets, queues, event
   * source mappings and schedules. Gives the names of the functions that it had.
   * @throws MayflyError tenant_not_found, tenant_not_empty unless functions may go along
   */
  removeTenant(
    tenant: TenantName,
    { withFunctions, nowMs }: { readonly withFunctions: boolean; readonly nowMs: number },
    actor: Actor = THE_HOST,
  ): FunctionName[] {
    const keys = this.keys.list(tenant).map(({ id }) => id);
    const { functions, tellEvents } = this.#database.change(() => {
      const { settings } = this.tenants.require(tenant);
      const names = this.functions.names(tenant);
      if (names.length > 0 && !withFunctions) {
        throw new MayflyError('tenant_not_empty', `Tenant ${tenant} has ${names.length} functions.`);
      }
      const tellEvents = this.events.removeAll(tenant);
      // A later tenant of this name is somebody else, to whom even a count of versions would tell something.
      for (const table of ['functions', 'version_counters'])
        this.#database.sql(`DELETE FROM ${table} WHERE tenant = ?`).run(tenant);
      this.#database.sql('DELETE FROM tenants WHERE name = ?').run(tenant);
      const before = { settings, functions: names };
      this.audit.append({ tenant, actor, action: 'tenant.delete', target: tenant, before }, nowMs);
      return { functions: names, tellEvents };
    });
    this.tenants.changed(tenant);
    this.budgets.changed(tenant);
    this.keys.changed(keys);
    for (const name of functions) this.functions.changed(tenant, name);
    tellEvents();
    return functions;
  }

  /** Writes an entry of the audit log about what is not kept here. */
  note(change: AuditedChange, nowMs: number): void {
    this.#database.change(() => this.audit.append(change, nowMs));
  }

  /** Resolves when everything that was changed before, or of a tenant's functions, is on the disk: what whoever tells of it waits for. */
  durable(tenant?: TenantName): Promise<void> {
    return this.#database.durable(tenant);
  }

  /** See {@link copyDatabase}. */
  copyTo(options: CopyOptions): Promise<void> {
    return this.#database.copyTo(options);
  }

  close(): void {
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
