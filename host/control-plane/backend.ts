/**
 * What the control plane's routes need from whoever owns the registry. The routes run in every serving thread,
 * the owner runs in the main thread: each method is asynchronous and takes and returns plain data that the
 * structured clone algorithm carries, so that a generic "call method with argument" message is all it takes. What takes long
 * may have a listener besides, which is told plain data as well.
 * Errors that leave on purpose are MayflyErrors and cross as `ErrorMessage`s (errors.ts).
 */
import type { Invoice, InvoiceVerification, TenantInvoice } from '../metering/invoice.ts';
import type { LatencyHistogram } from '../metering/latency-histogram.ts';
import type { PageRequest } from '../metering/ledger-messages.ts';
import type { ExpositionFormat } from '../metering/telemetry/exposition-format.ts';
import type { UsagePage, UsageRange } from '../metering/usage-pages.ts';
import type { ApiKey, KeyScope } from '../model/api-key.ts';
import type { HandlerKind } from '../model/artifact.ts';
import type { AuditEntry } from '../model/audit-entry.ts';
import type { Backup, OnBackupProgress } from '../model/backup.ts';
import type { Budget, BudgetUse } from '../model/budget.ts';
import type { FunctionConfigurationPatch } from '../model/function-configuration.ts';
import type { FunctionRecord, FunctionVersion } from '../model/function-version.ts';
import type { Digest } from '../model/ids.ts';
import type { PriceList, StoredPriceList } from '../model/price-list.ts';
import type { OnPublishProgress } from '../model/publish-progress.ts';
import type { Quarantine } from '../model/quarantine.ts';
import type { RemeteringStatus } from '../model/remetering.ts';
import type { Tenant, TenantSettingsPatch } from '../model/tenant.ts';
import type { TenantQuotasPatch, TenantQuotaUse } from '../model/tenant-quotas.ts';
import type { UsageRecord } from '../model/usage-record.ts';
import type { RollupLevel, UsageRollup } from '../model/usage-rollup.ts';
import type { AuditPage } from '../store/audit-table.ts';
import type { FunctionPage, VersionPage } from '../store/function-table.ts';
import type { LogPage, StoredLogRecord } from '../store/log-store.ts';
import type { SecretListing } from '../store/secret-table.ts';
import { EVENT_METHODS, type EventBackend } from './event-backend.ts';
import type { Change, FunctionReference, TenantReference } from './references.ts';

/** A staged upload, ready to be published. The file belongs to the caller, who removes it afterwards. */
export interface PublishRequest extends FunctionReference, Change {
  readonly uploadPath: string;
  readonly digest: Digest;
  readonly uploadBytes: number;
  /** Which handler to use where the component exports several; HTTP wins unless it is named. */
  readonly handler?: HandlerKind;
}

export interface PublishReply {
  readonly version: FunctionVersion;
  /** False when the function had this version already; it is live again either way. */
  readonly created: boolean;
}

/** A function and the version that answers. */
export interface FunctionDescription {
  readonly record: FunctionRecord;
  readonly live: FunctionVersion;
  /** If the live version is not run. */
  readonly quarantine?: Quarantine;
}

export interface TelemetryBackend {
  /** Metrics of the whole process. */
  scrape(request: { readonly format: ExpositionFormat }): Promise<string>;
}

export interface TenantBackend {
  /** tenant_exists. */
  createTenant(
    request: TenantReference & Change & { readonly settings: TenantSettingsPatch },
  ): Promise<Tenant>;
  /** By name. */
  listTenants(): Promise<Tenant[]>;
  /** tenant_not_found. */
  describeTenant(request: TenantReference): Promise<Tenant>;
  /** tenant_not_found. */
  configureTenant(
    request: TenantReference & Change & { readonly settings: TenantSettingsPatch },
  ): Promise<Tenant>;
  /** tenant_not_found, tenant_permanent, tenant_not_empty unless `withFunctions`. */
  removeTenant(request: TenantReference & Change & { readonly withFunctions: boolean }): Promise<void>;
}

