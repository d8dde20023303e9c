/** The bill of a tenant and month, and its proof. */
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { MeteredUse, StoredPriceList } from '../model/price-list.ts';
import type { BilledUse, LedgerMonth } from './ledger-messages.ts';
import { type PricedUse, price } from './pricing.ts';
import type { LevelCheck } from './usage-check.ts';

export interface Invoice extends PricedUse {
  readonly tenant: TenantName;
  /** Months since the year 0, UTC. */
  readonly month: number;
  /** Whether the month is over. */
  readonly isFinal: boolean;
  readonly priceList: StoredPriceList;
  readonly use: MeteredUse;
  /** What each version of a function had of it. */
  readonly parts: readonly (MeteredUse & { readonly name: FunctionName; readonly version: number })[];
}

/** One of several, of tenants that may be gone. */
export interface TenantInvoice {
  readonly invoice: Invoice;
  readonly generation: number;
  readonly isDeleted: boolean;
}

export interface InvoiceVerification {
  readonly invoice: Invoice;
  /** Each level of the ledger against the one it was added up from. */
  readonly checks: readonly LevelCheck[];
  /** The total, recomputed from the records; undefined where some of the month's are no longer kept. */
  readonly totalFromRecords: bigint | undefined;
  /** Whether nothing differs. */
  readonly holds: boolean;
}

export function invoiceOf(
  { tenant, month }: LedgerMonth,
  billed: readonly BilledUse[],
  priceList: StoredPriceList,
  isFinal: boolean,
): Invoice {
  const parts = billed.map(({ name, version, ...sums }) => ({
    name: name as FunctionName,
    version,
    ...meteredUse(sums),
  }));
  const use = totalUse(parts);
  return { tenant, month, isFinal, priceList, use, parts, ...price(use, priceList.list) };
}

export function verificationOf(
  invoice: Invoice,
  checks: readonly LevelCheck[],
  monthFromMs: number,
): InvoiceVerification {
  const ofRecords = checks.find(({ from }) => from === 'record');
  const isWhole = ofRecords?.fromMs === monthFromMs;
  const totalFromRecords = isWhole
    ? price(meteredUse(ofRecords.billed), invoice.priceList.list).total
    : undefined;
  const holds =
    checks.every(({ differences }) => differences.length === 0) &&
    (totalFromRecords === undefined || totalFromRecords === invoice.total);
  return { invoice, checks, totalFromRecords, holds };
}

export function meteredUse(sums: Omit<BilledUse, 'name' | 'version'>): MeteredUse {
  return {
    requests: sums.invocations,
    fuel: sums.fuel,
    memory: sums.memoryTimeKiBMs,
    egress: sums.egressBytes,
  };
}

export function totalUse(parts: readonly MeteredUse[]): MeteredUse {
  const sum = (meter: keyof MeteredUse): bigint => parts.reduce((total, part) => total + part[meter], 0n);
  return { requests: sum('requests'), fuel: sum('fuel'), memory: sum('memory'), egress: sum('egress') };
}
