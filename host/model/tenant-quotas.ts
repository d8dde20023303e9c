import { z } from 'zod';
import {
  TENANT_QUOTAS,
  type TenantQuotaName,
  type TenantQuotaValues,
} from '../limits/tenant-quota-limits.ts';

function quotaSchema(name: TenantQuotaName): z.ZodNumber {
  const { floor, hard, unit, reason } = TENANT_QUOTAS[name];
  return z.number().int().min(floor).max(hard).describe(`Unit: ${unit}. ${reason}`);
}

/** What the operator may set for a tenant. Unknown keys are errors, so that a typo cannot pass for a default. */
export const tenantQuotasPatchSchema = z
  .strictObject({
    concurrency: quotaSchema('concurrency'),
    reservedConcurrency: quotaSchema('reservedConcurrency'),
    queuedInvocations: quotaSchema('queuedInvocations'),
    queueTimeoutMs: quotaSchema('queueTimeoutMs'),
    memoryBytes: quotaSchema('memoryBytes'),
    requestsPerSecond: quotaSchema('requestsPerSecond'),
    requestBurst: quotaSchema('requestBurst'),
    fuelPerSecond: quotaSchema('fuelPerSecond'),
    fuelPerMonth: quotaSchema('fuelPerMonth'),
    storedBytes: quotaSchema('storedBytes'),
    functions: quotaSchema('functions'),
    versions: quotaSchema('versions'),
    queues: quotaSchema('queues'),
    eventSourceMappings: quotaSchema('eventSourceMappings'),
    schedules: quotaSchema('schedules'),
    outboundRequestsPerSecond: quotaSchema('outboundRequestsPerSecond'),
    outboundBytesPerMonth: quotaSchema('outboundBytesPerMonth'),
  })
  .partial();

export type TenantQuotasPatch = z.infer<typeof tenantQuotasPatchSchema>;

/** How much of a quota is used now, and when what is used of it comes back by itself. */
export interface QuotaUse {
  readonly limit: number;
  /** Absent for what is no amount, such as a time, and where others count. */
  readonly used?: number;
  readonly resetAtMs?: number;
}

export type TenantQuotaUse = Readonly<Record<TenantQuotaName, QuotaUse>>;

export function defaultQuotas(): TenantQuotaValues {
  const entries = Object.entries(TENANT_QUOTAS).map(([name, quota]) => [name, quota.default]);
  return Object.fromEntries(entries) as TenantQuotaValues;
}

/** Quotas that a patch names replace the old ones. */
export function applyQuotas(base: TenantQuotaValues, patch: TenantQuotasPatch): TenantQuotaValues {
  const set = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  return { ...base, ...set };
}

/** The month that was asked for last: each call of a function asks, and a date takes half a microsecond. */
let known = { month: 0, fromMs: 0, untilMs: 0 };

/** Months since the year 0, UTC. */
export function monthOf(atMs: number): number {
  if (atMs < known.fromMs || atMs >= known.untilMs) {
    const date = new Date(atMs);
    const month = date.getUTCFullYear() * 12 + date.getUTCMonth();
    known = { month, fromMs: startOfMonthMs(month), untilMs: startOfMonthMs(month + 1) };
  }
  return known.month;
}

/** When a month begins, in ms since the epoch. */
export function startOfMonthMs(month: number): number {
  return Date.UTC(Math.floor(month / 12), month % 12);
}
