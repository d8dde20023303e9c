import type { Invoice, InvoiceVerification, TenantInvoice } from '../metering/invoice.ts';
import { decimalOf } from '../metering/pricing.ts';
import type { BudgetUse } from '../model/budget.ts';
import { METERS, type MeteredUse, type StoredPriceList, textOfMonth } from '../model/price-list.ts';
import type {
  BudgetUseJson,
  InvoiceJson,
  StoredPriceListJson,
  TenantInvoiceJson,
  VerificationJson,
} from './billing-schemas.ts';

export function invoiceJson({
  tenant,
  month,
  isFinal,
  priceList,
  lines,
  total,
  use,
  parts,
}: Invoice): InvoiceJson {
  const { code, minorUnitDigits } = priceList.list.currency;
  return {
    tenant,
    month: textOfMonth(month),
    isFinal,
    currency: code,
    priceListId: priceList.id,
    lines: lines.map(({ meter, from, upTo, quantity, price, amount }) => ({
      meter,
      unit: METERS[meter].unit,
      from,
      ...(upTo === undefined ? {} : { upTo }),
      quantity: quantity.toString(),
      perUnit: METERS[meter].per.toString(),
      price,
      amount: decimalOf(amount, minorUnitDigits),
    })),
    total: decimalOf(total, minorUnitDigits),
    use: useJson(use),
    functions: parts.map((part) => ({ function: part.name, version: part.version, ...useJson(part) })),
  };
}

export function tenantInvoiceJson({ invoice, ...rest }: TenantInvoice): TenantInvoiceJson {
  return { ...invoiceJson(invoice), ...rest };
}

export function verificationJson(verification: InvoiceVerification): VerificationJson {
  const { invoice, checks, totalFromRecords, holds } = verification;
  const { minorUnitDigits } = invoice.priceList.list.currency;
  return {
    invoice: invoiceJson(invoice),
    holds,
    ...(totalFromRecords === undefined
      ? {}
      : { totalFromRecords: decimalOf(totalFromRecords, minorUnitDigits) }),
    checks: checks.map(({ from, to, fromMs, toMs, invocations, differences }) => ({
      from,
      to,
      begin: new Date(fromMs).toISOString(),
      end: new Date(toMs).toISOString(),
      invocations: invocations.toString(),
      differences: differences.map(({ name, added, kept, ...rest }) => ({
        ...rest,
        function: name,
        added: added.toString(),
        kept: kept.toString(),
      })),
    })),
  };
}

export function priceListJson({ id, list, createdAtMs }: StoredPriceList): StoredPriceListJson {
  return { id, list, createdAt: new Date(createdAtMs).toISOString() };
}

export function budgetJson({ alerts, ...use }: BudgetUse): BudgetUseJson {
  return {
    ...use,
    alerts: alerts.map(({ threshold, reachedAtMs, deliveredAtMs }) => ({
      threshold,
      reachedAt: new Date(reachedAtMs).toISOString(),
      ...(deliveredAtMs === undefined ? {} : { deliveredAt: new Date(deliveredAtMs).toISOString() }),
    })),
  };
}

function useJson({ requests, fuel, memory, egress }: MeteredUse): InvoiceJson['use'] {
  return {
    requests: requests.toString(),
    fuel: fuel.toString(),
    memoryTimeKiBMs: memory.toString(),
    egressBytes: egress.toString(),
  };
}