export interface AuditBackend {
  /** Newest first, of all tenants there are or were. */
  audit(request: AuditPage): Promise<AuditEntry[]>;
  /** Newest first, of this tenant and of no earlier one of its name; tenant_not_found. */
  tenantAudit(request: TenantReference & AuditPage): Promise<AuditEntry[]>;
}

/** A key, and its text, which nobody can give again. */
export interface NewlyMadeKey {
  readonly key: ApiKey;
  readonly text: string;
}

export interface KeyBackend {
  /** tenant_not_found, key_exists, keys_limit_reached. */
  createKey(
    request: TenantReference &
      Change & { readonly name: string; readonly scopes: readonly KeyScope[]; readonly expiresAtMs?: number },
  ): Promise<NewlyMadeKey>;
  /** By name; tenant_not_found. */
  listKeys(request: TenantReference): Promise<ApiKey[]>;
  /** tenant_not_found, key_not_found. */
  describeKey(request: TenantReference & { readonly id: string }): Promise<ApiKey>;
  /** The old text is valid for `graceMs` more; tenant_not_found, key_not_found. */
  rotateKey(
    request: TenantReference & Change & { readonly id: string; readonly graceMs: number },
  ): Promise<NewlyMadeKey>;
  /** tenant_not_found, key_not_found. */
  revokeKey(request: TenantReference & Change & { readonly id: string }): Promise<void>;
}

export interface SecretBackend {
  /** tenant_not_found, function_not_found, secrets_limit_reached, secrets_unavailable. */
  setSecret(
    request: FunctionReference & Change & { readonly secret: string; readonly value: string },
  ): Promise<void>;
  /** By name, without values; tenant_not_found, function_not_found. */
  listSecrets(request: FunctionReference): Promise<SecretListing[]>;
  /** tenant_not_found, function_not_found, secret_not_found. */
  removeSecret(request: FunctionReference & Change & { readonly secret: string }): Promise<void>;
}

export interface FunctionBackend {
  hasTenant(request: TenantReference): Promise<boolean>;
  /** Refuses, before a body is read, an upload that could not be published: tenant_not_found, functions_limit_reached, storage_quota_exceeded. */
  admitUpload(request: FunctionReference & { readonly uploadBytes?: number }): Promise<void>;
  /** Any `component_*` or `publish_*` code, tenant_not_found, functions_limit_reached, storage_quota_exceeded. */
  publish(request: PublishRequest, onProgress?: OnPublishProgress): Promise<PublishReply>;
  /** tenant_not_found, function_not_found. */
  describe(request: FunctionReference): Promise<FunctionDescription>;
  /** By name; tenant_not_found. */
  list(request: TenantReference & FunctionPage): Promise<FunctionDescription[]>;
  /** Newest first; tenant_not_found, function_not_found. */
  versions(request: FunctionReference & VersionPage): Promise<FunctionVersion[]>;
  /** tenant_not_found, function_not_found, version_not_found. */
  setLive(request: FunctionReference & Change & { readonly version: number }): Promise<FunctionDescription>;
  /** tenant_not_found, function_not_found, limit_above_ceiling. */
  configure(
    request: FunctionReference & Change & { readonly patch: FunctionConfigurationPatch },
  ): Promise<FunctionDescription>;
  /** tenant_not_found, function_not_found. */
  remove(request: FunctionReference & Change): Promise<void>;
  /** The newest records, oldest of them first; tenant_not_found, function_not_found. */
  logs(request: FunctionReference & LogPage): Promise<StoredLogRecord[]>;
}

export interface QuotaBackend {
  /** tenant_not_found. */
  quotas(request: TenantReference): Promise<TenantQuotaUse>;
  /** tenant_not_found, invalid_request where more would be reserved than there is. */
  setQuotas(
    request: TenantReference & Change & { readonly patch: TenantQuotasPatch },
  ): Promise<TenantQuotaUse>;
  /** tenant_not_found, function_not_found. */
  liftQuarantine(request: FunctionReference & Change): Promise<void>;
}

