/** A quota table in which one tenant and its functions are bounded by what a test says, and by nothing else. */
import { FUNCTION_LIMITS } from '../../host/limits/limits.ts';
import type { TenantQuotaName } from '../../host/limits/tenant-quota-limits.ts';
import { Admission, type Applicant } from '../../host/scheduler/admission.ts';
import type { AdmissionClock } from '../../host/scheduler/burn.ts';
import {
  createQuotaTable,
  HOST,
  LIMIT,
  QUOTA_NAMES,
  QuotaTable,
  type QuotaTableBuffers,
} from '../../host/scheduler/quota-table.ts';

export const TENANT = 1;
export const OTHER_TENANT = 2;
const BOUNDLESS = Number.MAX_SAFE_INTEGER;

/** The real clocks, as every thread of a process reads them. */
export const REAL_CLOCK: AdmissionClock = {
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  wallMs: Date.now,
};

/** A clock that stands still until a test moves it. */
export class ManualClock implements AdmissionClock {
  nowMs = 1_000_000;
  epochMs: number = Date.UTC(2026, 10, 27);

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.epochMs;
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.epochMs += ms;
  }
}

export type Limits = Partial<Record<TenantQuotaName, number>>;

export function quotaBuffers(
  threads: number,
  limits: Limits = {},
  hostConcurrency = BOUNDLESS,
): QuotaTableBuffers {
  const buffers = createQuotaTable(threads);
  const table = new QuotaTable(buffers);
  table.setLimit(HOST, LIMIT.concurrency, hostConcurrency);
  for (const tenant of [TENANT, OTHER_TENANT]) {
    const quotas = tenant === TENANT ? limits : {};
    for (const name of QUOTA_NAMES) {
      const isReserve = name === 'reservedConcurrency' || name === 'queuedInvocations';
      table.setLimit(tenant, LIMIT[name], quotas[name] ?? (isReserve ? 0 : BOUNDLESS));
    }
  }
  return buffers;
}

/** An admission for each of a number of threads, over one table. */
export function admissions(
  threads: number,
  limits: Limits = {},
  clock: AdmissionClock = new ManualClock(),
  hostConcurrency = BOUNDLESS,
): { readonly table: QuotaTable; readonly threads: Admission[] } {
  const table = new QuotaTable(quotaBuffers(threads, limits, hostConcurrency));
  return {
    table,
    threads: Array.from({ length: threads }, (_, thread) => new Admission(table, thread, clock)),
  };
}

export function applicant(
  column = 0,
  configuration: Partial<Applicant['configuration']> = {},
  tenant = TENANT,
): Applicant {
  return {
    tenant,
    function: column,
    configuration: {
      concurrency: BOUNDLESS,
      reservedConcurrency: 0,
      requestsPerSecond: FUNCTION_LIMITS.requestsPerSecond.ceiling,
      requestBurst: FUNCTION_LIMITS.requestBurst.ceiling,
      memoryBytes: 65_536,
      ...configuration,
    },
  };
}