export interface BillingBackend {
  /** Of a tenant as it is now, or of all where none is named; tenant_not_found. */
  usageRecords(request: PageRequest): Promise<UsagePage<UsageRecord>>;
  usageRollups(request: PageRequest & { readonly level: RollupLevel }): Promise<UsagePage<UsageRollup>>;
  /** Of a tenant as it is now, or of all where none is named; tenant_not_found. */
  latencies(range: UsageRange): Promise<LatencyHistogram>;
  /** Of a month since the year 0 (UTC); tenant_not_found, prices_not_found. */
  invoice(request: TenantReference & { readonly month: number }): Promise<Invoice>;
  /** Of everybody who used anything, deleted tenants among them; prices_not_found. */
  invoices(request: { readonly month: number }): Promise<TenantInvoice[]>;
  /** With a generation, of that tenant, whether it is still there or not. */
  verifyInvoice(
    request: TenantReference & { readonly month: number; readonly generation?: number },
  ): Promise<InvoiceVerification>;
  /** All that were ever set, the latest first. */
  priceLists(): Promise<StoredPriceList[]>;
  /** invalid_request for a month that is over. */
  setPrices(request: Change & { readonly list: PriceList }): Promise<StoredPriceList>;
  /** tenant_not_found, budget_not_found. */
  budget(request: TenantReference): Promise<BudgetUse>;
  /** tenant_not_found. */
  setBudget(request: TenantReference & Change & { readonly budget: Budget }): Promise<BudgetUse>;
  /** tenant_not_found, budget_not_found. */
  removeBudget(request: TenantReference & Change): Promise<void>;
}

export interface BackupBackend {
  /** backup_running, disk_full, backup_failed, draining. */
  createBackup(request: Change, onProgress?: OnBackupProgress): Promise<Backup>;
  /** The latest first. */
  listBackups(): Promise<Backup[]>;
  /** backup_not_found. */
  removeBackup(request: Change & { readonly id: string }): Promise<void>;
}

export interface RemeteringBackend {
  remetering(): Promise<RemeteringStatus>;
  /** As it is then. */
  retryRemetering(): Promise<RemeteringStatus>;
}

export interface ControlBackend
  extends TenantBackend,
    KeyBackend,
    AuditBackend,
    SecretBackend,
    FunctionBackend,
    QuotaBackend,
    BillingBackend,
    EventBackend,
    TelemetryBackend,
    BackupBackend,
    RemeteringBackend {}

export type ControlMethod = keyof ControlBackend;

/** Every method by name, so that whoever forwards calls refuses to look up anything else. */
export const CONTROL_METHODS: readonly ControlMethod[] = Object.keys({
  createTenant: true,
  listTenants: true,
  describeTenant: true,
  configureTenant: true,
  removeTenant: true,
  quotas: true,
  setQuotas: true,
  liftQuarantine: true,
  usageRecords: true,
  usageRollups: true,
  latencies: true,
  invoice: true,
  invoices: true,
  verifyInvoice: true,
  priceLists: true,
  setPrices: true,
  budget: true,
  setBudget: true,
  removeBudget: true,
  scrape: true,
  createBackup: true,
  listBackups: true,
  removeBackup: true,
  remetering: true,
  retryRemetering: true,
  createKey: true,
  listKeys: true,
  describeKey: true,
  rotateKey: true,
  revokeKey: true,
  audit: true,
  tenantAudit: true,
  setSecret: true,
  listSecrets: true,
  removeSecret: true,
  hasTenant: true,
  admitUpload: true,
  publish: true,
  describe: true,
  list: true,
  versions: true,
  setLive: true,
  configure: true,
  remove: true,
  logs: true,
  ...EVENT_METHODS,
} satisfies Record<ControlMethod, true>) as ControlMethod[];
